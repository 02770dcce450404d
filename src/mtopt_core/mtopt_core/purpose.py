"""What a random number is drawn for: seeds of training and of evaluation never meet.

A seed has 63 bits, as the wire and the log carry it. The highest of them says what it is for, so
the two spaces are disjoint by construction, and any seed that a person types is one of training.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from .errors import NotReserved, ReservedForEvaluation

RESERVED_FROM = 1 << 62


class Purpose(StrEnum):
    """Who will see what is drawn."""

    TRAINING = "training"
    EVALUATION = "evaluation"

    def seed(self, *key: str | int) -> int:
        """The seed of a key (a cell, an episode number, ...) in this purpose's own space.

        The same key gives the same seed everywhere, and another one for the other purpose.
        """
        digest = hashlib.sha256(repr((str(self), *key)).encode()).digest()
        low = int.from_bytes(digest[:8], "big") % RESERVED_FROM
        return low + RESERVED_FROM if self is Purpose.EVALUATION else low

    def admit(self, seed: int) -> int:
        """The seed itself; raises ReservedForEvaluation or NotReserved if it is not one of ours."""
        if purpose_of(seed) is self:
            return seed
        if self is Purpose.TRAINING:
            raise ReservedForEvaluation(f"seed {seed} is reserved: training has those below 2^62")
        raise NotReserved(f"seed {seed} is one of training: an evaluation has those from 2^62 on")

    def own(self, seed: int) -> int:
        """A seed of this space that follows from any seed; its own are left as they are."""
        return seed if purpose_of(seed) is self else self.seed("own", seed)


def purpose_of(seed: int) -> Purpose:
    """What a seed is for."""
    return Purpose.EVALUATION if seed >= RESERVED_FROM else Purpose.TRAINING
