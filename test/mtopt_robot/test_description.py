import math

import numpy as np
import pytest

from mtopt_robot.description import ARM_JOINTS, JointDynamics, RobotDescription
from mtopt_robot.errors import DescriptionInvalid

# KUKA LBR iiwa 14 R820, datasheet: degrees, degrees a second, Nm.
DATASHEET = (
    (170, 85, 320),
    (120, 85, 320),
    (170, 100, 176),
    (120, 75, 176),
    (170, 130, 110),
    (120, 135, 40),
    (175, 135, 40),
)


def one_joint(limit: str) -> RobotDescription:
    return RobotDescription(f'<robot><joint name="iiwa_joint_1">{limit}</joint></robot>')


def test_arm_limits_are_the_datasheets(description):
    limits = description.arm_limits
    assert limits.names == ARM_JOINTS
    for joint, (reach_deg, speed_deg_s, effort_nm) in enumerate(DATASHEET):
        assert limits.upper_rad[joint] == pytest.approx(math.radians(reach_deg), abs=1e-6)
        assert limits.lower_rad[joint] == pytest.approx(-math.radians(reach_deg), abs=1e-6)
        assert limits.speed_rad_s[joint] == pytest.approx(math.radians(speed_deg_s), abs=1e-6)
        assert limits.effort_nm[joint] == effort_nm


def test_acceleration_and_jerk_are_the_configs(description):
    dynamics = JointDynamics(arm_jerk_rad_s3=tuple(range(10, 17)))
    limits = RobotDescription(description.urdf, dynamics=dynamics).arm_limits
    np.testing.assert_array_equal(limits.jerk_rad_s3, range(10, 17))
    np.testing.assert_array_equal(limits.acceleration_rad_s2, dynamics.arm_acceleration_rad_s2)


def test_a_cells_name_is_the_prefix_of_its_joints(urdf_path):
    prefixed = RobotDescription.expand(urdf_path, {"cell": "cell7"})
    assert prefixed.prefix == "cell7_"
    assert prefixed.arm_limits.names[0] == "cell7_iiwa_joint_1"
    assert prefixed.bin_limits.names == ("cell7_bin_left_joint", "cell7_bin_right_joint")


def test_gripper_and_bins_have_limits(description, workspace):
    assert description.gripper_limits.upper_rad[0] == pytest.approx(0.035)
    assert description.bin_limits.upper_rad[0] == pytest.approx(workspace.bins.left_tip_rad)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DescriptionInvalid, match=r"nowhere\.xacro"):
        RobotDescription.expand(tmp_path / "nowhere.xacro")


def test_a_broken_xacro_is_named(tmp_path):
    path = tmp_path / "broken.xacro"
    path.write_text('<robot xmlns:xacro="http://www.ros.org/wiki/xacro">${1/0}</robot>')
    with pytest.raises(DescriptionInvalid, match=r"broken\.xacro"):
        RobotDescription.expand(path)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("", "no limit element"),
        ('<limit lower="0" upper="1" effort="1"/>', "velocity"),
        ('<limit lower="0" upper="x" velocity="1" effort="1"/>', "could not convert"),
        ('<limit lower="1" upper="1" velocity="1" effort="1"/>', "leave it no motion"),
        ('<limit lower="0" upper="1" velocity="0" effort="1"/>', "velocity 0"),
    ],
)
def test_a_joint_without_true_limits_is_refused(limit, said):
    with pytest.raises(DescriptionInvalid, match=said):
        _ = one_joint(limit).arm_limits


def test_a_joint_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(DescriptionInvalid, match="no joint iiwa_joint_1; joints: other"):
        _ = RobotDescription('<robot><joint name="other"/></robot>').arm_limits


def test_what_is_no_xml_is_refused():
    with pytest.raises(DescriptionInvalid, match="no XML"):
        _ = RobotDescription("<robot>").arm_limits


def test_dynamics_of_another_arm_are_refused(description):
    dynamics = JointDynamics(arm_jerk_rad_s3=(1.0, 2.0))
    with pytest.raises(DescriptionInvalid, match="2 jerks"):
        _ = RobotDescription(description.urdf, dynamics=dynamics).arm_limits
