"""A search that another process answers: never believed, and replaced where it has no answer.

`CheckedSearch` looks at every piece of what it is given with this cell's own collision model,
so that whoever answers may know less than we do. `FirstSearch` goes on to the next search where
one has nothing that holds, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mtopt_core.joints import Vector

from .collision import CollisionModel, Surroundings
from .errors import NoSolution
from .search import Search

_END_RAD = 1e-3  # how far from the ends that were asked for an answer may begin and end


@dataclass(frozen=True, eq=False)
class CheckedSearch:
    """A Search over one that is not to be trusted; its name stands in what it refuses."""

    name: str
    search: Search
    collision: CollisionModel

    def between(
        self, q_from_rad: Vector, q_goal_rad: Vector, around: Surroundings, attempt: int = 0
    ) -> Vector:
        """See Search; raises NoSolution for an answer that does not hold, too."""
        found = self.search.between(q_from_rad, q_goal_rad, around, attempt)
        way = np.array(found, np.float64)  # a copy: its ends are set below
        self._is_a_way(way, q_from_rad, q_goal_rad)
        way[0], way[-1] = q_from_rad, q_goal_rad
        for first, second in pairwise(way):
            if not self.collision.clear_between(first, second, around):
                raise NoSolution(f"{self.name} led a way through what it must not touch")
        return way

    def _is_a_way(self, way: Vector, q_from_rad: Vector, q_goal_rad: Vector) -> None:
        joints = len(q_from_rad)
        if way.ndim != 2 or way.shape[0] < 2 or way.shape[1] != joints:
            raise NoSolution(f"{self.name} gave positions of shape {way.shape}, not (K, {joints})")
        if not np.all(np.isfinite(way)):
            raise NoSolution(f"{self.name} gave a position that is not a finite number")
        for end, row, asked in (("begins", 0, q_from_rad), ("ends", -1, q_goal_rad)):
            off_rad = float(np.abs(way[row] - asked).max())
            if off_rad > _END_RAD:
                raise NoSolution(f"{self.name}'s way {end} {off_rad:.3g} rad off what was asked")
        limits = self.collision.description.arm_limits
        outside = np.maximum(way - limits.upper_rad, limits.lower_rad - way)
        if np.any(outside[1:-1] > 0.0):
            worst = int(np.argmax(outside[1:-1].max(axis=0)))
            raise NoSolution(f"{self.name} led {limits.names[worst]} beyond its limits")


@dataclass(frozen=True, eq=False)
class FirstSearch:
    """The way of the first search that finds one; `passed` is told why one was passed over."""

    searches: tuple[Search, ...]
    passed: Callable[[str], None]

    def between(
        self, q_from_rad: Vector, q_goal_rad: Vector, around: Surroundings, attempt: int = 0
    ) -> Vector:
        """See Search."""
        for search in self.searches[:-1]:
            try:
                return search.between(q_from_rad, q_goal_rad, around, attempt)
            except NoSolution as reason:
                self.passed(str(reason))
        return self.searches[-1].between(q_from_rad, q_goal_rad, around, attempt)
