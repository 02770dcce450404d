"""Grips: a good one holds and is told so, one beside the object holds nothing."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down, yaw_of
from mtopt_robot.arm import Arm
from mtopt_robot.clearance import BinClearance
from mtopt_sim.follower import TrajectoryPoints
from mtopt_sim.grasp import Grasp, grasps
from mtopt_sim.workcell import Workcell

LIFTED_M = 0.28


@pytest.fixture(scope="module")
def arm(description, workspace, bounds) -> Arm:
    return Arm.of(description, workspace, bounds)


def drive(cell: Workcell, arm: Arm, T_base_tool) -> None:
    start = cell.commanded("arm")
    path = arm.steps.line.path(start, arm.kinematics.inverse(T_base_tool, start))
    cell.follow("arm", TrajectoryPoints.of(arm.motion.along(path)))
    cell.finish()


def squeeze(cell: Workcell, finger_m: float) -> None:
    names = (cell.description.name("gripper_joint"),)
    cell.follow(
        "gripper", TrajectoryPoints(names, np.array([0.4]), np.array([[finger_m]], dtype=float))
    )
    cell.advance(0.7)


def pick(cell: Workcell, arm: Arm, T_base_tool) -> None:
    above = T_base_tool.copy()
    above[2, 3] = LIFTED_M
    drive(cell, arm, above)
    drive(cell, arm, T_base_tool)
    squeeze(cell, 0.0)
    drive(cell, arm, above)


def best(cell: Workcell, name: str) -> Grasp | None:
    found = grasps(cell, name, BinClearance(cell.workspace.bins))
    return found[0] if found and found[0].good else None


def holds(cell: Workcell, name: str) -> bool:
    thing = next(t for t in cell.truth().objects if t.name == name)
    return thing.held and thing.position_m[2] > 0.15


def test_good_grasps_hold_and_truth_says_so(workcell: Workcell, arm: Arm) -> None:
    tried = held = 0
    for seed in range(4):
        for name in workcell.object_names:
            workcell.restart(seed)
            grasp = best(workcell, name)
            if grasp is None:
                continue
            pick(workcell, arm, grasp.T_base_tool)
            tried += 1
            held += holds(workcell, name)
    assert tried >= 20
    assert held / tried >= 0.9


def test_truth_follows_a_grip_from_beginning_to_end(workcell: Workcell, arm: Arm) -> None:
    workcell.restart(1)
    grasp = best(workcell, "box")
    assert grasp is not None
    assert not workcell.truth().held
    pick(workcell, arm, grasp.T_base_tool)
    truth = workcell.truth()
    assert [thing.name for thing in truth.held] == ["box"]
    assert truth.gripper_closed
    offset_m = truth.held[0].position_m - truth.T_base_tool[:3, 3]
    assert np.linalg.norm(offset_m) < 0.05
    # Carried away it is still held, and where the hand is.
    away = pose_tool_down(np.array([0.58, 0.05, LIFTED_M]), yaw_of(grasp.T_base_tool))
    drive(workcell, arm, away)
    truth = workcell.truth()
    assert [thing.name for thing in truth.held] == ["box"]
    assert np.linalg.norm(truth.held[0].position_m - truth.T_base_tool[:3, 3] - offset_m) < 0.01
    squeeze(workcell, 0.035)
    workcell.advance(0.5)
    truth = workcell.truth()
    assert not truth.held and not truth.gripper_closed
    assert next(t for t in truth.objects if t.name == "box").position_m[2] < 0.15


def test_an_object_gripped_on_the_floor_is_not_held_yet(workcell: Workcell, arm: Arm) -> None:
    grasp = best(workcell, "can")
    assert grasp is not None
    above = grasp.T_base_tool.copy()
    above[2, 3] = LIFTED_M
    drive(workcell, arm, above)
    drive(workcell, arm, grasp.T_base_tool)
    squeeze(workcell, 0.0)
    assert not workcell.truth().held


@pytest.mark.parametrize(("side", "finger_m", "held"), [(0.0, 0.020, True), (0.017, 0.035, False)])
def test_held_takes_both_fingers(
    workcell: Workcell, side: float, finger_m: float, held: bool
) -> None:
    """A box in the air: between the fingers, or leaning on one of them."""
    data, tool = workcell.data, workcell.pose_of("tool")
    for joint in ("gripper_joint", "gripper_mimic_joint"):
        data.joint(joint).qpos = finger_m
    place = tool @ np.array([0.0, side, -0.02, 1.0])
    data.joint("box").qpos = [*place[:3], 1.0, 0.0, 0.0, 0.0]
    assert [thing.name for thing in workcell.truth().held] == (["box"] if held else [])
    pairs = workcell.model.geom_bodyid[data.contact.geom[: data.ncon]]
    box = workcell.model.body("box").id
    touched = {workcell.model.body(b).name for pair in pairs if box in pair for b in pair}
    assert touched - {"box"} <= {"gripper_finger_1", "gripper_finger_2"}
    assert len(touched) == (3 if held else 2)


def test_a_grasp_beside_the_object_holds_nothing(workcell: Workcell, arm: Arm) -> None:
    bins = workcell.workspace.bins
    empty = pose_tool_down(np.array([*bins.left_center_m, 0.06]), 0.0)
    pick(workcell, arm, empty)
    assert not workcell.truth().held


def test_a_grasp_is_as_wide_as_what_it_closes_on(workcell: Workcell) -> None:
    for name in workcell.object_names:
        for grasp in grasps(workcell, name, BinClearance(workcell.workspace.bins))[:3]:
            assert 0.01 < grasp.width_m < 0.07
            assert grasp.T_base_tool[2, 3] >= workcell.workspace.tool_box.min_m[2]
