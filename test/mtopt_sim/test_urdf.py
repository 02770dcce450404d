"""The robot description, for every combination of its arguments."""

from __future__ import annotations

import itertools
import math
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pinocchio as pin
import pytest
import xacro

from mtopt_core.workspace import Bin, Workspace
from mtopt_robot.description import RobotDescription

ENTRY = Path(__file__).resolve().parents[2] / "urdf" / "mtopt_cell.urdf.xacro"
CELLS = ("", "cell1")
NAMESPACES = ("", "cell9")
HARDWARE = ("mock", "gazebo", "iiwa", "mujoco")

# LBR iiwa 14 R820, KUKA's data sheet: axis range and speed in degrees, torque in Nm.
RANGE_DEG = (170, 120, 170, 120, 170, 120, 175)
SPEED_DEG_S = (85, 85, 100, 75, 130, 135, 135)
TORQUE_NM = (320, 320, 176, 176, 110, 40, 40)
ARM_MASS_KG = 29.9
# The links' shares of it, from the base on (rounded to what the primitives are good for).
LINK_MASS_KG = (4.6, 5.7, 6.1, 3.4, 3.5, 3.3, 2.0, 1.3)
# What moves beside the arm: lower, upper (rad or m), speed (rad/s or m/s), effort (Nm or N).
PERIPHERY = {
    "gripper_joint": (0.0, 0.035, 0.15, 60.0),
    "gripper_mimic_joint": (0.0, 0.035, 0.15, 60.0),
    "bin_left_joint": (0.0, 2.6, 2.0, 80.0),
    "bin_right_joint": (0.0, 0.5, 2.0, 80.0),
}
PERIPHERY_MASS_KG = {
    "gripper_palm": 0.85,
    "gripper_finger_1": 0.06,
    "gripper_finger_2": 0.06,
    "bin_left": 2.2,
    "bin_right": 2.0,
    "table": 45.0,
    "camera_overhead": 0.2,
    "camera_left": 0.2,
    "camera_right": 0.2,
    "camera_overhead_post": 2.0,
    "camera_left_post": 2.0,
    "camera_right_post": 2.0,
}
# Distances between the crossings of the axes: base to 2, 2 to 4, 4 to 6, 6 to the flange.
LENGTHS_M = (0.36, 0.42, 0.40, 0.126)
TOOL_M = 0.150

PLUGIN = {
    "mock": ["mock_components/GenericSystem"],
    "gazebo": ["gz_ros2_control/GazeboSimSystem"],
    "iiwa": [
        "lbr_ros2_control::SystemInterface",
        "joint_state_topic_hardware_interface/JointStateTopicSystem",
    ],
    "mujoco": [],
}


# What lbr_ros2_control::SystemInterface verifies when it is loaded (FRI client 1.x).
LBR_COMMANDS = ["position", "effort"]
LBR_STATES = [
    "position", "velocity", "effort", "commanded_joint_position", "commanded_torque",
    "external_torque", "ipo_joint_position",
]  # fmt: skip
LBR_AUXILIARY = [
    "sample_time", "session_state", "connection_quality", "safety_state", "operation_mode",
    "drive_state", "client_command_mode", "overlay_type", "control_mode", "time_stamp_sec",
    "time_stamp_nano_sec", "tracking_performance",
]  # fmt: skip
LBR_PARAMETERS = {
    "fri_client_sdk_major_version", "fri_client_sdk_minor_version", "client_command_mode",
    "port_id", "remote_host", "rt_prio", "joint_position_tau", "command_guard_variant",
    "state_guard_external_torque_safety_check", "state_guard_external_torque_limit",
    "external_torque_tau", "measured_torque_tau", "open_loop",
}  # fmt: skip


@pytest.fixture(scope="module", params=itertools.product(CELLS, HARDWARE, NAMESPACES), ids="-".join)
def expanded(request: pytest.FixtureRequest) -> tuple[str, str, ElementTree.Element, str]:
    cell, hardware, namespace = request.param
    arguments = {"cell": cell, "hardware": hardware, "namespace": namespace}
    text = RobotDescription.expand(ENTRY, arguments).urdf
    return (f"{cell}_" if cell else "", hardware, ElementTree.fromstring(text), text)


def test_every_name_but_world_has_the_prefix(expanded) -> None:
    prefix, _, robot, _ = expanded
    names = [item.get("name") for kind in ("link", "joint") for item in robot.findall(kind)]
    names += [item.get("name") for item in robot.iter("ros2_control")]
    names += [
        joint.get("name")
        for system in robot.iter("ros2_control")
        for joint in system.findall("joint")
    ]
    assert len(names) > 40
    assert {name for name in names if not name.startswith(prefix)} <= {"world"}
    assert len(robot.findall("link")) == len({link.get("name") for link in robot.findall("link")})


def test_limits_are_the_data_sheets(expanded) -> None:
    prefix, _, robot, _ = expanded
    joints = {joint.get("name"): joint for joint in robot.findall("joint")}
    for index, (span, speed, torque) in enumerate(
        zip(RANGE_DEG, SPEED_DEG_S, TORQUE_NM, strict=True), start=1
    ):
        limit = joints[f"{prefix}iiwa_joint_{index}"].find("limit")
        assert float(limit.get("lower")) == pytest.approx(-math.radians(span), abs=1e-9)
        assert float(limit.get("upper")) == pytest.approx(math.radians(span), abs=1e-9)
        assert float(limit.get("velocity")) == pytest.approx(math.radians(speed), abs=1e-9)
        assert float(limit.get("effort")) == torque


def test_the_arm_weighs_what_the_data_sheet_says(expanded) -> None:
    prefix, _, robot, _ = expanded
    masses = [
        float(link.find("inertial/mass").get("value"))
        for link in robot.findall("link")
        if link.get("name").startswith(f"{prefix}iiwa_link_")
    ]
    assert len(masses) == 8
    assert sum(masses) == pytest.approx(ARM_MASS_KG, abs=0.05)


def test_every_mass_is_the_tables(expanded) -> None:
    prefix, _, robot, _ = expanded
    wanted = {f"iiwa_link_{index}": mass for index, mass in enumerate(LINK_MASS_KG)}
    wanted |= PERIPHERY_MASS_KG
    found = {
        link.get("name").removeprefix(prefix): float(link.find("inertial/mass").get("value"))
        for link in robot.findall("link")
        if link.get("name") != "world"
    }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    # What is left are frames, and the plate that the arm is bolted to.
    assert sum(found.values()) - sum(wanted.values()) == pytest.approx(1.0 + 4 * 0.001)


def test_limits_beside_the_arm_are_the_tables(expanded) -> None:
    prefix, _, robot, _ = expanded
    moving = {
        joint.get("name").removeprefix(prefix): joint.find("limit")
        for joint in robot.findall("joint")
        if joint.get("type") != "fixed"
    }
    assert set(moving) == {f"iiwa_joint_{index}" for index in range(1, 8)} | set(PERIPHERY)
    for name, wanted in PERIPHERY.items():
        keys = ("lower", "upper", "velocity", "effort")
        assert tuple(float(moving[name].get(key)) for key in keys) == pytest.approx(wanted), name


def test_fri_gets_the_data_sheets_limits_too(expanded) -> None:
    prefix, hardware, robot, _ = expanded
    if hardware != "iiwa":
        return
    joints = {j.get("name"): j for j in robot.findall("ros2_control/joint")}
    for index, (span, speed, torque) in enumerate(
        zip(RANGE_DEG, SPEED_DEG_S, TORQUE_NM, strict=True), start=1
    ):
        stated = {
            item.get("name"): float(item.text)
            for item in joints[f"{prefix}iiwa_joint_{index}"].findall("param")
        }
        assert stated == pytest.approx(
            {
                "min_position": -math.radians(span),
                "max_position": math.radians(span),
                "max_velocity": math.radians(speed),
                "max_torque": torque,
            }
        )


def test_check_urdf_passes(expanded, tmp_path: Path) -> None:
    program = shutil.which("check_urdf")
    if program is None:
        pytest.skip("check_urdf is not installed (Debian: liburdfdom-tools)")
    prefix, _, _, text = expanded
    path = tmp_path / "cell.urdf"
    path.write_text(text, encoding="utf-8")
    checked = subprocess.run(
        [program, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "Successfully Parsed XML" in checked.stdout
    assert f"{prefix}base_link" in checked.stdout


def test_check_urdf_would_not_pass_a_broken_one(tmp_path: Path) -> None:
    program = shutil.which("check_urdf")
    if program is None:
        pytest.skip("check_urdf is not installed (Debian: liburdfdom-tools)")
    path = tmp_path / "broken.urdf"
    path.write_text(
        '<robot name="r"><link name="a"/><joint name="j" type="fixed">'
        '<parent link="a"/><child link="b"/></joint></robot>',
        encoding="utf-8",
    )
    broken = subprocess.run([program, str(path)], capture_output=True, timeout=60, check=False)
    assert broken.returncode != 0


def test_topics_are_in_the_namespace_and_else_in_the_cells(expanded, request) -> None:
    _, hardware, robot, _ = expanded
    cell, _, namespace = request.node.callspec.params["expanded"]
    below = namespace or cell
    topics = [item.text for item in robot.iter("topic")]
    assert bool(topics) == (hardware == "gazebo")
    assert all(topic.startswith(f"{below}/camera/" if below else "camera/") for topic in topics)
    named = [item.text for item in robot.findall("gazebo/plugin/ros/namespace")]
    assert named == ([f"/{below}"] if below and hardware == "gazebo" else [])


def test_every_link_but_world_has_a_true_inertia(expanded) -> None:
    _, _, robot, _ = expanded
    for link in robot.findall("link"):
        if link.get("name") == "world":
            continue
        known = {k: float(v) for k, v in link.find("inertial/inertia").attrib.items()}
        tensor = np.array(
            [
                [known["ixx"], known["ixy"], known["ixz"]],
                [known["ixy"], known["iyy"], known["iyz"]],
                [known["ixz"], known["iyz"], known["izz"]],
            ]
        )
        smallest, middle, largest = np.linalg.eigvalsh(tensor)
        assert smallest > 0.0, link.get("name")
        assert smallest + middle >= largest * (1 - 1e-9), link.get("name")


def test_ros2_control_drives_joints_that_exist_within_their_limits(expanded) -> None:
    prefix, hardware, robot, _ = expanded
    joints = {joint.get("name"): joint for joint in robot.findall("joint")}
    systems = robot.findall("ros2_control")
    assert [s.find("hardware/plugin").text for s in systems] == PLUGIN[hardware]
    driven = {joint.get("name"): joint for s in systems for joint in s.findall("joint")}
    if hardware != "mujoco":
        moving = {name for name, joint in joints.items() if joint.get("type") != "fixed"}
        # A driver is told names and positions side by side: no joint without a command.
        follows = {f"{prefix}gripper_mimic_joint"} if hardware == "iiwa" else set()
        assert set(driven) == moving - follows
    for name, joint in driven.items():
        commands = joint.findall("command_interface[@name='position']")
        assert bool(commands) == (name != f"{prefix}gripper_mimic_joint")
        for command in commands:
            limit = joints[name].find("limit")
            for end, bound in (("min", "lower"), ("max", "upper")):
                stated = float(command.find(f"param[@name='{end}']").text)
                assert stated == pytest.approx(float(limit.get(bound)), abs=1e-9)
        start = joint.find("state_interface[@name='position']/param[@name='initial_value']")
        if hardware == "iiwa":
            assert start is None, f"{name} would be somewhere before its driver has spoken"
            continue
        limit = joints[name].find("limit")
        assert float(limit.get("lower")) <= float(start.text) <= float(limit.get("upper"))


def interfaces(element: ElementTree.Element, kind: str) -> list[str]:
    return [item.get("name", "") for item in element.findall(f"{kind}_interface")]


def test_fri_gets_the_interfaces_and_parameters_that_its_system_asks_for(expanded) -> None:
    """The LBR stack refuses to start with one interface more or less, or without a parameter."""
    prefix, hardware, robot, _ = expanded
    if hardware != "iiwa":
        return
    arm = robot.find(f"ros2_control[@name='{prefix}arm_system']")
    joints = arm.findall("joint")
    assert len(joints) == 7
    for joint in joints:
        assert interfaces(joint, "command") == LBR_COMMANDS
        assert sorted(interfaces(joint, "state")) == sorted(LBR_STATES)
    (sensor,), (wrench,) = arm.findall("sensor"), arm.findall("gpio")
    assert (sensor.get("name"), wrench.get("name")) == ("auxiliary_sensor", "wrench")
    assert sorted(interfaces(sensor, "state")) == sorted(LBR_AUXILIARY)
    assert interfaces(wrench, "command") == [f"{k}.{a}" for k in ("force", "torque") for a in "xyz"]
    given = {item.get("name"): item.text for item in arm.findall("hardware/param")}
    assert set(given) == LBR_PARAMETERS
    assert 30200 <= int(given["port_id"]) <= 30209
    assert given["client_command_mode"] == "position"


def test_the_periphery_speaks_over_topics_of_the_cell(expanded) -> None:
    prefix, hardware, robot, _ = expanded
    if hardware != "iiwa":
        return
    system = robot.find(f"ros2_control[@name='{prefix}periphery_system']")
    given = {item.get("name"): item.text for item in system.findall("hardware/param")}
    assert set(given) == {"joint_commands_topic", "joint_states_topic"}
    for topic in given.values():
        assert topic.startswith("/") and "/periphery/" in topic


def test_gazebo_alone_gets_plugins_and_cameras(expanded) -> None:
    prefix, hardware, robot, _ = expanded
    sensors = [sensor.get("name") for sensor in robot.iter("sensor") if sensor.get("type")]
    plugins = [item.get("name") for item in robot.findall("gazebo/plugin")]
    if hardware != "gazebo":
        assert not robot.findall("gazebo")
        return
    assert sensors == [f"{prefix}camera_{name}" for name in ("overhead", "left", "right")]
    assert plugins == ["gz_ros2_control::GazeboSimROS2ControlPlugin"]


def test_pinocchio_finds_the_data_sheets_lengths(expanded, workspace: Workspace) -> None:
    prefix, _, _, text = expanded
    model = pin.buildModelFromXML(text)
    data = model.createData()
    pin.framesForwardKinematics(model, data, pin.neutral(model))
    base = data.oMf[model.getFrameId(f"{prefix}base_link")]
    heights = [
        (base.inverse() * data.oMi[model.getJointId(f"{prefix}iiwa_joint_{j}")]).translation[2]
        for j in (2, 4, 6)
    ]
    tool = base.inverse() * data.oMf[model.getFrameId(f"{prefix}tool")]
    heights.append(tool.translation[2])
    shoulder, upper, fore, hand = LENGTHS_M
    assert np.diff([0.0, *heights]) == pytest.approx([shoulder, upper, fore, hand + TOOL_M])


def test_bins_stand_where_the_workspace_says(expanded, workspace: Workspace) -> None:
    prefix, _, robot, _ = expanded
    bins = workspace.bins
    for which, axis in ((Bin.LEFT, 1.0), (Bin.RIGHT, -1.0)):
        joint = next(
            j for j in robot.findall("joint") if j.get("name") == f"{prefix}bin_{which}_joint"
        )
        x, y, z = (float(v) for v in joint.find("origin").get("xyz").split())
        assert (x, y, z) == pytest.approx((bins.center_m(which)[0], 0.0, bins.rim_z_m))
        assert float(joint.find("axis").get("xyz").split()[0]) == axis
        link = next(k for k in robot.findall("link") if k.get("name") == f"{prefix}bin_{which}")
        floor = link.find("collision")
        above = float(floor.find("origin").get("xyz").split()[2]) + bins.rim_z_m
        size = [float(v) for v in floor.find("geometry/box").get("size").split()]
        assert above + size[2] / 2 == pytest.approx(bins.floor_z_m)
        assert size[:2] == pytest.approx([bins.inner_size_m[i] + 2 * bins.wall_m for i in (0, 1)])


def test_an_unknown_hardware_is_refused() -> None:
    with pytest.raises(xacro.XacroException, match="mock, gazebo, iiwa, mujoco"):
        xacro.process_file(str(ENTRY), mappings={"hardware": "toaster"})
