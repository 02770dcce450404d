"""The way home from anywhere: a searched way, shortened, timed, looked at again, guarded.

The arm rests at each bend, so that its motion is exactly the polyline whose every straight
piece was found clear. An arm that touches something first backs off from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtopt_core.guard import Guard
from mtopt_core.joints import JointState, Vector

from .collision import CollisionModel, Surroundings
from .errors import NoSolution, UnreachableTarget
from .home import RestingPlaces, WayPlan, spoken
from .motion import MotionPlanner
from .search import Search

_ATTEMPTS = 3  # searches before giving up
_CUTS = 20  # shortcuts that are tried
_BACK_OFF_RAD = (0.02, 0.05, 0.1, 0.2, 0.4)
_BACK_OFF_TRIES = 60  # directions at each distance


@dataclass(frozen=True, eq=False)
class SearchedWay:
    """A WayHome over any Search."""

    places: RestingPlaces
    search: Search
    motion: MotionPlanner
    guard: Guard
    collision: CollisionModel

    def plan_home(self, q_from_rad: Vector, state: JointState, now_ns: int) -> WayPlan:
        """See WayHome."""
        return self._plan(q_from_rad, self.places.home_q_rad, state, now_ns)

    def plan_hover(
        self,
        position_m: Vector,
        yaw_rad: float,
        q_from_rad: Vector,
        state: JointState,
        now_ns: int,
    ) -> WayPlan:
        """See WayHome."""
        q_goal = self.places.hover_q_rad(position_m, yaw_rad)
        return self._plan(q_from_rad, q_goal, state, now_ns)

    def _plan(self, q_from: Vector, q_goal: Vector, state: JointState, now_ns: int) -> WayPlan:
        around = self.collision.around(state)
        T_base_goal = self.places.kinematics.forward(q_goal)
        in_the_way = self.collision.touching(q_goal, around)
        if in_the_way:
            raise UnreachableTarget(f"the goal touches: {spoken(in_the_way)}")
        begun = self._begun(q_from, around)
        why = ""
        for attempt in range(_ATTEMPTS):
            found = self.search.between(begun[-1], q_goal, around, attempt)
            rng = np.random.default_rng(attempt)
            way = shortened(found, self.collision, around, rng)
            whole = self.motion.through([*begun[:-1], *way])
            if len(whole.t_s) < 2:
                return WayPlan(None, q_goal, T_base_goal)
            touched = self.collision.touched_on(whole.q_rad, around)
            if not touched:
                sent = self.guard.admit_trajectory(whole, state, now_ns)
                return WayPlan(sent, q_goal, T_base_goal)
            why = spoken(touched)
        raise NoSolution(f"{_ATTEMPTS} searched ways touch on a nearer look: {why}")

    def _begun(self, q_from: Vector, around: Surroundings) -> list[Vector]:
        """The start and, where it touches, a clear place that the arm can back off to."""
        limits = self.motion.limits
        start = np.clip(np.asarray(q_from, np.float64), limits.lower_rad, limits.upper_rad)
        if self.collision.clear(start, around):
            return [start]
        rng = np.random.default_rng(0)
        for far_rad in _BACK_OFF_RAD:
            for _ in range(_BACK_OFF_TRIES):
                direction = rng.normal(size=len(start))
                aside = start + far_rad * direction / np.linalg.norm(direction)
                aside = np.clip(aside, limits.lower_rad, limits.upper_rad)
                if self.collision.clear(aside, around) and self._leaves(start, aside, around):
                    return [start, aside]
        touched = spoken(self.collision.touching(start, around))
        raise UnreachableTarget(f"no way to back off from where the arm touches: {touched}")

    def _leaves(self, start: Vector, aside: Vector, around: Surroundings) -> bool:
        rows = start + np.linspace(0.0, 1.0, 20)[:, None] * (aside - start)
        return not self.collision.touched_on(rows, around)


def shortened(
    way_rad: Vector, collision: CollisionModel, around: Surroundings, rng: np.random.Generator
) -> list[Vector]:
    """The way (K, 7) with detours cut off where the straight way is clear."""
    way = _without_needless([np.asarray(q, np.float64) for q in way_rad], collision, around)
    for _ in range(_CUTS if len(way) > 2 else 0):
        # A cut from some point of one piece to some point of a later one.
        first, last = np.sort(rng.uniform(0.0, len(way) - 1, size=2))
        i, j = int(first), int(last)
        if i == j:
            continue
        start = way[i] + (first - i) * (way[i + 1] - way[i])
        end = way[j] + (last - j) * (way[j + 1] - way[j])
        if collision.clear_between(start, end, around):
            way = [*way[: i + 1], start, end, *way[j + 1 :]]
    return _without_needless(way, collision, around)


def _without_needless(
    way: list[Vector], collision: CollisionModel, around: Surroundings
) -> list[Vector]:
    """The way with every bend left out that is not needed, the longest pieces first."""
    kept, here = [way[0]], 0
    while here < len(way) - 1:
        there = len(way) - 1
        while there > here + 1 and not collision.clear_between(way[here], way[there], around):
            there -= 1
        kept.append(way[there])
        here = there
    return kept
