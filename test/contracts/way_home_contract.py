"""What any WayHome must keep. Inherit, and give the fixture `ways`."""

from __future__ import annotations

import numpy as np
import pytest

from fakes.trajectory_laws import assert_rests, assert_within
from mtopt_core.errors import GuardRefusal
from mtopt_core.joints import JointState, Vector
from mtopt_robot.arm import Arm
from mtopt_robot.collision import OPEN_AND_LEVEL, Surroundings
from mtopt_robot.errors import NoSolution, UnreachableTarget
from mtopt_robot.home import WayHome, WayPlan

NOW_NS = 1_000_000_000
HINGES_RAD = (0.0, 0.0, 1.2, 2.5)  # of the left bin: mostly level, now and then tipped


def measured(
    arm: Arm, q_rad: Vector, around: Surroundings = OPEN_AND_LEVEL, stamp_ns: int = NOW_NS
) -> JointState:
    """A measurement of the whole cell at rest."""
    description = arm.collision.description
    names = (
        *description.arm_limits.names,
        *description.gripper_limits.names,
        *description.bin_limits.names,
    )
    q = np.array([*q_rad, around.finger_m, around.left_rad, around.right_rad])
    zero = np.zeros(len(q))
    return JointState(names, q, zero, zero, stamp_ns)


def anywhere(arm: Arm, count: int) -> list[tuple[Vector, Surroundings]]:
    """Free joint positions all over the joints' range, fingers and hinges wherever they are."""
    rng = np.random.default_rng(5)
    limits = arm.kinematics.limits
    found: list[tuple[Vector, Surroundings]] = []
    while len(found) < count:
        around = Surroundings(float(rng.uniform(0.0, 0.035)), float(rng.choice(HINGES_RAD)))
        q = rng.uniform(limits.lower_rad, limits.upper_rad)
        if arm.collision.clear(q, around):
            found.append((q, around))
    return found


class WayHomeContract:
    """Laws of mtopt_robot.home.WayHome."""

    least_found = 1.0  # share of the free positions from which home is found
    starts = 200  # such positions

    @pytest.fixture
    def ways(self, arm: Arm) -> WayHome:
        raise NotImplementedError("a subclass gives the planner of ways")

    def keep(
        self, arm: Arm, way: WayPlan, start: Vector, goal: Vector, around: Surroundings
    ) -> None:
        """A way leads from the start to the goal, within limits, touching nothing."""
        assert way.arm is not None
        np.testing.assert_allclose(way.arm.q_rad[0], start, atol=1e-7)
        np.testing.assert_allclose(way.arm.q_rad[-1], goal, atol=1e-6)
        np.testing.assert_allclose(way.q_goal_rad, goal, atol=1e-6)
        assert_within(way.arm, arm.motion.limits)
        assert_rests(way.arm)
        assert all(arm.collision.clear(q, around) for q in way.arm.q_rad)

    def test_home_is_reached_from_anywhere_and_nothing_is_touched(
        self, ways: WayHome, arm: Arm
    ) -> None:
        found = 0
        for start, around in anywhere(arm, self.starts):
            try:
                way = ways.plan_home(start, measured(arm, start, around), NOW_NS)
            except (NoSolution, UnreachableTarget) as refused:
                assert str(refused)
                continue
            found += 1
            self.keep(arm, way, start, arm.kinematics.home_q_rad, around)
        assert found >= self.least_found * self.starts

    def test_a_hover_is_reached_from_home(self, ways: WayHome, arm: Arm) -> None:
        home = arm.kinematics.home_q_rad
        for y in (-0.2, 0.0, 0.2):
            point = np.array([0.58, y, 0.25])
            way = ways.plan_hover(point, 0.4, home, measured(arm, home), NOW_NS)
            self.keep(arm, way, home, way.q_goal_rad, Surroundings())
            T = arm.kinematics.forward(way.q_goal_rad)
            np.testing.assert_allclose(T[:3, 3], point, atol=1e-5)
            np.testing.assert_allclose(T, way.T_base_goal, atol=1e-9)

    def test_at_home_there_is_nothing_to_do(self, ways: WayHome, arm: Arm) -> None:
        home = arm.kinematics.home_q_rad
        assert ways.plan_home(home, measured(arm, home), NOW_NS).arm is None

    def test_a_goal_that_touches_is_refused(self, ways: WayHome, arm: Arm) -> None:
        """The left bin stands upright where the tool should hover."""
        home, tipped = arm.kinematics.home_q_rad, Surroundings(left_rad=1.5)
        with pytest.raises(UnreachableTarget, match="touches: bin_left and "):
            ways.plan_hover(
                np.array([0.58, 0.0, 0.2]), 0.0, home, measured(arm, home, tipped), NOW_NS
            )

    def test_the_same_question_has_the_same_answer(self, ways: WayHome, arm: Arm) -> None:
        start = arm.kinematics.home_q_rad + 0.4
        state = measured(arm, start)
        first, again = (ways.plan_home(start, state, NOW_NS).arm for _ in range(2))
        assert first is not None and again is not None
        np.testing.assert_array_equal(first.q_rad, again.q_rad)

    def test_the_guard_sees_every_way(self, ways: WayHome, arm: Arm) -> None:
        q = arm.kinematics.home_q_rad + 0.1
        with pytest.raises(GuardRefusal, match="stale"):
            ways.plan_home(q, measured(arm, q, stamp_ns=0), NOW_NS)
        with pytest.raises(GuardRefusal, match="start"):
            ways.plan_home(q, measured(arm, q + 0.1), NOW_NS)
