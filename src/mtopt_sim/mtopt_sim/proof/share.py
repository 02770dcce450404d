"""How often something went right, and how sure that figure is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class Proof:
    """The shares of one kind of proof by name, and what went wrong in which try."""

    name: str
    shares: Mapping[str, Share]
    failures: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        shares = {name: share.as_dict() for name, share in self.shares.items()}
        return {"proof": self.name, "shares": shares, "failures": list(self.failures)}

    def plus(self, other: Proof) -> Proof:
        """This and as many tries again of the same proof."""
        tries = {
            name: self.shares.get(name, _NONE) + other.shares.get(name, _NONE)
            for name in (*self.shares, *(set(other.shares) - set(self.shares)))
        }
        return Proof(self.name, tries, self.failures + other.failures)


@dataclass
class Tally:
    """What came of the tries so far."""

    shares: dict[str, Share] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, name: str, right: bool) -> None:
        """Count one more try."""
        self.shares[name] = self.shares.get(name, _NONE).plus(right)

    def proof(self, name: str) -> Proof:
        """All of it, by the proof's name."""
        return Proof(name, self.shares, tuple(self.failures))


_NONE = Share(0, 0)
