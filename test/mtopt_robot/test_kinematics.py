import math

import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down, tilt_of, yaw_of
from mtopt_core.workspace import Bin
from mtopt_robot.description import RobotDescription
from mtopt_robot.errors import DescriptionInvalid, NoSolution
from mtopt_robot.kinematics import ArmKinematics


def poses_over_bins(arm, workspace, rng):
    """Tool-down poses on a grid over both bins, from the floor to hover height."""
    clearance = arm.steps.clearance
    for which in Bin:
        for z in (workspace.tool_box.min_m[2], 0.08, 0.14, workspace.hover_z_m):
            for along_x in np.linspace(0.0, 1.0, 7):
                for along_y in np.linspace(0.0, 1.0, 6):
                    yaw = rng.uniform(-math.pi / 2, math.pi / 2)
                    low, high = clearance.room(which, yaw)
                    x, y = low + (high - low) * np.array([along_x, along_y])
                    yield pose_tool_down(np.array([x, y, z]), yaw)


def within(q, limits):
    return bool(np.all(q >= limits.lower_rad) and np.all(q <= limits.upper_rad))


def test_the_stretched_arm_is_as_long_as_the_datasheet_says(arm):
    T = arm.kinematics.forward(np.zeros(7))
    flange_m = 0.36 + 0.42 + 0.40 + 0.126
    np.testing.assert_allclose(T[:2, 3], 0.0, atol=1e-9)
    assert flange_m < T[2, 3] < flange_m + 0.3
    np.testing.assert_allclose(T[:3, 2], [0.0, 0.0, 1.0], atol=1e-9)


def test_home_points_down_from_above_the_bins(arm, workspace):
    T = arm.kinematics.forward(arm.kinematics.home_q_rad)
    assert tilt_of(T) < 1e-3
    assert T[2, 3] >= workspace.hover_z_m - 1e-3


def test_inverse_undoes_forward_over_both_bins_from_random_starts(arm, workspace):
    rng = np.random.default_rng(7)
    limits = arm.kinematics.limits
    for T in poses_over_bins(arm, workspace, rng):
        q = arm.kinematics.inverse(T, rng.uniform(limits.lower_rad, limits.upper_rad))
        assert within(q, limits)
        np.testing.assert_allclose(arm.kinematics.forward(q), T, atol=2e-6)


def test_inverse_finds_any_pose_that_the_arm_can_take(arm):
    rng = np.random.default_rng(8)
    limits = arm.kinematics.limits
    drawn = rng.uniform(0.9 * limits.lower_rad, 0.9 * limits.upper_rad, size=(250, 7))
    poses = [arm.kinematics.forward(q) for q in drawn if arm.collision.clear(q)]
    assert len(poses) > 200
    for T in (T for T in poses if arm.kinematics.reach.holds(T)):
        q = arm.kinematics.inverse(T, arm.kinematics.home_q_rad)
        assert within(q, limits)
        np.testing.assert_allclose(arm.kinematics.forward(q), T, atol=2e-6)


def test_a_pose_has_one_answer_from_home_and_repeats_to_the_bit(arm):
    T = pose_tool_down(np.array([0.5, 0.2, 0.1]), 0.4)
    first = arm.kinematics.inverse(T, arm.kinematics.home_q_rad)
    np.testing.assert_array_equal(first, arm.kinematics.inverse(T, arm.kinematics.home_q_rad))


def test_neighbouring_poses_have_neighbouring_answers(arm):
    T_first = pose_tool_down(np.array([0.45, -0.25, 0.2]), -1.0)
    q = arm.kinematics.inverse(T_first, arm.kinematics.home_q_rad)
    for s in np.linspace(0.0, 1.0, 101):
        T = pose_tool_down(np.array([0.45 + 0.25 * s, -0.25 + 0.5 * s, 0.2]), -1.0 + 2.0 * s)
        after = arm.kinematics.inverse(T, q)
        assert np.abs(after - q).max() < 0.1
        q = after


def test_nearest_neither_leans_nor_jumps(arm):
    q = arm.kinematics.home_q_rad + np.array([0.0, 0.1, 0.4, 0.1, -0.3, 0.1, 0.2])
    np.testing.assert_array_equal(arm.kinematics.nearest(arm.kinematics.forward(q), q), q)


def test_inverse_leans_to_home(arm):
    twisted = arm.kinematics.home_q_rad + np.array([0.4, 0.0, -0.8, 0.0, 0.5, 0.0, 0.4])
    T = pose_tool_down(np.array([0.58, 0.1, 0.2]), 0.3)
    leaning = arm.kinematics.inverse(T, twisted)
    straight = arm.kinematics.nearest(T, twisted)
    assert abs(leaning[2]) < abs(straight[2])


@pytest.mark.parametrize(
    "position_m", [(1.5, 0.0, 0.2), (0.75, 0.31, 0.4), (0.0, 0.0, 0.1), (0.36, 0.0, 0.1)]
)
def test_out_of_reach_is_named_with_the_bound(arm, position_m):
    T = pose_tool_down(np.array(position_m), 0.0)
    with pytest.raises(NoSolution, match=r"from the shoulder, reach is 0\.42.* m"):
        arm.kinematics.inverse(T, arm.kinematics.home_q_rad)


def test_a_reachable_place_at_an_impossible_turn_has_no_solution(arm):
    T = pose_tool_down(np.array([0.45, 0.0, 0.5]), 0.0)
    T[:3, :3] = T[:3, :3] @ np.diag([-1.0, 1.0, -1.0])  # pointing up from far below the wrist
    T[2, 3] = -0.3
    with pytest.raises(NoSolution):
        arm.kinematics.inverse(T, arm.kinematics.home_q_rad)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_pose_that_is_no_number_is_refused(arm, bad):
    T = pose_tool_down(np.array([0.58, 0.0, bad]), 0.0)
    with pytest.raises(NoSolution, match="not finite"):
        arm.kinematics.inverse(T, arm.kinematics.home_q_rad)


def test_home_outside_the_limits_is_refused(description):
    with pytest.raises(DescriptionInvalid, match="home_q_rad"):
        ArmKinematics(description, (0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0))


def test_a_description_without_a_tool_is_refused(description, workspace):
    urdf = description.urdf.replace('"tool"', '"hand"')
    with pytest.raises(DescriptionInvalid, match="no link tool"):
        ArmKinematics(RobotDescription(urdf), workspace.home_q_rad)


def test_yaw_is_about_the_base(arm):
    T = pose_tool_down(np.array([0.6, 0.1, 0.15]), 0.7)
    q = arm.kinematics.inverse(T, arm.kinematics.home_q_rad)
    assert yaw_of(arm.kinematics.forward(q)) == pytest.approx(0.7, abs=1e-5)
