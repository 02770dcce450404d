"""What a random number is drawn for: seeds of training, evaluation and the gate never meet.

A seed has 63 bits, as the wire and the log carry it. The highest two of them say what it is for,
so the spaces are disjoint by construction, and any seed that a person types is one of training.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from .errors import NotReserved, ReservedForEvaluation

RESERVED_FROM = 1 << 62
GATE_FROM = RESERVED_FROM + (1 << 61)
_END = 1 << 63


class Purpose(StrEnum):
    """Who will see what is drawn: a policy that learns, the evaluation whose figures are told, or
    the gate that decides between two versions while learning goes on."""

    TRAINING = "training"
    EVALUATION = "evaluation"
    GATE = "gate"

    def seed(self, *key: str | int) -> int:
        """The seed of a key (a cell, an episode number, ...) in this purpose's own space.

        The same key gives the same seed everywhere, and others for the other purposes.
        """
        space = _SPACES[self]
        digest = hashlib.sha256(repr((str(self), *key)).encode()).digest()
        return space.start + int.from_bytes(digest[:8], "big") % len(space)

    def admit(self, seed: int) -> int:
        """The seed itself; raises ReservedForEvaluation or NotReserved if it is not one of ours."""
        if purpose_of(seed) is self:
            return seed
        if self is Purpose.TRAINING:
            raise ReservedForEvaluation(f"seed {seed} is reserved: training has those below 2^62")
        if purpose_of(seed) is Purpose.EVALUATION:
            raise ReservedForEvaluation(f"seed {seed} is one of the evaluation, no {self}'s")
        space = _SPACES[self]
        told = f"seed {seed} is one of {purpose_of(seed)}"
        raise NotReserved(f"{told}: {self} has those from {space.start} to {space.stop - 1}")

    def own(self, seed: int) -> int:
        """A seed of this space that follows from any seed; its own are left as they are."""
        return seed if purpose_of(seed) is self else self.seed("own", seed)


_SPACES = {
    Purpose.TRAINING: range(RESERVED_FROM),
    Purpose.EVALUATION: range(RESERVED_FROM, GATE_FROM),
    Purpose.GATE: range(GATE_FROM, _END),
}


def purpose_of(seed: int) -> Purpose:
    """What a seed is for."""
    if seed < RESERVED_FROM:
        return Purpose.TRAINING
    return Purpose.EVALUATION if seed < GATE_FROM else Purpose.GATE
