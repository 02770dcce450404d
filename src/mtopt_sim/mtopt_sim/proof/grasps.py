"""Grips: a good one holds for half a minute of carrying, a bad one slips."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtopt_core.errors import MtoptError

from ..cell import SimCell
from ..grasp import Grasp, surface
from .hand import Hand, shifted
from .share import Proof, Tally

CARRY_S = 30.0
SCENES = 40  # most scenes looked at for a good grasp of one object; tries have so many seeds each
# Bad grasps: fingers that reach below the object's top, or over its end, by this much only.
SHALLOW_M = 0.002
END_M = 0.0015
_HALF_FINGER_M = 0.011
_TIP_M = 0.003  # the fingers' ends are this far beyond the tool's frame
_ROUND = 0.8  # a top narrower than this share of the object is round: fingers slip off it


def prove(root: Path, tries: int, seed: int = 0) -> Proof:
    """Objects in turn, each in a new scene, gripped as well as can be, then badly.

    `carried_NAME` are the shares of single objects. `bad_slipped` has fewer tries: some objects
    lie so that every bad grasp of them would touch a wall. Raises MtoptError.
    """
    cell = SimCell.open(root)
    cell.cameras.close()
    try:
        hand, tally = Hand(cell.workcell, cell.driver.arm), Tally()
        for number in range(tries):
            name = hand.cell.object_names[number % len(hand.cell.object_names)]
            scene, grasp = find(hand, name, seed + number * SCENES)
            lifted, carried = hold(hand, name, grasp, scene)
            tally.add("lifted", lifted)
            tally.add("carried", carried)
            tally.add(f"carried_{name}", carried)
            if not carried:
                how = "dropped" if lifted else "not lifted"
                tally.failures.append(f"{name} of scene {scene} {how}")
            hand.cell.restart(scene)
            bad = worse(hand, name, grasp, number)
            if bad is not None:
                slipped = not _lifts(hand, name, bad)
                tally.add("bad_slipped", slipped)
                if not slipped:
                    tally.failures.append(f"{name} of scene {scene} held by a bad grasp")
        return tally.proof("grasps")
    finally:
        cell.close()


def find(hand: Hand, name: str, seed: int) -> tuple[int, Grasp]:
    """The first scene from a seed on in which an object can be gripped well, laid out anew."""
    for scene in range(seed, seed + SCENES):
        hand.cell.restart(scene)
        grasp = hand.best(name)
        if grasp is not None:
            return scene, grasp
    raise MtoptError(f"no good grasp of {name} in scenes {seed} to {seed + SCENES - 1}")


def hold(hand: Hand, name: str, grasp: Grasp, seed: int) -> tuple[bool, bool]:
    """Whether a grasp lifts its object, and whether it keeps it while it is carried about."""
    if not _lifts(hand, name, grasp):
        return False, False
    hand.carry(CARRY_S, seed)
    return True, hand.holds(name)


def worse(hand: Hand, name: str, grasp: Grasp, first: int) -> Grasp | None:
    """A bad grasp made of a good one, in turn of either kind; none if neither can be had."""
    found = [
        bad
        for bad, slips in (
            (shallow(hand, name, grasp), is_round(hand, name, grasp)),
            (beside(hand, name, grasp), True),
        )
        if slips and hand.reaches(bad)
    ]
    return found[first % len(found)] if found else None


def is_round(hand: Hand, name: str, grasp: Grasp) -> bool:
    """Whether an object is narrower at its top, where a flat one has sides to hold on to."""
    T = grasp.T_base_tool
    points = surface(hand.cell, name)
    along, across = (points[:, :2] - T[:2, 3]) @ T[:2, 0], (points[:, :2] - T[:2, 3]) @ T[:2, 1]
    between = np.abs(along) <= _HALF_FINGER_M
    top = between & (points[:, 2] > points[between, 2].max() - SHALLOW_M)
    return bool(np.ptp(across[top]) < _ROUND * np.ptp(across[between]))


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
