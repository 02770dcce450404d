import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.trajectory_laws import assert_rests, assert_within
from mtopt_core.action import HOLD, TERMINATE, Action, Gripper
from mtopt_core.errors import GuardRefusal, InvalidAction
from mtopt_core.geometry import pose_tool_down, tilt_of, wrap_angle, yaw_of
from mtopt_core.joints import JointState
from mtopt_robot.errors import RobotError

NOW_NS = 5_000_000_000


def measured(arm, q_rad, finger_m=0.035, age_ns=0):
    names = (*arm.kinematics.limits.names, *arm.steps.gripper_motion.limits.names)
    zero = np.zeros(len(names))
    return JointState(names, np.append(q_rad, finger_m), zero, zero, NOW_NS - age_ns)


def plan(arm, action, q_rad, **state):
    return arm.steps.plan_step(action, q_rad, measured(arm, q_rad, **state), NOW_NS)


def tool_at(arm, position_m, yaw_rad=0.0):
    T = pose_tool_down(np.array(position_m), yaw_rad)
    return arm.kinematics.inverse(T, arm.kinematics.home_q_rad)


any_float = st.floats(allow_nan=True, allow_infinity=True)
wild = st.one_of(any_float, st.floats(-0.2, 0.2), st.sampled_from([0.1, -0.1, 1e300, -1e300]))
wish = st.tuples(wild, wild, wild, wild, st.sampled_from(list(Gripper)), st.integers(1, 4))


@settings(max_examples=60)
@given(st.lists(wish, min_size=1, max_size=8))
def test_no_sequence_of_wishes_gives_a_sample_outside_the_limits(arm, wishes):
    """Not finite, huge or repeated: a wish is refused by name or what is sent is lawful."""
    q = tool_at(arm, (0.58, 0.0, 0.25))
    for x, y, z, yaw, gripper, times in wishes:
        try:
            action = Action((x, y, z), yaw, gripper)
        except InvalidAction:
            continue
        for _ in range(times):
            step = plan(arm, action, q)
            if step.arm is not None:
                assert_within(step.arm, arm.motion.limits)
                assert_rests(step.arm)
                np.testing.assert_allclose(step.arm.q_rad[0], q, atol=1e-9)
                np.testing.assert_allclose(step.arm.q_rad[-1], step.q_goal_rad, atol=1e-7)
            if step.gripper is not None:
                assert_within(step.gripper, arm.steps.gripper_motion.limits)
            q = step.q_goal_rad
            T = arm.kinematics.forward(q)
            assert arm.guard.box.contains(T[:3, 3], slack_m=1e-5)
            assert tilt_of(T) < 1e-4
            assert arm.steps.clearance.clear(T[:3, 3], yaw_of(T), slack_m=1e-5)


@settings(max_examples=60)
@given(
    st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)),
    st.floats(-3.0, 3.0),
)
def test_what_was_sent_is_what_the_tool_does(arm, delta_m, yaw_rad):
    q = tool_at(arm, (0.55, -0.15, 0.2), 0.3)
    before = arm.kinematics.forward(q)
    step = plan(arm, Action(delta_m, yaw_rad), q)
    after = arm.kinematics.forward(step.q_goal_rad)
    np.testing.assert_allclose(after[:3, 3] - before[:3, 3], step.sent.delta_m, atol=1e-5)
    turned = wrap_angle(yaw_of(after) - yaw_of(before))
    assert turned == pytest.approx(step.sent.yaw_rad, abs=1e-5)
    assert arm.guard.bounds.clamp(step.sent) == step.sent


def test_many_small_steps_leave_no_drift(arm):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    way = [(0.02, 0.0, 0.0), (0.0, 0.02, 0.01), (-0.02, 0.0, 0.0), (0.0, -0.02, -0.01)]
    for _ in range(25):
        for delta in way:
            q = plan(arm, Action(delta, 0.0), q).q_goal_rad
    T = arm.kinematics.forward(q)
    np.testing.assert_allclose(T[:3, 3], [0.58, 0.1, 0.2], atol=2e-4)
    assert tilt_of(T) < 1e-5
    assert yaw_of(T) == pytest.approx(0.0, abs=1e-5)


def test_the_goal_counts_from_the_commanded_joints_not_the_measured_ones(arm):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    sagging = measured(arm, q + 0.01)
    step = arm.steps.plan_step(Action((0.02, 0.0, 0.0)), q, sagging, NOW_NS)
    np.testing.assert_allclose(step.T_base_goal[:3, 3], [0.60, 0.1, 0.2], atol=1e-5)


@pytest.mark.parametrize(
    ("command", "goal_m"), [(Gripper.CLOSE, 0.0), (Gripper.OPEN, 0.035), (Gripper.KEEP, None)]
)
def test_a_step_may_move_the_arm_and_the_gripper(arm, command, goal_m):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    step = plan(arm, Action((0.02, 0.0, 0.0), 0.0, command), q, finger_m=0.02)
    assert step.arm is not None
    assert step.gripper_goal_m == (None if goal_m is None else pytest.approx(goal_m))


def test_a_pure_gripper_command_leaves_the_arm(arm):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    step = plan(arm, Action(gripper=Gripper.CLOSE), q)
    assert step.arm is None and step.gripper is not None
    np.testing.assert_array_equal(step.q_goal_rad, q)


@pytest.mark.parametrize("action", [HOLD, TERMINATE, Action((0.1, 0, 0), terminate=True)])
def test_holding_and_ending_move_nothing(arm, action):
    step = plan(arm, action, tool_at(arm, (0.58, 0.1, 0.2)))
    assert step.arm is None and step.gripper is None
    assert step.sent.terminate == action.terminate


def test_yaw_stops_at_the_window(arm):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    for _ in range(4):
        q = plan(arm, Action(yaw_rad=1.5), q).q_goal_rad
    turned = yaw_of(arm.kinematics.forward(q)) - arm.kinematics.home_yaw_rad
    assert turned == pytest.approx(arm.steps.config.yaw_window_rad, abs=1e-5)


def test_a_low_step_stays_in_its_bin(arm):
    q = tool_at(arm, (0.58, -0.09, 0.05))
    step = plan(arm, Action((0.0, 0.1, 0.0)), q)
    assert step.T_base_goal[1, 3] < 0.0


def test_every_corner_of_the_tool_box_is_lawful(arm):
    """Also those out of reach: the step ends where the arm can be."""
    for corner in np.ndindex(2, 2, 2):
        signs = np.array(corner) * 2.0 - 1.0
        q = tool_at(arm, (0.58, 0.0, 0.25))
        for _ in range(6):
            step = plan(arm, Action(tuple(0.1 * signs)), q)
            if step.arm is not None:
                assert_within(step.arm, arm.motion.limits)
            q = step.q_goal_rad


def test_a_tool_outside_the_box_is_only_moved_towards_it(arm):
    box = arm.guard.box
    start = np.array([box.min_m[0] - 0.04, 0.1, 0.38])
    q = tool_at(arm, start)
    step = plan(arm, Action((-0.1, 0.0, 0.0)), q)
    assert step.sent.delta_m[0] >= 0.0
    assert_within(step.arm, arm.motion.limits)


@pytest.mark.parametrize("start", [(0.50, 0.43, 0.06), (0.58, 0.0, 0.06), (0.42, -0.43, 0.30)])
def test_from_outside_a_step_comes_in_no_faster_than_its_bounds(arm, start):
    q = tool_at(arm, start)
    for _ in range(3):
        step = plan(arm, Action((0.01, 0.0, 0.0)), q)
        assert arm.guard.bounds.clamp(step.sent) == step.sent
        assert_within(step.arm, arm.motion.limits)
        q = step.q_goal_rad
    assert arm.guard.box.contains(arm.kinematics.forward(q)[:3, 3], slack_m=1e-5)


@pytest.mark.parametrize(
    ("start", "yaw", "delta"),
    [
        ((0.4055, 0.0192, 0.193), 1.958, (-0.0692, -0.1198, -0.0480)),
        ((0.7237, 0.2949, 0.2995), 2.054, (0.1, -0.0271, -0.12)),
    ],
)
def test_at_the_edge_of_reach_a_step_is_shortened_and_says_why(arm, start, yaw, delta):
    q = tool_at(
        arm, arm.kinematics.reach.bring_in(pose_tool_down(np.array(start), yaw))[:3, 3], yaw
    )
    step = plan(arm, Action(delta, 0.0, Gripper.CLOSE), q)
    assert np.linalg.norm(step.sent.delta_m) <= 0.5 * np.linalg.norm(delta) + 1e-6
    assert "reach is" in step.shortened
    assert step.gripper is not None
    assert (step.arm is None) == (not step.sent.moves)


def test_stale_states_move_nothing(arm):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    for action in (Action((0.02, 0.0, 0.0)), Action(gripper=Gripper.CLOSE)):
        with pytest.raises(GuardRefusal, match="stale"):
            plan(arm, action, q, age_ns=500_000_000)


def test_an_arm_that_is_elsewhere_is_not_moved(arm):
    q = tool_at(arm, (0.58, 0.1, 0.2))
    pushed = measured(arm, q + np.array([0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]))
    with pytest.raises(GuardRefusal, match="iiwa_joint_2"):
        arm.steps.plan_step(Action((0.02, 0.0, 0.0)), q, pushed, NOW_NS)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_commanded_joints_that_are_no_numbers_are_refused(arm, bad):
    q = np.full(7, bad)
    with pytest.raises((GuardRefusal, RobotError)):
        plan(arm, Action((0.02, 0.0, 0.0)), q)
