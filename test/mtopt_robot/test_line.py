import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down, tilt_of
from mtopt_robot.errors import UnreachableTarget
from mtopt_robot.line import LineConfig, StraightLine


def joints(arm, position_m, yaw_rad):
    T = pose_tool_down(np.array(position_m), yaw_rad)
    return arm.kinematics.inverse(T, arm.kinematics.home_q_rad)


@pytest.mark.parametrize(
    ("start", "goal"),
    [
        (((0.45, -0.25, 0.20), 0.0), ((0.70, 0.25, 0.20), 0.0)),
        (((0.58, -0.16, 0.25), -1.2), ((0.58, -0.16, 0.03), 1.0)),
        (((0.46, 0.10, 0.30), 0.5), ((0.46, -0.10, 0.05), 0.4)),
    ],
)
@pytest.mark.parametrize("tolerance_m", [0.002, 0.01])
def test_the_tool_keeps_to_the_line(arm, start, goal, tolerance_m):
    line = StraightLine(arm.kinematics, LineConfig(tolerance_m=tolerance_m))
    path = line.path(joints(arm, *start), joints(arm, *goal))
    a, b = np.array(start[0]), np.array(goal[0])
    along = (b - a) / np.linalg.norm(b - a)
    for q in path.at(np.linspace(0.0, 1.0, 101))[0]:
        T = arm.kinematics.forward(q)
        off = T[:3, 3] - a - along * float((T[:3, 3] - a) @ along)
        assert np.linalg.norm(off) <= 1.2 * tolerance_m
        assert tilt_of(T) <= 1.2 * line.config.tilt_tolerance_rad


def test_a_short_line_needs_no_knots(arm):
    q = joints(arm, (0.58, 0.1, 0.2), 0.0)
    assert len(arm.steps.line.path(q, joints(arm, (0.581, 0.1, 0.2), 0.0)).knots_rad) == 2


def test_a_finer_tolerance_takes_more_knots(arm):
    a, b = joints(arm, (0.45, -0.25, 0.2), 0.0), joints(arm, (0.7, 0.25, 0.2), 0.0)
    counts = [
        len(StraightLine(arm.kinematics, LineConfig(tolerance_m=tolerance)).path(a, b).knots_rad)
        for tolerance in (0.05, 0.002)
    ]
    assert counts[0] < counts[1]


def test_a_line_that_can_not_be_kept_is_refused_with_the_bound(arm):
    line = StraightLine(arm.kinematics, LineConfig(tolerance_m=1e-4, most_segments=1))
    with pytest.raises(UnreachableTarget, match=r"0\.0001 m"):
        line.path(joints(arm, (0.45, -0.25, 0.2), 0.0), joints(arm, (0.7, 0.25, 0.2), 0.0))


def test_a_joint_that_would_swing_round_is_refused_by_name(arm):
    q = joints(arm, (0.58, 0.0, 0.2), 0.0)
    swung = q + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.9])
    with pytest.raises(UnreachableTarget, match=r"iiwa_joint_7 would turn 2\.90 rad"):
        arm.steps.line.path(q, swung)


def test_half_a_turn_in_place_is_kept_upright(arm):
    start, goal = joints(arm, (0.58, 0.0, 0.2), -1.0), joints(arm, (0.58, 0.0, 0.2), 1.0)
    for q in arm.steps.line.path(start, goal).at(np.linspace(0, 1, 21))[0]:
        np.testing.assert_allclose(arm.kinematics.forward(q)[:3, 3], [0.58, 0.0, 0.2], atol=0.006)
