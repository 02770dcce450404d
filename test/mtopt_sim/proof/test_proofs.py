"""A few tries of what the bench `physics` tries hundreds of times."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mtopt_core.workspace import Bin
from mtopt_robot.arm import Arm
from mtopt_robot.errors import NoSolution
from mtopt_sim.proof import prove
from mtopt_sim.proof.__main__ import main
from mtopt_sim.proof.grasps import beside, find, hold, is_round, shallow, worse
from mtopt_sim.proof.hand import Hand
from mtopt_sim.proof.resets import in_right_bin, let_go
from mtopt_sim.workcell import Workcell


@pytest.fixture
def hand(workcell: Workcell, description, workspace, bounds) -> Hand:
    return Hand(workcell, Arm.of(description, workspace, bounds))


@pytest.mark.parametrize("name", ["banana", "can", "box"])
def test_a_good_grip_holds_for_half_a_minute_of_carrying(hand: Hand, name: str) -> None:
    scene, grasp = find(hand, name, 100)
    assert grasp.good
    assert hold(hand, name, grasp, scene) == (True, True)


@pytest.mark.parametrize("name", ["tomato", "can", "carrot"])
@pytest.mark.parametrize("worse", [shallow, beside])
def test_a_bad_grip_slips(hand: Hand, name: str, worse) -> None:
    scene, grasp = find(hand, name, 200)
    bad = worse(hand, name, grasp)
    assert hand.reaches(bad)
    hand.pick(bad.T_base_tool)
    assert not hand.holds(name), scene


def test_what_lies_beyond_the_arms_reach_is_no_grasp(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, grasp = find(hand, "can", 200)
    assert hand.reaches(grasp)
    high = replace(hand.cell.workspace, hover_z_m=0.9)
    monkeypatch.setattr(hand.cell, "workspace", high)
    assert not hand.reaches(grasp)
    assert hand.best("can") is None


def test_carrying_leaves_out_what_is_out_of_reach(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[float] = []

    def go(T_base_tool: np.ndarray) -> None:
        if not went:
            went.append(0.0)
            raise NoSolution("too far")
        hand.cell.advance(1.0)
        went.append(float(T_base_tool[2, 3]))

    monkeypatch.setattr(Hand, "go", lambda _, T_base_tool: go(T_base_tool))
    hand.carry(2.0, 1)
    assert len(went) == 3


def test_a_flat_top_makes_no_bad_grip(hand: Hand) -> None:
    """Rubber holds a box by 2 mm of its sides, so the proof grips it over its end."""
    for name, round_ in (("box", False), ("tomato", True)):
        _, grasp = find(hand, name, 300)
        assert is_round(hand, name, grasp) is round_
    _, grasp = find(hand, "box", 300)
    for first in range(2):
        bad = worse(hand, "box", grasp, first)
        assert bad is not None
        assert bad.T_base_tool[2, 3] == grasp.T_base_tool[2, 3]
        assert np.linalg.norm(bad.T_base_tool[:2, 3] - grasp.T_base_tool[:2, 3]) > 0.02


@pytest.mark.parametrize("name", ["milk", "can"])
def test_both_fingers_keep_touch_of_what_they_carry(hand: Hand, name: str) -> None:
    """A finger that lost it for a step would close by a millimetre or two."""
    cell = hand.cell
    scene, grasp = find(hand, name, 70_840)
    hand.pick(grasp.T_base_tool)
    dofs = [cell.model.joint(j).dofadr[0] for j in ("gripper_joint", "gripper_mimic_joint")]
    speeds, step = [], cell.step

    def watched(count: int) -> None:
        for _ in range(count):
            step(1)
            speeds.append(np.abs(cell.data.qvel[dofs]).max())

    cell.step = watched
    try:
        hand.carry(10.0, scene)
    finally:
        cell.step = step
    assert len(speeds) > 2000
    assert np.mean(np.array(speeds) > 0.05) < 1e-3


def test_what_is_let_go_of_lies_in_the_left_bin(workcell: Workcell) -> None:
    bins = workcell.workspace.bins
    for seed in range(3):
        workcell.restart(seed)
        names = let_go(workcell, np.random.default_rng(seed))
        where = {thing.name: thing.position_m for thing in workcell.truth().objects}
        assert all(bins.holds(Bin.LEFT, where[name]) for name in names)
        assert set(in_right_bin(workcell)) == set(where) - set(names)


def test_resets_bring_everything_back(root: Path) -> None:
    proof = prove("resets", root, 4, seed=40)
    assert proof.shares["right_bin"].tries == 4 * 9
    assert proof.shares["complete"].value == 1.0, proof.failures
    assert proof.shares["right_bin"].value >= 0.97, proof.failures


def test_blind_scripts_run_without_a_fault(root: Path) -> None:
    proof = prove("scripts", root, 15, seed=60)
    assert proof.shares["lift-any"].tries == 15
    assert proof.shares["place-any"].tries >= 4
    assert proof.shares["faultless"].value == 1.0, proof.failures
    assert prove("scripts", root, 3, seed=60) == prove("scripts", root, 3, seed=60)


def test_the_command_prints_one_json_object(root: Path, capsys) -> None:
    assert main(["grasps", "--root", str(root), "--tries", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["proof"] == "grasps" and told["shares"]["lifted"]["tries"] == 1
