"""The robot description, for every combination of its arguments."""

from __future__ import annotations

import itertools
import math
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
HARDWARE = ("mock", "gazebo", "iiwa", "mujoco")

# LBR iiwa 14 R820, KUKA's data sheet: axis range and speed in degrees, torque in Nm.
RANGE_DEG = (170, 120, 170, 120, 170, 120, 175)
SPEED_DEG_S = (85, 85, 100, 75, 130, 135, 135)
TORQUE_NM = (320, 320, 176, 176, 110, 40, 40)
ARM_MASS_KG = 29.9
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


@pytest.fixture(scope="module", params=itertools.product(CELLS, HARDWARE), ids="-".join)
def expanded(request: pytest.FixtureRequest) -> tuple[str, str, ElementTree.Element, str]:
    cell, hardware = request.param
    text = RobotDescription.expand(ENTRY, {"cell": cell, "hardware": hardware}).urdf
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
        assert set(driven) == moving
    for name, joint in driven.items():
        commands = joint.findall("command_interface[@name='position']")
        assert bool(commands) == (name != f"{prefix}gripper_mimic_joint")
        for command in commands:
            limit = joints[name].find("limit")
            for end, bound in (("min", "lower"), ("max", "upper")):
                stated = float(command.find(f"param[@name='{end}']").text)
                assert stated == pytest.approx(float(limit.get(bound)), abs=1e-9)
        start = joint.find("state_interface[@name='position']/param[@name='initial_value']")
        limit = joints[name].find("limit")
        assert float(limit.get("lower")) <= float(start.text) <= float(limit.get("upper"))


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
