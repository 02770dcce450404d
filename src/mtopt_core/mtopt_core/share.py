"""How often something went right, and how sure that figure is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_DEVIATIONS = 1.959964  # of a normal variable: 95% are within


@dataclass(frozen=True)
class Share:
    """`right` of `tries`."""

    right: int
    tries: int

    @property
    def value(self) -> float:
        """The share itself; not a number of no tries."""
        return self.right / self.tries if self.tries else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the true share; everything is possible after no tries."""
        if not self.tries:
            return 0.0, 1.0
        n, p, z2 = self.tries, self.value, _DEVIATIONS**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = _DEVIATIONS / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def plus(self, right: bool) -> Share:
        """One more try."""
        return Share(self.right + bool(right), self.tries + 1)

    def __add__(self, other: Share) -> Share:
        """Both together."""
        return Share(self.right + other.right, self.tries + other.tries)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        low, high = self.interval
        return {
            "right": self.right,
            "tries": self.tries,
            "share": None if not self.tries else round(self.value, 4),
            "low": round(low, 4),
            "high": round(high, 4),
        }


def mean_interval(shares: Iterable[Share]) -> tuple[float, float]:
    """About 95% of the mean of some true shares, each with a try or more."""
    known = list(shares)
    mean = sum(share.value for share in known) / len(known)
    # A success and a failure more each, so that what never failed is not taken for sure.
    likely = [(share.right + 1) / (share.tries + 2) for share in known]
    spread = sum(p * (1 - p) / share.tries for p, share in zip(likely, known, strict=True))
    half = _DEVIATIONS * math.sqrt(spread) / len(known)
    return max(0.0, mean - half), min(1.0, mean + half)
