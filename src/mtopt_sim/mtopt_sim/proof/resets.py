"""Resets: what was let go of over the left bin ends in the right one."""

from __future__ import annotations

import logging
from pathlib import Path

import mujoco
import numpy as np

from mtopt_core.cell import CellFault
from mtopt_core.scripted import ScriptConfig
from mtopt_core.workspace import Bin

from ..cell import SimCell
from ..scatter import random_quaternion
from ..workcell import Workcell
from .share import Proof, Tally

_FALL_S = 0.4  # between two objects that are let go of
_PLACES = 100  # tried for an object until it is in nothing else, ever higher
_RAISE_M = 0.01
_NOTICE_S = 2.0  # time in which what left the cell is put back


class PutBack(logging.Handler):
    """Remembers which objects the workcell says it has put back."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take the names out of the workcell's own message."""
        if isinstance(record.args, tuple) and "put back" in record.msg:
            self.names += str(record.args[0]).split(", ")


def prove(root: Path, tries: int, seed: int = 0) -> Proof:
    """Resets one after the other, each after some objects were let go of over the left bin.

    `right_bin`: of all objects, those that were in the right bin after the reset by physics
    alone. `moved`: of those let go of, likewise. `complete`: resets after which every object
    was there once strays had been put back. Raises MtoptError.
    """
    cell = SimCell.open(root)
    cell.cameras.close()
    tally = Tally()
    watch, log = PutBack(), logging.getLogger(Workcell.__module__)
    log.addHandler(watch)
    try:
        cell.restart(seed)
        for number in range(seed, seed + tries):
            dropped = let_go(cell.workcell, np.random.default_rng((number, 9)))
            watch.names.clear()
            fault = _reset(cell, number)
            there = set(in_right_bin(cell.workcell)) - set(watch.names)
            for name in cell.workcell.object_names:
                tally.add("right_bin", name in there)
            for name in dropped:
                tally.add("moved", name in there)
            cell.workcell.advance(_NOTICE_S)
            lost = set(cell.workcell.object_names) - there
            complete = len(in_right_bin(cell.workcell)) == len(cell.workcell.object_names)
            tally.add("complete", complete)
            tally.add("resets", not fault)
            if lost or fault or not complete:
                back = ", ".join(sorted(set(watch.names))) or "none"
                tally.failures.append(f"{number}: {fault or sorted(lost)}, put back: {back}")
            if fault:
                cell.restart(number)
    finally:
        log.removeHandler(watch)
        cell.close()
    return tally.proof("resets")


def let_go(cell: Workcell, rng: np.random.Generator) -> tuple[str, ...]:
    """Drop some objects into the left bin, at the height and places of a scripted place."""
    count = int(rng.integers(1, len(cell.object_names) + 1))
    names = tuple(str(name) for name in rng.permutation(cell.object_names)[:count])
    for name in names:
        for raised in range(_PLACES):
            place = cell.workspace.hover_point(Bin.LEFT, rng)
            place[2] = cell.workspace.bins.floor_z_m + ScriptConfig().release_height_m
            place[2] += _RAISE_M * (raised // 10)
            joint = cell.data.joint(name)
            joint.qpos, joint.qvel = [*place, *random_quaternion(rng)], 0.0
            if _free(cell, name):
                break
        cell.advance(_FALL_S)
    cell.settle()
    return names


def _free(cell: Workcell, name: str) -> bool:
    """Whether an object is where it could be in a hand: in no wall and in no other object."""
    model, data = cell.model, cell.data
    mujoco.mj_fwdPosition(model, data)
    contact = data.contact
    owners = model.geom_bodyid[contact.geom]
    return not bool(((owners == model.body(name).id).any(axis=1) & (contact.dist < 0.0)).any())


def in_right_bin(cell: Workcell) -> tuple[str, ...]:
    """The objects that are in the right bin."""
    bins = cell.workspace.bins
    return tuple(t.name for t in cell.truth().objects if bins.holds(Bin.RIGHT, t.position_m))


def _reset(cell: SimCell, seed: int) -> str:
    """What went wrong in a reset, nothing if all went well."""
    try:
        cell.reset(seed)
    except CellFault as fault:
        return str(fault)
    return ""
