"""What ros2_control and Gazebo are told: names, order, files, for every kind of cell."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtopt_bringup.launching.hardware import (
    CONTROLLERS,
    HARDWARE,
    HardwareArguments,
    HardwareFiles,
    bridged,
    parse,
    prefixed,
    prepare,
)
from mtopt_bringup.paths import Paths
from mtopt_core.errors import ConfigError
from mtopt_core.workspace import Workspace
from mtopt_data.errors import NameInvalid
from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS, GRIPPER_JOINTS
from mtopt_robot.motion import MotionConfig

ROOT = Path(__file__).resolve().parents[3]
PATHS = Paths.below(ROOT)
MANAGER = "/**/controller_manager"
Prepared = tuple[HardwareArguments, HardwareFiles]

# Plugins and parameters by the names that ros2_control and ros2_controllers have in Jazzy.
TYPES = {
    name: "joint_trajectory_controller/JointTrajectoryController"
    for name in ("arm_controller", "gripper_controller", "bin_controller")
} | {"joint_state_broadcaster": "joint_state_broadcaster/JointStateBroadcaster"}
MANAGER_READS = {"update_rate", "enforce_command_limits"}
TRAJECTORY_CONTROLLER_READS = {
    "joints", "command_interfaces", "state_interfaces", "allow_partial_joints_goal",
    "allow_nonzero_velocity_at_trajectory_end", "constraints", "interpolate_from_desired_state",
}  # fmt: skip


@pytest.fixture(scope="module", params=itertools.product(HARDWARE, (False, True)), ids=str)
def cell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    hardware, with_prefix = request.param
    given = HardwareArguments("cell3", hardware, with_prefix)
    return given, prepare(given, PATHS, tmp_path_factory.mktemp("hardware"))


def told(files: HardwareFiles) -> dict[str, dict[str, Any]]:
    values = yaml.safe_load(files.controllers.read_text(encoding="utf-8"))
    return {node: entry["ros__parameters"] for node, entry in values.items()}


def test_every_commanded_joint_has_one_controller_and_no_other_has(cell: Prepared) -> None:
    _, files = cell
    robot = ElementTree.fromstring(files.description.urdf)
    commanded = [
        joint.get("name")
        for joint in robot.findall("ros2_control/joint")
        if joint.find("command_interface[@name='position']") is not None
    ]
    held = [joint for node in told(files).values() for joint in node.get("joints", [])]
    assert sorted(held) == sorted(commanded)
    assert len(held) == len(ARM_JOINTS) + len(GRIPPER_JOINTS) + len(BIN_JOINTS)


def test_constraints_are_of_the_controllers_own_joints(cell: Prepared) -> None:
    _, files = cell
    for name in CONTROLLERS[1:]:
        node = told(files)[f"/**/{name}"]
        of_joints = set(node["constraints"]) - {"stopped_velocity_tolerance", "goal_time"}
        assert of_joints == set(node["joints"])


def test_the_controllers_are_those_of_the_wire(cell: Prepared) -> None:
    _, files = cell
    manager = told(files)[MANAGER]
    assert manager["enforce_command_limits"] is True
    assert {name for name, value in manager.items() if isinstance(value, dict)} == set(CONTROLLERS)
    for name in CONTROLLERS[1:]:
        node = told(files)[f"/**/{name}"]
        assert node["command_interfaces"] == ["position"]
        assert node["state_interfaces"] == ["position", "velocity"]
        assert node["allow_nonzero_velocity_at_trajectory_end"] is False


def test_states_come_often_enough() -> None:
    values = yaml.safe_load((ROOT / "config" / "controllers.yaml").read_text(encoding="utf-8"))
    assert 50 <= values[MANAGER]["ros__parameters"]["update_rate"] <= 1000


def test_every_parameter_is_one_that_ros2_control_reads(cell: Prepared) -> None:
    """An unknown one is passed over in silence."""
    _, files = cell
    for node, values in told(files).items():
        if node == MANAGER:
            assert set(values) - set(CONTROLLERS) <= MANAGER_READS
            assert {name: entry["type"] for name, entry in values.items() if name in TYPES} == TYPES
            continue
        assert set(values) <= TRAJECTORY_CONTROLLER_READS
        constraints = values["constraints"]
        of_joints = {"stopped_velocity_tolerance", "goal_time"} ^ set(constraints)
        assert of_joints == set(values["joints"])
        assert all(set(constraints[joint]) == {"trajectory", "goal"} for joint in of_joints)


@pytest.mark.parametrize("prefix", ["", "cell1_", "a_"])
def test_a_prefix_changes_names_and_nothing_else(prefix: str) -> None:
    plain = yaml.safe_load((ROOT / "config" / "controllers.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(prefixed(plain, prefix), sort_keys=False)
    for joint in (*ARM_JOINTS, *GRIPPER_JOINTS, *BIN_JOINTS):
        text = text.replace(f"{prefix}{joint}", joint)
    assert yaml.safe_load(text) == plain


def test_gazebo_reads_the_cells_own_file_in_the_cells_namespace(cell: Prepared) -> None:
    given, files = cell
    robot = ElementTree.fromstring(files.description.urdf)
    plugins = robot.findall("gazebo/plugin")
    assert len(plugins) == (given.hardware == "gazebo")
    for plugin in plugins:
        assert plugin.find("parameters").text == str(files.controllers)
        assert plugin.find("ros/namespace").text == "/cell3"


def test_the_bridge_carries_what_the_description_sends(cell: Prepared) -> None:
    given, files = cell
    entries = yaml.safe_load(files.bridge.read_text(encoding="utf-8"))
    assert {entry["direction"] for entry in entries} == {"GZ_TO_ROS"}
    assert {"/clock"} < {entry["ros_topic_name"] for entry in entries}
    carried = {entry["gz_topic_name"] for entry in entries} - {"/clock"}
    sensors = ElementTree.fromstring(files.description.urdf).findall("gazebo/sensor")
    sent = {
        f"/{s.find(key).text}" for s in sensors for key in ("topic", "camera/camera_info_topic")
    }
    assert len(carried) == 6
    assert sent == (carried if given.hardware == "gazebo" else set())


def test_two_cells_share_the_clock_alone() -> None:
    entries = yaml.safe_load((ROOT / "config/gazebo/bridge.yaml").read_text(encoding="utf-8"))
    one, other = ({e["ros_topic_name"] for e in bridged(entries, c)} for c in ("cell1", "cell2"))
    assert one & other == {"/clock"}


def test_the_world_has_the_systems_that_cameras_and_motion_need(workspace: Workspace) -> None:
    world = ElementTree.parse(PATHS.config / "gazebo" / "cell.sdf").getroot().find("world")
    systems = {plugin.get("name", "").rpartition("::")[2] for plugin in world.findall("plugin")}
    assert systems == {"Physics", "UserCommands", "SceneBroadcaster", "Sensors"}
    assert world.find("plugin/render_engine").text == "ogre2"
    objects = [model for model in world.findall("model") if model.get("name") != "ground"]
    assert len(objects) == 7
    for model in objects:
        x, y, z = (float(v) for v in model.find("pose").text.split()[:3])
        assert workspace.bins.holds("right", (x, y, z), 0.02)


def test_gazebo_steps_meet_the_controllers_cycle() -> None:
    """A cycle that is no whole number of steps becomes the next longer one."""
    world = ElementTree.parse(PATHS.config / "gazebo" / "cell.sdf").getroot().find("world")
    values = yaml.safe_load((ROOT / "config" / "controllers.yaml").read_text(encoding="utf-8"))
    cycle_s = 1.0 / values[MANAGER]["ros__parameters"]["update_rate"]
    steps = cycle_s / float(world.find("physics/max_step_size").text)
    assert steps == pytest.approx(round(steps)) and steps >= 1.0


def test_gazebos_lag_is_within_the_controllers_patience(cell: Prepared) -> None:
    """gz_ros2_control follows a position by 0.1 of the error a cycle, unless told otherwise."""
    _, files = cell
    node = told(files)["/**/arm_controller"]
    limits, fraction = files.description.arm_limits, MotionConfig().speed_fraction
    lag_rad = fraction * limits.speed_rad_s / (0.1 * told(files)[MANAGER]["update_rate"])
    for joint, lag in zip(limits.names, lag_rad, strict=True):
        assert lag < node["constraints"][joint]["trajectory"]


def test_arguments_are_checked_by_name() -> None:
    assert parse({"hardware": "iiwa", "prefixed": "true"}).prefixed is True
    with pytest.raises(ConfigError, match="mock, gazebo, iiwa"):
        parse({"hardware": "mujoco"})
    with pytest.raises(ConfigError, match="true or false"):
        parse({"headless": "yes"})
    with pytest.raises(NameInvalid):
        parse({"cell": "no/good"})


@pytest.mark.parametrize("hardware", HARDWARE)
def test_the_launch_description_builds(hardware: str, tmp_path: Path) -> None:
    pytest.importorskip("launch.actions", reason="ROS 2's launch is not installed")
    pytest.importorskip("launch_ros.actions", reason="ROS 2's launch is not installed")
    from mtopt_bringup.launching import hardware_launch

    assert hardware_launch.description().entities
    given = HardwareArguments("cell1", hardware)
    started = hardware_launch.actions(given, prepare(given, PATHS, tmp_path))
    assert len(started) == (10 if hardware == "gazebo" else 7)
    assert set(hardware_launch._HARDWARE_WITHIN_S) == set(HARDWARE)
