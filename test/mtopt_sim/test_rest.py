"""What lies still sleeps, and wakes when anything happens to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mtopt_robot.description import RobotDescription
from mtopt_sim.follower import TrajectoryPoints
from mtopt_sim.plate import PLATE
from mtopt_sim.workcell import Workcell


@pytest.fixture
def still(workcell: Workcell) -> Workcell:
    """A cell in which nothing has happened for a while."""
    workcell.advance(3.0)
    return workcell


def tip(cell: Workcell, left_rad: float, right_rad: float, duration_s: float) -> None:
    names = cell.description.names(("bin_left_joint", "bin_right_joint"))
    goal = np.array([[left_rad, right_rad]])
    cell.follow("bin", TrajectoryPoints(names, np.array([duration_s]), goal))


def test_only_the_arm_is_computed_when_nothing_happens(still: Workcell) -> None:
    assert still.data.ntree_awake == 1
    before = still.data.qpos.copy()
    still.advance(5.0)
    objects = slice(still.model.joint("banana").qposadr[0], None)
    assert np.array_equal(still.data.qpos[objects], before[objects])


def test_a_slow_hinge_moves_and_takes_what_lies_in_its_bin_along(still: Workcell) -> None:
    """So slow that the hinge would fall asleep, were it not kept awake."""
    right = still.description.name("bin_right_joint")
    before = np.array([thing.position_m for thing in still.truth().objects])
    tip(still, 0.0, 0.05, 20.0)
    still.advance(21.0)
    assert still.joint_state().select((right,)).q_rad[0] == pytest.approx(0.05, abs=2e-3)
    after = np.array([thing.position_m for thing in still.truth().objects])
    assert np.all(after[:, 2] - before[:, 2] > 1e-4)


def test_a_thing_that_is_moved_by_hand_wakes_and_falls(still: Workcell) -> None:
    can = still.data.joint("can")
    floor_m = float(can.qpos[2])
    can.qpos[2] += 0.2
    still.advance(0.1)
    assert still.data.ntree_awake > 1
    still.advance(2.0)
    assert float(still.data.joint("can").qpos[2]) < floor_m + 0.08


def test_the_plate_can_be_moved_while_its_bin_sleeps(still: Workcell) -> None:
    before = still.pose_of(PLATE)
    still.place_plate()
    still.advance(0.01)
    assert still.data.ntree_awake > 1  # whatever lies on it will notice
    assert np.linalg.norm(still.pose_of(PLATE)[:2, 3] - before[:2, 3]) > 1e-3
    still.advance(1.0)
    assert still.data.ntree_awake == 1


def test_sleep_can_be_turned_off(
    description: RobotDescription, workspace, lenses, workcell: Workcell
) -> None:
    config = replace(workcell.config, sleep_m_s=0.0)
    restless = Workcell(description, workspace, config, lenses)
    restless.advance(3.0)
    assert restless.data.ntree_awake == restless.model.ntree
