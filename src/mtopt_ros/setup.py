from setuptools import find_packages, setup

NAME = "mtopt_ros"
NODES = (
    "mujoco",
    "camera",
    "arm",
    "bin",
    "policy",
    "success",
    "recorder",
    "runner",
    "warden",
)

setup(
    name=NAME,
    version="0.1.0",
    description="The nodes of a cell: thin shells over the mtopt packages.",
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
    entry_points={
        "console_scripts": [
            *(f"{name} = {NAME}.executables:main" for name in NODES),
            f"composed = {NAME}.executables:composed",
        ]
    },
    zip_safe=False,
)
