"""Bins that stand level are part of the room; on the way they are what hangs on the hinges."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_sim.follower import TrajectoryPoints
from mtopt_sim.plate import PLATE
from mtopt_sim.standing import standing
from mtopt_sim.workcell import Workcell

PARTS = ("bin_left", "bin_right", PLATE)


@pytest.fixture
def still(workcell: Workcell) -> Workcell:
    """A cell in which nothing has happened for a while."""
    workcell.advance(3.0)
    return workcell


def own_name(cell: Workcell, part: str) -> str:
    return part if part == PLATE else cell.description.name(part)


def solid(cell: Workcell, body: str) -> bool:
    """Whether a body touches anything at present."""
    number = cell.model.body(body).id
    touching = cell.model.geom_contype[cell.model.geom_bodyid == number] > 0
    assert bool(cell.model.body_contype[number]) == touching.any()
    return bool(touching.any())


def swing(cell: Workcell, left_rad: float, right_rad: float, duration_s: float) -> None:
    names = cell.description.names(("bin_left_joint", "bin_right_joint"))
    goal = np.array([[left_rad, right_rad]])
    cell.follow("bin", TrajectoryPoints(names, np.array([duration_s]), goal))
    cell.advance(duration_s)


def test_what_is_touched_wakes_alone(still: Workcell) -> None:
    can = still.data.joint("can")
    can.qpos[2] += 0.01
    still.advance(0.04)
    assert still.data.ntree_awake == 2  # and the arm
    still.advance(3.0)
    assert still.data.ntree_awake == 1


def test_each_bin_stands_unless_it_is_on_its_way(still: Workcell) -> None:
    def standing_now() -> list[bool]:
        copies = [solid(still, standing(own_name(still, part))) for part in PARTS]
        assert copies == [not solid(still, own_name(still, part)) for part in PARTS]
        return copies

    assert standing_now() == [True, True, True]
    swing(still, 0.5, 0.0, 1.0)
    assert standing_now() == [False, True, False]
    still.advance(1.0)  # it stays where it was told to, and is no room there
    assert standing_now() == [False, True, False]
    swing(still, 0.0, 0.1, 1.0)
    still.advance(0.5)
    assert standing_now() == [True, False, True]
    swing(still, 0.0, 0.0, 1.0)
    still.advance(0.5)
    assert standing_now() == [True, True, True]


def test_a_bin_stands_where_it_hangs(still: Workcell) -> None:
    model, data = still.model, still.data
    for _ in range(2):
        for part in PARTS:
            body, copy = own_name(still, part), standing(own_name(still, part))
            hung = model.geom_bodyid == model.body(body).id
            hung &= np.isin(model.geom_group, (3,)) if part != PLATE else hung
            stood = model.geom_bodyid == model.body(copy).id
            for values in (data.geom_xpos, data.geom_xmat):
                there = {tuple(row) for row in values[stood].round(3)}
                assert there and there <= {tuple(row) for row in values[hung].round(3)}
        still.place_plate()  # while everything sleeps
        still.advance(0.01)


def test_a_bin_stands_again_only_when_it_is_level(still: Workcell) -> None:
    swing(still, 0.0, 0.01, 1.0)
    still.advance(1.0)
    assert solid(still, still.description.name("bin_right"))
    assert not solid(still, standing(still.description.name("bin_right")))
