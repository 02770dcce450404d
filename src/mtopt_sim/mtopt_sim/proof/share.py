"""What the tries of a proof came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mtopt_core.share import Share


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
