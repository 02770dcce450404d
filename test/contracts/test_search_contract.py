"""Everybody who searches ways against one contract: OMPL, MoveIt, and MoveIt with OMPL behind it.

MoveIt stands in as a fake move_group: it is asked and read through the product's own adapter.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.search_contract import SearchContract
from contracts.way_home_contract import WayHomeContract
from fakes.move_group import FAKE_TYPES, PLANNING_FAILED, FakeMoveGroup
from mtopt_robot.arm import Arm
from mtopt_robot.home import FirstWay, WayHome
from mtopt_robot.search import OmplSearch, Search, SearchConfig
from mtopt_robot.searched_way import SearchedWay
from mtopt_ros.moveit_search import moveit_first


def over_moveit(arm: Arm, group: FakeMoveGroup, with_ompl: bool = False) -> Search:
    otherwise = (lambda why: None) if with_ompl else None
    return moveit_first(group, FAKE_TYPES, 1.0, otherwise)(arm.collision, SearchConfig())


class TestOmpl(SearchContract):
    @pytest.fixture
    def search(self, arm: Arm) -> Search:
        return OmplSearch(arm.collision)


class TestMoveIt(SearchContract):
    @pytest.fixture
    def search(self, arm: Arm) -> Search:
        return over_moveit(arm, FakeMoveGroup(arm.collision))


class TestMoveItThatIsNotThere(SearchContract):
    @pytest.fixture
    def search(self, arm: Arm) -> Search:
        group = FakeMoveGroup(arm.collision)
        group.silent = True
        return over_moveit(arm, group, with_ompl=True)


class TestMoveItThatFindsNothing(SearchContract):
    @pytest.fixture
    def search(self, arm: Arm) -> Search:
        group = FakeMoveGroup(arm.collision)
        group.code = PLANNING_FAILED
        return over_moveit(arm, group, with_ompl=True)


class TestSearchedWayWithMoveIt(WayHomeContract):
    """The whole way home over MoveIt's searches: timed, looked at again, guarded."""

    starts = 25

    @pytest.fixture
    def ways(self, arm: Arm) -> WayHome:
        assert isinstance(arm.ways, FirstWay)
        searched = arm.ways.planners[-1]
        assert isinstance(searched, SearchedWay)
        return replace(searched, search=over_moveit(arm, FakeMoveGroup(arm.collision)))
