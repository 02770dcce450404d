"""Grips: a good one holds for half a minute of carrying, a bad one slips."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtopt_core.errors import MtoptError

from ..cell import SimCell
from ..grasp import Grasp, surface
from .hand import Hand, shifted
from .share import Proof, Share

CARRY_S = 30.0
_SCENES = 40  # most scenes looked at for a good grasp of one object
# Bad grasps: fingers that reach below the object's top, or over its end, by this much only.
SHALLOW_M = 0.002
END_M = 0.0015
_HALF_FINGER_M = 0.011
_TIP_M = 0.003  # the fingers' ends are this far beyond the tool's frame


def prove(root: Path, tries: int, seed: int = 0) -> Proof:
    """Objects in turn, each in a new scene, gripped as well as can be, then as badly.

    Raises MtoptError.
    """
    cell = SimCell.open(root)
    try:
        hand = Hand(cell.workcell, cell.driver.arm)
        shares = dict.fromkeys(("lifted", "carried", "bad_slipped"), Share(0, 0))
        failures: list[str] = []
        for number in range(tries):
            name = hand.cell.object_names[number % len(hand.cell.object_names)]
            scene, grasp = find(hand, name, seed + number * _SCENES)
            lifted, carried = hold(hand, name, grasp, scene)
            shares["lifted"] = shares["lifted"].plus(lifted)
            shares["carried"] = shares["carried"].plus(carried)
            if not carried:
                failures.append(f"{name} of scene {scene} {'dropped' if lifted else 'not lifted'}")
            hand.cell.restart(scene)
            bad = (shallow, beside)[number % 2](hand, name, grasp)
            if not hand.reaches(bad):
                bad = shallow(hand, name, grasp)
            slipped = not _lifts(hand, name, bad)
            shares["bad_slipped"] = shares["bad_slipped"].plus(slipped)
        return Proof("grasps", shares, tuple(failures))
    finally:
        cell.close()


def find(hand: Hand, name: str, seed: int) -> tuple[int, Grasp]:
    """The first scene from a seed on in which an object can be gripped well, laid out anew."""
    for scene in range(seed, seed + _SCENES):
        hand.cell.restart(scene)
        grasp = hand.best(name)
        if grasp is not None:
            return scene, grasp
    raise MtoptError(f"no good grasp of {name} in scenes {seed} to {seed + _SCENES - 1}")


def hold(hand: Hand, name: str, grasp: Grasp, seed: int) -> tuple[bool, bool]:
    """Whether a grasp lifts its object, and whether it keeps it while it is carried about."""
    if not _lifts(hand, name, grasp):
        return False, False
    hand.carry(CARRY_S, seed)
    return True, hand.holds(name)


def shallow(hand: Hand, name: str, grasp: Grasp) -> Grasp:
    """The same grasp so high that the fingers get hold of the object's very top alone."""
    top = float(surface(hand.cell, name)[:, 2].max())
    return shifted(grasp, up_m=top + _TIP_M - SHALLOW_M - float(grasp.T_base_tool[2, 3]))


def beside(hand: Hand, name: str, grasp: Grasp) -> Grasp:
    """The same grasp beside the object along the fingers' width, touching its end at most."""
    T = grasp.T_base_tool
    reach = (surface(hand.cell, name)[:, :2] - T[:2, 3]) @ T[:2, 0]
    return shifted(grasp, along_m=float(np.abs(reach).max()) + _HALF_FINGER_M - END_M)


def _lifts(hand: Hand, name: str, grasp: Grasp) -> bool:
    hand.pick(grasp.T_base_tool)
    return hand.holds(name)
