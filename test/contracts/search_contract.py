"""What any Search must keep. Inherit, and give the fixture `search`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from contracts.way_home_contract import anywhere
from mtopt_core.joints import Vector
from mtopt_robot.arm import Arm
from mtopt_robot.collision import OPEN_AND_LEVEL, Surroundings
from mtopt_robot.errors import NoSolution
from mtopt_robot.search import Search

STARTS = 15


class SearchContract:
    """Laws of mtopt_robot.search.Search."""

    @pytest.fixture
    def search(self, arm: Arm) -> Search:
        raise NotImplementedError("a subclass gives the search")

    def keep(
        self, arm: Arm, way: Vector, start: Vector, goal: Vector, around: Surroundings
    ) -> None:
        """A way leads from end to end, within limits, each straight piece of it clear."""
        assert way.ndim == 2 and len(way) >= 2
        np.testing.assert_allclose(way[0], start, atol=1e-9)
        np.testing.assert_allclose(way[-1], goal, atol=1e-9)
        limits = arm.kinematics.limits
        assert np.all((way >= limits.lower_rad - 1e-9) & (way <= limits.upper_rad + 1e-9))
        assert all(arm.collision.clear_between(a, b, around) for a, b in pairwise(way))

    def test_a_way_is_found_from_anywhere_and_every_piece_of_it_is_clear(
        self, search: Search, arm: Arm
    ) -> None:
        home = arm.kinematics.home_q_rad
        for start, around in anywhere(arm, STARTS):
            self.keep(arm, search.between(start, home, around), start, home, around)

    def test_every_attempt_keeps_the_same_laws(self, search: Search, arm: Arm) -> None:
        (start, around), *_ = anywhere(arm, 1)
        home = arm.kinematics.home_q_rad
        for attempt in range(3):
            self.keep(arm, search.between(start, home, around, attempt), start, home, around)

    def test_where_there_is_no_way_it_says_so(self, search: Search, arm: Arm) -> None:
        """A goal inside the table: the way to it cannot be clear."""
        home = arm.kinematics.home_q_rad
        goal = home.copy()
        goal[1] = 1.9
        assert not arm.collision.clear(goal)
        with pytest.raises(NoSolution):
            search.between(home, goal, OPEN_AND_LEVEL)
