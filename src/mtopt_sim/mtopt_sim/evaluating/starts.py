"""How an attempt begins: in a new scene, and for a place with something in the gripper.

The paper places what was just lifted. Here an object is gripped by who knows where it is and lifted
to some height, so that placing is tried as often as picking and whatever the pick is worth.
"""

from __future__ import annotations

import numpy as np

from mtopt_core.action import Action, Gripper
from mtopt_core.geometry import Transform, pose_tool_down
from mtopt_core.purpose import purpose_of

from ..cell import SimCell
from ..cloth import CLOTH
from ..proof.hand import Hand
from .errors import EvaluationFailed

_SCENES = 20  # tried before an attempt is given up
_LOWER_M = 0.07  # at most, below the hover height that a gripped object is lifted to


def begin_holding(cell: SimCell, seed: int, cloth: bool = False) -> None:
    """A new scene of that seed, or one that follows from it, with an object, or the cloth, in the
    gripper.

    Which object, where it is gripped and how high it is held follow from the seed. Raises
    EvaluationFailed where no scene has an object that can be gripped, which is no scene of ours.
    """
    purpose = purpose_of(seed)
    for retry in range(_SCENES):
        scene = seed if retry == 0 else purpose.seed("holding", seed, retry)
        rng = np.random.default_rng((scene, 11))
        cell.restart(scene)
        hand = Hand(cell.workcell, cell.driver.arm)
        if _grips_cloth(cell, hand, rng) if cloth else _grips(cell, hand, rng):
            return
    raise EvaluationFailed(f"nothing could be gripped in {_SCENES} scenes from seed {seed} on")


def _grips(cell: SimCell, hand: Hand, rng: np.random.Generator) -> bool:
    """Grip the first object, in random order, that lies well; whether it is held."""
    names = cell.workcell.object_names
    for index in rng.permutation(len(names)):
        grasp = hand.best(names[index])
        if grasp is None:
            continue
        return _lifts(cell, hand, names[index], grasp.T_base_tool, rng)
    return False


def _grips_cloth(cell: SimCell, hand: Hand, rng: np.random.Generator) -> bool:
    """Grip the cloth at its middle, close above the floor; whether it is held."""
    truth, box = cell.truth(), cell.workcell.workspace.tool_box
    middle_m = next((one.position_m for one in truth.objects if one.name == CLOTH), None)
    if middle_m is None:
        return False
    at_m = np.append(middle_m[:2], box.min_m[2])
    pose = pose_tool_down(at_m, float(rng.uniform(-np.pi / 2, np.pi / 2)))
    return _lifts(cell, hand, CLOTH, pose, rng)


def _lifts(
    cell: SimCell, hand: Hand, name: str, T_base_tool: Transform, rng: np.random.Generator
) -> bool:
    if not hand.clear(T_base_tool):
        return False
    hand.pick(T_base_tool)
    cell.hold()  # what the cell's own driver knows of the arm begins here
    cell.act(Action(gripper=Gripper.CLOSE))
    cell.act(Action((0.0, 0.0, -float(rng.uniform(0.0, _LOWER_M)))))
    return hand.holds(name)
