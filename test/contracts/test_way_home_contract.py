"""The planners of ways against their contract, each alone and as the arm uses them."""

from __future__ import annotations

import pytest

from contracts.way_home_contract import WayHomeContract
from mtopt_robot.arm import Arm
from mtopt_robot.home import FirstWay, WayHome


class TestLiftAndCross(WayHomeContract):
    """It knows one way and says so where that way is not free."""

    least_found = 0.7

    @pytest.fixture
    def ways(self, arm: Arm) -> WayHome:
        assert isinstance(arm.ways, FirstWay)
        return arm.ways.planners[0]


class TestSearchedWayWithOmpl(WayHomeContract):
    @pytest.fixture
    def ways(self, arm: Arm) -> WayHome:
        assert isinstance(arm.ways, FirstWay)
        return arm.ways.planners[-1]


class TestWaysOfTheArm(WayHomeContract):
    @pytest.fixture
    def ways(self, arm: Arm) -> WayHome:
        return arm.ways
