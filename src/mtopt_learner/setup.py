from setuptools import find_packages, setup

NAME = "mtopt_learner"

setup(
    name=NAME,
    version="0.1.0",
    description="The learner of the fleet: log replay, Bellman targets, training, export.",
    maintainer="mtopt developers",
    maintainer_email="maintainers@mtopt.dev",
    license="Apache-2.0",
    packages=find_packages(),
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    # The tests are those of the whole workspace, in test/; this keeps colcon to pytest.
    extras_require={"test": ["pytest"]},
    zip_safe=False,
)
