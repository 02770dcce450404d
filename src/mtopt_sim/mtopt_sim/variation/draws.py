"""Random numbers by name: what one quantity draws never depends on what else is varied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.purpose import Purpose

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """Draws for one cell: its own, and those that a reset's seed adds to them."""

    purpose: Purpose
    identity: str
    renewed: float = 0.0
    seed: int = 0

    def stream(self, what: str, *key: str | int) -> np.random.Generator:
        """A generator for one quantity of this cell."""
        return np.random.default_rng(self.purpose.seed("variation", self.identity, what, *key))

    def lasting(self, what: str, *shape: int) -> Values:
        """Uniform in [-1, 1], the cell's own for ever."""
        return self.stream(what).uniform(-1.0, 1.0, shape)

    def passing(self, what: str, *shape: int) -> Values:
        """In [-1, 1]: the cell's own, with the renewed share drawn from the reset's seed."""
        own = self.lasting(what, *shape)
        if not self.renewed:
            return own
        new = self.stream(what, self.seed).uniform(-1.0, 1.0, shape)
        return (1.0 - self.renewed) * own + self.renewed * new
