import math
from dataclasses import replace

import numpy as np
import pytest

from fakes.trajectory_laws import assert_rests, assert_within
from mtopt_core.errors import GuardRefusal
from mtopt_core.geometry import pose_tool_down, tilt_of, yaw_of
from mtopt_core.joints import JointState
from mtopt_robot.collision import Surroundings
from mtopt_robot.errors import NoSolution, UnreachableTarget

NOW_NS = 1_000_000_000


def measured(q_rad, arm, stamp_ns=NOW_NS):
    zero = np.zeros(len(q_rad))
    return JointState(arm.kinematics.limits.names, q_rad, zero, zero, stamp_ns)


def places(arm, count=60):
    rng = np.random.default_rng(11)
    clearance, box = arm.steps.clearance, arm.guard.box
    while count:
        position, yaw = rng.uniform(box.min_m, box.max_m), rng.uniform(-2.2, 2.2)
        T = pose_tool_down(position, yaw)
        if clearance.clear(position, yaw) and arm.kinematics.reach.holds(T):
            count -= 1
            yield arm.kinematics.inverse(T, arm.kinematics.home_q_rad)


def assert_clear(arm, way, start_z_m):
    """The tool goes up before it goes across."""
    free = arm.steps.clearance.free_z_m
    start = arm.kinematics.forward(way.arm.q_rad[0])[:3, 3]
    for q in way.arm.q_rad:
        at = arm.kinematics.forward(q)[:3, 3]
        assert at[2] >= min(start_z_m, free) - 0.01
        if at[2] < free - 0.001:
            assert np.linalg.norm(at[:2] - start[:2]) < 0.06


def test_home_is_reached_from_anywhere_in_the_cell(arm):
    for q in places(arm):
        way = arm.ways.plan_home(q, measured(q, arm), NOW_NS)
        assert_within(way.arm, arm.motion.limits)
        assert_rests(way.arm)
        assert_clear(arm, way, arm.kinematics.forward(q)[2, 3])
        np.testing.assert_allclose(way.arm.q_rad[-1], arm.kinematics.home_q_rad, atol=1e-7)


def test_a_hover_is_reached_from_anywhere_in_the_cell(arm, workspace):
    rng = np.random.default_rng(12)
    for q in places(arm):
        position = workspace.hover_point(rng.choice(["left", "right"]), rng)
        way = arm.ways.plan_hover(position, rng.uniform(-4, 4), q, measured(q, arm), NOW_NS)
        assert_within(way.arm, arm.motion.limits)
        assert_clear(arm, way, arm.kinematics.forward(q)[2, 3])
        T = arm.kinematics.forward(way.arm.q_rad[-1])
        np.testing.assert_allclose(T[:3, 3], position, atol=1e-5)
        assert tilt_of(T) < 1e-5


@pytest.mark.parametrize("yaw", [-3.0, -1.0, 0.0, 1.5, 3.1, 9.0])
def test_a_hover_takes_the_nearer_of_two_equal_yaws(arm, yaw):
    q = arm.kinematics.home_q_rad
    way = arm.ways.plan_hover(np.array([0.58, 0.1, 0.25]), yaw, q, measured(q, arm), NOW_NS)
    taken = yaw_of(way.T_base_goal)
    assert math.sin(taken - yaw) == pytest.approx(0.0, abs=1e-6)
    assert abs(taken - arm.kinematics.home_yaw_rad) <= math.pi / 2 + 1e-6


def test_at_home_there_is_nothing_to_do(arm):
    q = arm.kinematics.home_q_rad
    assert arm.ways.plan_home(q, measured(q, arm), NOW_NS).arm is None


def test_a_way_that_would_dip_among_the_walls_goes_straight(arm):
    q = np.array([-1.22, 1.88, 1.5, -1.83, -0.92, -0.18, 0.62])
    direct = q + np.linspace(0.0, 1.0, 30)[:, None] * (arm.kinematics.home_q_rad - q)
    free = arm.steps.clearance.free_z_m
    assert min(arm.kinematics.forward(at)[2, 3] for at in direct) < free - 0.05
    way = arm.ways.plan_home(q, measured(q, arm), NOW_NS)
    assert min(arm.kinematics.forward(at)[2, 3] for at in way.arm.q_rad) >= free
    assert_within(way.arm, arm.motion.limits)


def test_a_dip_without_a_straight_way_is_left_to_the_search(arm):
    q = np.array([-2.8, 1.74, -0.78, -1.84, 2.04, -1.91, -3.02])
    simple, searched = arm.ways.planners
    with pytest.raises(UnreachableTarget, match="would turn"):
        simple.plan_home(q, measured(q, arm), NOW_NS)
    asked = arm.ways.plan_home(q, measured(q, arm), NOW_NS)
    found = searched.plan_home(q, measured(q, arm), NOW_NS)
    np.testing.assert_array_equal(asked.arm.q_rad, found.arm.q_rad)


def test_pressed_onto_a_floor_the_arm_comes_up_and_home(arm):
    T = arm.kinematics.forward(arm.kinematics.home_q_rad)
    T[:3, 3] = 0.58, -0.16, 0.030
    q = arm.kinematics.inverse(T, arm.kinematics.home_q_rad)
    T[2, 3] = 0.021  # the fingers' ends reach 3 mm past the tool, the floor is at 20 mm
    pressed = arm.kinematics.nearest(T, q)
    assert not arm.collision.clear(pressed)
    for planner in arm.ways.planners:
        way = planner.plan_home(pressed, measured(pressed, arm), NOW_NS)
        assert not arm.collision.touched_on(way.arm.q_rad)


def test_a_way_through_a_tipped_bin_is_left_to_the_search(arm):
    """Level, the way from over the far wall is free; now the left bin stands upright in it."""
    names = (*arm.kinematics.limits.names, "gripper_joint", "bin_left_joint", "bin_right_joint")
    q = arm.kinematics.inverse(
        pose_tool_down(np.array([0.6, 0.25, 0.26]), 0.0), arm.kinematics.home_q_rad
    )
    simple, searched = arm.ways.planners
    around = Surroundings(left_rad=1.3)
    whole = np.array([*q, around.finger_m, around.left_rad, around.right_rad])
    state = JointState(names, whole, np.zeros(10), np.zeros(10), NOW_NS)
    assert arm.collision.clear(q, around)
    with pytest.raises(UnreachableTarget, match="bin_left"):
        simple.plan_home(q, state, NOW_NS)
    way = searched.plan_home(q, state, NOW_NS)
    assert not arm.collision.touched_on(way.arm.q_rad, around)


class StraightThrough:
    """A Search that looks at nothing."""

    def between(self, q_from_rad, q_goal_rad, around, attempt=0):
        return np.array([q_from_rad, q_goal_rad])


def test_a_searched_way_is_looked_at_again_before_it_is_sent(arm):
    T = pose_tool_down(np.array([0.42, 0.1, 0.03]), 1.57)
    q = arm.kinematics.inverse(T, arm.kinematics.home_q_rad)
    blind = replace(arm.ways.planners[-1], search=StraightThrough())
    assert not arm.collision.clear_between(q, arm.kinematics.home_q_rad)
    with pytest.raises(NoSolution, match=r"touch on a nearer look: bin_left and gripper_finger"):
        blind.plan_home(q, measured(q, arm), NOW_NS)


def test_a_hover_among_the_walls_is_refused(arm):
    q = arm.kinematics.home_q_rad
    with pytest.raises(UnreachableTarget, match=r"hover height 0\.050 m, must be 0\.140 m"):
        arm.ways.plan_hover(np.array([0.58, 0.1, 0.05]), 0.0, q, measured(q, arm), NOW_NS)


def test_the_guard_sees_every_way(arm):
    q = arm.kinematics.home_q_rad + 0.1
    with pytest.raises(GuardRefusal, match="stale"):
        arm.ways.plan_home(q, measured(q, arm, stamp_ns=0), NOW_NS)
    with pytest.raises(GuardRefusal, match="start"):
        arm.ways.plan_home(q, measured(q + 0.1, arm), NOW_NS)
