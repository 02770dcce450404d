"""package.xml says what the code really imports, and is a valid ROS 2 manifest."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from catkin_pkg.package import Package, parse_package

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("src/*/package.xml"))
PYTHON_PACKAGES = [name for name in PACKAGES if name != "mtopt_msgs"]

# What is imported under another name than its rosdep key.
KEYS = {
    "OpenGL": "python3-opengl",
    "cv2": "python3-opencv",
    "duckdb": "python3-duckdb-pip",
    "foxglove": "python3-foxglove-sdk-pip",
    "fsspec": "python3-fsspec",
    "mcap": "mcap-ros2-support",
    "mcap_ros2": "mcap-ros2-support",
    "mujoco": "python3-mujoco-pip",
    "numpy": "python3-numpy",
    "onnx": "python3-onnx-pip",
    "onnxruntime": "python3-onnxruntime-pip",
    "pyarrow": "python3-pyarrow-pip",
    "openvino": "python3-openvino-pip",
    "rich": "python3-rich",
    "tensorboardX": "python3-tensorboardx-pip",
    "torch": "python3-torch-pip",
    "yaml": "python3-yaml",
    "zstandard": "mcap-ros2-support",
}
# Needed at run time, and not through an import: programs that are started, and the data and the
# code of the packages that a fleet is made of.
STARTED = {
    "mtopt_bringup": {
        "launch", "launch_ros", "supervisor", "xacro", "rclpy", "python3-yaml",
        "controller_manager", "joint_state_broadcaster", "joint_trajectory_controller",
        "robot_state_publisher",
        *(name for name in PACKAGES if name != "mtopt_bringup"),
    },
}  # fmt: skip
# Peers that a bench runs beside ours where somebody has installed them; nothing needs them.
PEERS = {"mtopt_bringup": {"robosuite", "torch"}}


def manifest(package: str) -> Package:
    return parse_package(str(ROOT / "src" / package / "package.xml"))


def imported(package: str) -> set[str]:
    sources = list((ROOT / "src" / package / package).rglob("*.py"))
    if package == "mtopt_bringup":
        sources += (ROOT / "launch").rglob("*.py")
    modules: set[str] = set()
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules.add(node.module.split(".")[0])
    return (
        modules - set(sys.stdlib_module_names) - {package, "_typeshed"} - PEERS.get(package, set())
    )


def test_packages_are_found() -> None:
    assert len(PACKAGES) >= 7


@pytest.mark.parametrize("package", PACKAGES)
def test_manifest_is_whole(package: str) -> None:
    found = manifest(package)
    assert found.name == package
    assert found.package_format == 3
    assert found.licenses == ["Apache-2.0"]
    assert [person.name for person in found.maintainers] == ["mtopt developers"]
    assert len(found.description) > 20
    assert found.get_build_type() in {"ament_python", "ament_cmake"}


def test_packages_share_one_version() -> None:
    assert {manifest(package).version for package in PACKAGES} == {"0.1.0"}


@pytest.mark.parametrize("package", PYTHON_PACKAGES)
def test_every_import_is_declared_and_every_dependency_used(package: str) -> None:
    declared = {dependency.name for dependency in manifest(package).exec_depends}
    used = {KEYS.get(module, module) for module in imported(package)}
    assert used - declared == set(), "imported, not in package.xml"
    assert declared - used - STARTED.get(package, set()) == set(), "in package.xml, not used"


def test_interfaces_depend_on_what_they_name() -> None:
    folder = ROOT / "src" / "mtopt_msgs"
    named = set()
    for pattern in ("msg/*.msg", "srv/*.srv", "action/*.action"):
        for path in folder.glob(pattern):
            for line in path.read_text().splitlines():
                kind = line.split("#")[0].split(" ")[0]
                if "/" in kind:
                    named.add(kind.split("/")[0])
    declared = {dependency.name for dependency in manifest("mtopt_msgs").build_depends}
    assert named <= declared
    assert declared - named <= {"action_msgs"}
    listed = (folder / "CMakeLists.txt").read_text()
    assert all(f"find_package({name} REQUIRED)" in listed for name in named)


def test_no_manifest_at_the_root() -> None:
    assert not (ROOT / "package.xml").exists(), "colcon would look no further"
