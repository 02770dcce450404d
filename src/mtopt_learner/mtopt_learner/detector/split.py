"""Which cells a detector is trained on, which fit its thresholds, which judge it.

A cell that judges is held out whole: a detector that has never seen its table, light and cameras
is told apart from one that has learned them by heart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from mtopt_core.config import option
from mtopt_core.errors import ReservedForEvaluation
from mtopt_core.purpose import Purpose

from .outcomes import Outcome


class Role(StrEnum):
    """What an outcome is for."""

    TRAINING = "training"
    CALIBRATION = "calibration"
    HELD_OUT = "held out"


@dataclass(frozen=True)
class SplitConfig:
    """Names of cells, with * and ? for whatever is there."""

    held_out: tuple[str, ...] = option(["heldout*"], "cells that no detector is trained on")
    calibration: tuple[str, ...] = option(
        ["calibration*"], "cells that thresholds are fitted on, never weights"
    )
    share: float = option(
        0.15, "share of the other cells' outcomes that do so, where there are no such cells",
        low=0.01, high=0.9,
    )  # fmt: skip

    def is_held_out(self, outcome: Outcome) -> bool:
        """Whether it is of a cell held out, or was not made for training at all."""
        reserved = outcome.purpose != Purpose.TRAINING
        return reserved or _among(outcome.cell, self.held_out)

    def roles(self, outcomes: Iterable[Outcome]) -> list[Role]:
        """What each outcome is for; the same for the same outcomes on every machine."""
        listed = list(outcomes)
        cells = any(
            _among(outcome.cell, self.calibration)
            for outcome in listed
            if not self.is_held_out(outcome)
        )
        return [self._role(outcome, cells) for outcome in listed]

    def _role(self, outcome: Outcome, cells: bool) -> Role:
        if self.is_held_out(outcome):
            return Role.HELD_OUT
        if cells:
            fits = _among(outcome.cell, self.calibration)
        else:
            fits = _drawn(outcome.episode_id) < self.share
        return Role.CALIBRATION if fits else Role.TRAINING

    def admit(self, outcomes: Iterable[Outcome]) -> None:
        """Raises ReservedForEvaluation if one of them must not be trained on."""
        for outcome in outcomes:
            if self.is_held_out(outcome):
                raise ReservedForEvaluation(
                    f"outcome {outcome.episode_id}: cell {outcome.cell!r} is held out"
                )


def _among(cell: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(cell, pattern) for pattern in patterns)


def _drawn(name: str) -> float:
    """A number of 0 to 1 that follows from a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2.0**64
