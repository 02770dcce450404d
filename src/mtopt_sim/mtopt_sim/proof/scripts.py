"""Blind scripts: how often the paper's two crude policies succeed here, and how often they fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import CellFault
from mtopt_core.config import from_mapping
from mtopt_core.episode import Episode, run_episode
from mtopt_core.policy import Policy
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.success import grade_truth
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml

from ..cell import CellConfig, SimCell
from ..config import SimConfig
from .grasps import find
from .hand import Hand
from .share import Proof, Tally

PICK, PLACE = "lift-any", "place-any"
_SCENE_PICKS = 25  # picks before a wholly new scene
_TRIES_BEFORE_RESET = 5
_IMAGE_PX = 32  # scripts do not look


def prove(root: Path, tries: int, seed: int = 0) -> Proof:
    """Blind picks, and a third as many blind places of objects that are in the gripper.

    Picks follow each other as in collecting: a reset after a success and after five failures.
    Before a place the object is gripped by who knows where it is. Raises MtoptError.
    """
    config = root / "config"
    sim = from_mapping(SimConfig, read_yaml(config / "sim.yaml"), str(config / "sim.yaml"))
    sim = replace(sim, policy_height_px=_IMAGE_PX, policy_width_px=_IMAGE_PX)
    registry = config_files.tasks(config / "tasks.yaml")
    bounds = config_files.action_bounds(config / "actions.yaml")
    cell, tally = SimCell.open(root, CellConfig(sim)), Tally()
    workspace = cell.workcell.workspace
    try:
        _picks(cell, registry, ScriptedPick(workspace, bounds), tally, range(seed, seed + tries))
        numbers = range(seed, seed + max(1, tries // 3))
        _places(cell, registry, ScriptedPlace(workspace, bounds), tally, numbers)
    finally:
        cell.close()
    return tally.proof("scripts")


def _picks(
    cell: SimCell, registry: TaskRegistry, policy: Policy, tally: Tally, seeds: range
) -> None:
    vain = _TRIES_BEFORE_RESET
    for seed in seeds:
        if (seed - seeds[0]) % _SCENE_PICKS == 0:
            cell.restart(seed)
            vain = 0
        elif vain >= _TRIES_BEFORE_RESET:
            _reset(cell, seed, tally)
            vain = 0
        episode = run_episode(cell, policy, registry[PICK], seed=seed)
        right = _grade(cell, registry, PICK, episode, tally)
        vain = _TRIES_BEFORE_RESET if right or not episode.reason.ordinary else vain + 1


def _reset(cell: SimCell, seed: int, tally: Tally) -> None:
    """A reset as between episodes; one that fails is tallied, and the scene is a new one."""
    try:
        cell.reset(seed)
    except CellFault as fault:
        tally.add("faultless", right=False)
        tally.failures.append(f"reset {seed}: {fault}")
        cell.restart(seed)


def _places(
    cell: SimCell, registry: TaskRegistry, policy: Policy, tally: Tally, seeds: range
) -> None:
    for seed in seeds:
        names = cell.workcell.object_names
        name = names[seed % len(names)]
        if not _grip(cell, name, seed):
            continue
        episode = run_episode(cell, policy, registry[PLACE], seed=seed)
        _grade(cell, registry, PLACE, episode, tally)


def _grip(cell: SimCell, name: str, seed: int) -> bool:
    """Whether an object of a new scene is now in the gripper, lifted as after a pick."""
    hand = Hand(cell.workcell, cell.driver.arm)
    scene, grasp = find(hand, name, seed * 100)
    cell.restart(scene)
    hand.pick(grasp.T_base_tool)
    cell.hold()  # what the cell's own driver knows of the arm begins here
    cell.act(Action(gripper=Gripper.CLOSE))
    return hand.holds(name)


def _grade(
    cell: SimCell, registry: TaskRegistry, task: str, episode: Episode, tally: Tally
) -> bool:
    """Whether an episode succeeded by the truth; tallied, its fault as well."""
    ordinary = episode.reason.ordinary
    grades = grade_truth(registry, cell.truth(), cell.workcell.workspace)
    right = ordinary and grades[task]
    tally.add(task, right)
    tally.add("faultless", ordinary)
    if not ordinary:
        tally.failures.append(f"{task} {episode.seed}: {episode.reason}, {episode.message}")
    return right
