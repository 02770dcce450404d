"""Answers of another process: nothing of them is believed, and OMPL stands behind them."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down
from mtopt_core.joints import Vector
from mtopt_robot.answered_search import CheckedSearch, FirstSearch
from mtopt_robot.arm import Arm
from mtopt_robot.collision import OPEN_AND_LEVEL
from mtopt_robot.errors import NoSolution
from mtopt_robot.search import OmplSearch


class Answering:
    """A Search that answers with rows made of both ends."""

    def __init__(self, make):
        self.make = make
        self.attempts = []

    def between(self, q_from_rad, q_goal_rad, around, attempt=0):
        self.attempts.append(attempt)
        return self.make(q_from_rad, q_goal_rad)


class Refusing:
    def between(self, q_from_rad, q_goal_rad, around, attempt=0):
        raise NoSolution("nobody is there")


@pytest.fixture
def ends(arm: Arm) -> tuple[Vector, Vector]:
    """Two positions with a clear straight way between them."""
    home = arm.kinematics.home_q_rad
    return home + 0.1, home


def bent(change):
    """Three rows, the middle one changed."""

    def make(a, b):
        middle = 0.5 * (a + b)
        change(middle)
        return np.array([a, middle, b])

    return make


def poisoned(row):
    row[3] = np.nan


def beyond(row):
    row[1] = 2.2


LIES = {
    "no rows": (lambda a, b: np.empty((0, 7)), r"shape \(0, 7\), not \(K, 7\)"),
    "one row": (lambda a, b: a[None, :], r"shape \(1, 7\)"),
    "six joints": (lambda a, b: np.array([a[:6], b[:6]]), r"shape \(2, 6\)"),
    "a flat list": (lambda a, b: np.concatenate([a, b]), r"shape \(14,\)"),
    "no number": (bent(poisoned), "not a finite number"),
    "other start": (lambda a, b: np.array([a + 0.01, b]), "begins 0.01 rad off"),
    "other end": (lambda a, b: np.array([a, b - 0.02]), "ends 0.02 rad off"),
    "limits": (bent(beyond), "led iiwa_joint_2 beyond its limits"),
}


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_gets_through(lie: str, arm: Arm, ends: tuple[Vector, Vector]) -> None:
    make, reason = LIES[lie]
    checked = CheckedSearch("Somebody", Answering(make), arm.collision)
    with pytest.raises(NoSolution, match=f"Somebody.*{reason}"):
        checked.between(*ends, OPEN_AND_LEVEL)


def test_a_way_through_a_wall_is_refused(arm: Arm) -> None:
    home = arm.kinematics.home_q_rad
    deep = arm.kinematics.inverse(pose_tool_down(np.array([0.42, 0.1, 0.03]), 1.57), home)
    straight = CheckedSearch("Somebody", Answering(lambda a, b: np.array([a, b])), arm.collision)
    assert arm.collision.clear(deep)
    with pytest.raises(NoSolution, match="Somebody led a way through what it must not touch"):
        straight.between(deep, home, OPEN_AND_LEVEL)


def test_an_honest_answer_passes_and_its_ends_become_exact(
    arm: Arm, ends: tuple[Vector, Vector]
) -> None:
    near = Answering(lambda a, b: np.array([a + 5e-5, b - 5e-5]))
    way = CheckedSearch("Somebody", near, arm.collision).between(*ends, OPEN_AND_LEVEL, attempt=2)
    np.testing.assert_array_equal(way, np.array(ends))
    assert near.attempts == [2]


def test_the_answer_itself_is_left_as_it_came(arm: Arm, ends: tuple[Vector, Vector]) -> None:
    given = np.array([ends[0] + 5e-5, ends[1]])
    before = given.copy()
    CheckedSearch("Somebody", Answering(lambda a, b: given), arm.collision).between(
        *ends, OPEN_AND_LEVEL
    )
    np.testing.assert_array_equal(given, before)


def test_the_next_search_is_asked_and_told_why(arm: Arm, ends: tuple[Vector, Vector]) -> None:
    told: list[str] = []
    last = OmplSearch(arm.collision)
    way = FirstSearch((Refusing(), last), told.append).between(*ends, OPEN_AND_LEVEL)
    np.testing.assert_array_equal(way, last.between(*ends, OPEN_AND_LEVEL))
    assert told == ["nobody is there"]


def test_the_first_answer_is_taken(arm: Arm, ends: tuple[Vector, Vector]) -> None:
    told: list[str] = []
    second = Answering(lambda a, b: np.array([a, b]))
    first = Answering(lambda a, b: np.array([a, 0.5 * (a + b), b]))
    way = FirstSearch((first, second), told.append).between(*ends, OPEN_AND_LEVEL)
    assert len(way) == 3 and not told and not second.attempts


def test_what_the_last_lacks_is_said_by_the_last(arm: Arm, ends: tuple[Vector, Vector]) -> None:
    with pytest.raises(NoSolution, match="nobody is there"):
        FirstSearch((Refusing(),), lambda why: None).between(*ends, OPEN_AND_LEVEL)
