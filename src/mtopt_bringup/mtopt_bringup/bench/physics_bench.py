"""Bench `physics`: grips, resets and the paper's blind scripts, tried from seeds, without a clock.

Shares come with the ends of their 95% intervals and their numbers of tries. All cores work at it,
in pieces that are the same on every machine, so the figures are, too: a few minutes on two cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from mtopt_bringup.paths import Paths
from mtopt_sim.proof import Proof, prove

from .report import Goal, Report

SEED = 100_000  # not the tests' seeds
_SEEDS_APART = 10_000  # from one piece to the next


@dataclass(frozen=True)
class Piece:
    """Some tries of one proof from one seed on, for one process."""

    name: str
    tries: int
    seed: int


# Of each of the nine objects a hundred grips; pieces of whole rounds of what a proof takes in turn.
PIECES = tuple(
    Piece(name, tries, SEED + number * _SEEDS_APART)
    for name, tries, pieces in (("grasps", 90, 10), ("scripts", 75, 8), ("resets", 25, 8))
    for number in range(pieces)
)
# The paper's blind pick succeeds about 10% of the time and its place about 47%.
_GOALS = {
    "grasps_carried": Goal(at_least=0.99),
    "grasps_carried_least": Goal(at_least=0.99),
    "grasps_bad_slipped": Goal(at_least=0.95),
    "resets_right_bin": Goal(at_least=0.99),
    "resets_complete": Goal(at_least=0.99),
    "scripts_lift-any": Goal(at_least=0.05, at_most=0.15),
    "scripts_place-any": Goal(at_least=0.42, at_most=0.52),
    "scripts_faultless": Goal(at_least=0.99),
}


def measure() -> Report:
    """Every piece of every proof, added up."""
    proofs = added(_proved(PIECES))
    figures: dict[str, float] = {}
    for proof in proofs:
        for name, share in proof.shares.items():
            figure = f"{proof.name}_{name}"
            low, high = share.interval
            figures |= {figure: share.value, f"{figure}_low": low, f"{figure}_high": high}
            figures[f"{figure}_tries"] = share.tries
        carried = [s.value for name, s in proof.shares.items() if name.startswith("carried_")]
        if carried:
            figures[f"{proof.name}_carried_least"] = min(carried)
    failures = {
        f"{proof.name} {number}": failure
        for proof in proofs
        for number, failure in enumerate(proof.failures, start=1)
    }
    rounded = {name: round(value, 4) for name, value in figures.items()}
    return Report("physics", rounded, _GOALS, notes=failures)


def added(proofs: Iterable[Proof]) -> list[Proof]:
    """One proof of each name, with the tries of all of that name."""
    whole: dict[str, Proof] = {}
    for proof in proofs:
        known = whole.get(proof.name)
        whole[proof.name] = known.plus(proof) if known else proof
    return list(whole.values())


def _proved(pieces: Iterable[Piece]) -> list[Proof]:
    cores = len(os.sched_getaffinity(0))
    root = Paths.installed().config.parent
    # Spawned: a forked process would share what OpenGL holds.
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        return [job.result() for job in [pool.submit(_prove, piece, root) for piece in pieces]]


def _prove(piece: Piece, root: Path) -> Proof:
    return prove(piece.name, root, piece.tries, piece.seed)
