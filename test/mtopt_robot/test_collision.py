"""The collision model by laws: what is free, what touches and under which name."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down
from mtopt_core.joints import JointState
from mtopt_robot.collision import CollisionConfig, CollisionModel, Surroundings
from mtopt_robot.description import RobotDescription
from mtopt_robot.errors import DescriptionInvalid, NoSolution
from mtopt_robot.kinematics import ArmKinematics

UP = np.zeros(7)
RNG_SEED = 21


def drawn(arm, count):
    rng = np.random.default_rng(RNG_SEED)
    limits = arm.kinematics.limits
    return rng.uniform(limits.lower_rad, limits.upper_rad, size=(count, 7))


def with_hinges(rng):
    return Surroundings(rng.uniform(0.0, 0.035), rng.uniform(0.0, 2.6), rng.uniform(0.0, 0.5))


def placed(arm, x, y, z, yaw=0.0):
    """Joints for a tool-down pose, whatever it touches."""
    free = ArmKinematics(arm.collision.description, tuple(arm.kinematics.home_q_rad))
    return free.inverse(pose_tool_down(np.array([x, y, z]), yaw), arm.kinematics.home_q_rad)


def test_home_is_free_wherever_the_bins_turn(arm):
    home = arm.kinematics.home_q_rad
    for left in np.linspace(0.0, 2.6, 27):
        for right in (0.0, 0.25, 0.5):
            for finger in (0.0, 0.035):
                assert arm.collision.clear(home, Surroundings(finger, left, right))


def test_stretched_upwards_nothing_touches(arm):
    assert arm.collision.touching(UP) == ()
    assert arm.collision.nearest(UP).distance_m > arm.collision.config.margin_m


def test_what_is_clear_is_what_touches_nothing_and_has_room(arm):
    """The fast answer, the complete one and the measured one agree."""
    rng = np.random.default_rng(RNG_SEED)
    clear = 0
    for q in drawn(arm, 1000):
        around = with_hinges(rng)
        touching, room_m = arm.collision.touching(q, around), arm.collision.room_m(q, around)
        assert arm.collision.clear(q, around) == (not touching)
        assert abs(room_m) < 1e-5 or (room_m > 0.0) == (not touching)
        clear += not touching
    assert 200 < clear < 950


def test_left_and_right_are_the_same(arm):
    """The cell mirrors at y = 0, hinges apart: level, so does every answer."""
    mirror = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    for q in drawn(arm, 400):
        assert arm.collision.room_m(q) == pytest.approx(arm.collision.room_m(q * mirror), abs=1e-6)


def test_a_wider_margin_never_frees_anything(arm, description):
    wide = CollisionModel(description, CollisionConfig(margin_m=0.03, gripper_margin_m=0.01))
    for q in drawn(arm, 500):
        assert arm.collision.clear(q) or not wide.clear(q)


def test_distance_changes_no_faster_than_the_arm_moves(arm):
    rng = np.random.default_rng(RNG_SEED)
    for q in drawn(arm, 200):
        after = q + rng.uniform(-0.05, 0.05, size=7)
        moved_m = 2.0 * float(np.abs(after - q) @ arm.collision.levers_m)
        gap = arm.collision.nearest(q).distance_m - arm.collision.nearest(after).distance_m
        assert abs(gap) <= moved_m + 1e-6


@pytest.mark.parametrize(
    ("where", "pair"),
    [
        ((0.58, -0.16, 0.010), ("bin_right", "gripper_finger_1")),
        ((0.58, 0.16, 0.010), ("bin_left", "gripper_finger_1")),
        ((0.58, 0.055, 0.08), ("bin_left", "gripper_finger_1")),
        ((0.40, -0.16, 0.05), ("bin_right", "gripper_finger_1")),
        ((0.58, 0.38, 0.001), ("gripper_finger_1", "table")),
    ],
)
def test_what_a_tool_runs_into_has_its_name(arm, where, pair):
    assert pair in arm.collision.touching(placed(arm, *where))


@pytest.mark.parametrize(
    ("q", "pair"),
    [
        ((0.0, 2.09, 0.0, 0.0, 0.0, 0.0, 0.0), ("iiwa_link_5", "table")),
        ((-1.0, -1.3, -0.3, 2.09, -0.1, -1.9, 1.1), ("gripper_finger_1", "iiwa_link_1")),
        ((-1.8, -1.2, -2.7, -2.09, -0.1, 1.0, 0.9), ("gripper_finger_1", "iiwa_link_0")),
    ],
)
def test_what_the_arm_runs_into_has_its_name(arm, q, pair):
    assert pair in arm.collision.touching(np.array(q))


def test_a_tipped_bin_is_where_it_was_turned_to(arm):
    """Over the left bin there is room; at a right angle its floor stands above the hinge."""
    q = placed(arm, 0.58, 0.0, 0.25)
    assert arm.collision.clear(q)
    upright = Surroundings(left_rad=math.pi / 2)
    assert any("bin_left" in pair for pair in arm.collision.touching(q, upright))


def test_a_camera_post_is_in_the_way(arm):
    names = {name for pair in arm.collision.pairs for name in pair}
    assert {"camera_left_post", "camera_right_post", "camera_overhead_post"} <= names
    assert any(
        "camera_left_post" in pair for q in drawn(arm, 2000) for pair in arm.collision.touching(q)
    )


def test_neighbours_and_what_is_mounted_are_no_pairs(arm):
    pairs = arm.collision.pairs
    assert ("iiwa_link_2", "iiwa_link_3") not in pairs
    assert ("iiwa_link_0", "table") not in pairs
    assert ("bin_left", "bin_right") not in pairs
    assert ("iiwa_link_1", "iiwa_link_4") in pairs
    assert ("gripper_palm", "iiwa_link_5") in pairs
    assert ("gripper_finger_2", "table") in pairs


def test_a_cell_with_a_name_has_the_same_pairs(arm, urdf_path: Path):
    named = CollisionModel(RobotDescription.expand(urdf_path, {"cell": "cell7"}))
    assert named.pairs == {
        tuple(sorted((f"cell7_{first}", f"cell7_{second}")))
        for first, second in arm.collision.pairs
    }
    for q in drawn(arm, 100):
        assert named.room_m(q) == pytest.approx(arm.collision.room_m(q), abs=1e-5)


def test_a_motion_may_leave_what_it_touches_but_not_go_deeper(arm):
    free, pressed, deeper = (placed(arm, 0.58, -0.16, z) for z in (0.10, 0.021, 0.012))

    def motion(*through):
        return np.concatenate(
            [a + np.linspace(0, 1, 30)[:, None] * (b - a) for a, b in pairwise(through)]
        )

    assert not arm.collision.touched_on(motion(pressed, free))
    assert arm.collision.touched_on(motion(pressed, deeper, free))
    assert arm.collision.touched_on(motion(free, pressed))
    assert arm.collision.touched_on(motion(pressed, free, pressed))
    assert arm.collision.touched_on(motion(pressed, pressed))


def test_a_straight_way_sees_what_stands_in_its_middle(arm):
    left, right = placed(arm, 0.58, 0.16, 0.06), placed(arm, 0.58, -0.16, 0.06)
    assert arm.collision.clear(left) and arm.collision.clear(right)
    assert not arm.collision.clear_between(left, right)
    assert arm.collision.clear_between(left, placed(arm, 0.58, 0.16, 0.2))


def test_surroundings_are_what_is_measured_and_else_open_and_level(description):
    names = ("bin_left_joint", "gripper_joint", "iiwa_joint_1")
    zero = np.zeros(3)
    state = JointState(names, np.array([1.2, 0.01, 0.3]), zero, zero, 0)
    assert Surroundings.of(state, description) == Surroundings(0.01, 1.2, 0.0)
    unknown = JointState(names, np.array([math.nan, math.inf, 0.3]), zero, zero, 0)
    assert Surroundings.of(unknown, description) == Surroundings()


def test_inverse_never_answers_with_joints_that_touch(arm):
    limits, rng = arm.kinematics.limits, np.random.default_rng(3)
    for _ in range(300):
        T = pose_tool_down(rng.uniform([0.45, -0.25, 0.03], [0.7, 0.25, 0.3]), 0.0)
        try:
            q = arm.kinematics.inverse(T, rng.uniform(limits.lower_rad, limits.upper_rad))
        except NoSolution:
            continue
        assert arm.collision.clear(q)


def test_a_pose_inside_a_wall_is_refused_by_the_names(arm):
    with pytest.raises(NoSolution, match=r"touches something: bin_left and gripper_finger"):
        arm.kinematics.inverse(
            pose_tool_down(np.array([0.58, 0.055, 0.06]), 0.0), arm.kinematics.home_q_rad
        )


def test_a_description_without_shapes_that_can_be_read_is_refused():
    with pytest.raises(DescriptionInvalid, match="no usable shapes"):
        CollisionModel(RobotDescription("<robot/>"))
