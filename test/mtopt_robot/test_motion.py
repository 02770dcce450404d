import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.trajectory_laws import assert_rests, assert_within
from mtopt_core.joints import JointLimits
from mtopt_robot.errors import MotionInfeasible
from mtopt_robot.motion import MotionConfig, MotionPlanner, joined, state_at
from mtopt_robot.path import JointPath

LIMITS = JointLimits(
    names=("a", "b", "c"),
    lower_rad=np.array([-3.0, -2.0, 0.0]),
    upper_rad=np.array([3.0, 2.0, 1.0]),
    speed_rad_s=np.array([1.5, 2.3, 0.3]),
    acceleration_rad_s2=np.array([6.0, 10.0, 2.0]),
    jerk_rad_s3=np.array([60.0, 100.0, 30.0]),
    effort_nm=np.array([300.0, 40.0, 10.0]),
)
PLANNER = MotionPlanner(LIMITS, MotionConfig(speed_fraction=0.7))
positions = st.tuples(st.floats(-3, 3), st.floats(-2, 2), st.floats(0, 1)).map(np.array)


@given(positions, positions)
def test_from_rest_to_rest_within_the_limits(start, goal):
    motion = PLANNER.to(start, goal)
    assert_within(motion, PLANNER.limits)
    assert_rests(motion)
    np.testing.assert_allclose(motion.q_rad[0], start, atol=1e-9)
    np.testing.assert_allclose(motion.q_rad[-1], goal, atol=1e-7)


@given(st.lists(positions, min_size=3, max_size=6))
def test_along_any_path_within_the_limits(way):
    # A spline may swing past its knots, so keep them off the ends of the range.
    path = JointPath(np.array(way) * 0.4 + [0.0, 0.0, 0.3])
    motion = PLANNER.along(path)
    assert_within(motion, PLANNER.limits)
    assert_rests(motion)
    np.testing.assert_allclose(motion.q_rad[-1], path.knots_rad[-1], atol=1e-6)


@given(st.lists(positions, min_size=2, max_size=5))
def test_through_waypoints_it_rests_at_each(way):
    motion = PLANNER.through(way)
    assert_within(motion, PLANNER.limits)
    resting = np.abs(motion.qd_rad_s).max(axis=1) < 1e-6
    for point in way:
        assert np.any(np.abs(motion.q_rad[resting] - point).max(axis=1) < 1e-6)


@given(positions, positions, st.floats(0.0, 1.2))
def test_a_stop_from_any_moment_keeps_the_limits(start, goal, share):
    motion = PLANNER.to(start, goal)
    stop = PLANNER.stop_within(motion, share * motion.duration_s)
    assert_within(stop, PLANNER.limits)
    assert_rests(stop)
    assert stop.duration_s <= motion.duration_s + 1e-6


def test_a_stop_is_no_longer_than_it_must_be():
    motion = PLANNER.to(np.array([-3.0, -2.0, 0.0]), np.array([3.0, 2.0, 1.0]))
    stop = PLANNER.stop_within(motion, motion.duration_s / 2.0)
    assert 0.0 < stop.duration_s < 0.8
    np.testing.assert_allclose(stop.q_rad[0], state_at(motion, motion.duration_s / 2.0)[0])


def test_some_limit_is_reached_on_a_long_way():
    motion = PLANNER.to(np.array([-3.0, 0.0, 0.5]), np.array([3.0, 0.1, 0.5]))
    assert np.abs(motion.qd_rad_s[:, 0]).max() == pytest.approx(PLANNER.limits.speed_rad_s[0])


def test_slower_is_longer():
    start, goal = np.zeros(3), np.array([1.0, 1.0, 0.5])
    slow = MotionPlanner(LIMITS, MotionConfig(speed_fraction=0.2)).to(start, goal)
    assert slow.duration_s > 2.0 * PLANNER.to(start, goal).duration_s


def test_no_motion_is_one_sample():
    motion = PLANNER.to(np.array([1.0, 1.0, 0.5]), np.array([1.0, 1.0, 0.5]))
    assert motion.t_s.tolist() == [0.0]
    assert_rests(motion)


def test_samples_are_no_further_apart_than_asked():
    planner = MotionPlanner(LIMITS, MotionConfig(sample_s=0.05))
    motion = planner.to(np.zeros(3), np.array([1.0, 0.0, 0.0]))
    assert np.diff(motion.t_s).max() <= 0.05 + 1e-9


def test_joined_motions_are_the_motions_one_after_the_other():
    a, b, c = np.zeros(3), np.array([1.0, 0.0, 0.2]), np.array([1.0, 1.0, 0.2])
    parts = [PLANNER.to(a, b), PLANNER.to(b, b), PLANNER.to(b, c)]
    whole = joined(parts)
    assert whole.duration_s == pytest.approx(sum(part.duration_s for part in parts))
    assert np.all(np.diff(whole.t_s) > 0.0)


def test_a_state_is_held_after_the_end():
    motion = PLANNER.to(np.zeros(3), np.array([1.0, 1.0, 0.2]))
    q, qd, qdd = state_at(motion, motion.duration_s + 1.0)
    np.testing.assert_allclose(q, [1.0, 1.0, 0.2], atol=1e-7)
    assert not qd.any() and not qdd.any()


@pytest.mark.parametrize("bad", [3.1, -3.1, math.nan, math.inf])
def test_a_goal_outside_the_limits_is_refused(bad):
    with pytest.raises(MotionInfeasible):
        PLANNER.to(np.zeros(3), np.array([bad, 0.0, 0.0]))


def test_the_refusal_names_joint_value_and_bound():
    with pytest.raises(MotionInfeasible, match=r"c would be at -0\.5, bounds 0 to 1"):
        PLANNER.to(np.zeros(3), np.array([0.0, 0.0, -0.5]))


def test_a_way_needs_two_waypoints():
    with pytest.raises(MotionInfeasible, match="2 waypoints"):
        PLANNER.through([np.zeros(3)])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_stop_from_nowhere_is_refused(bad):
    with pytest.raises(MotionInfeasible):
        PLANNER.stop(np.array([bad, 0.0, 0.0]), np.zeros(3), np.zeros(3))
