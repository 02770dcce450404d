"""Examples that wait to be trained on: the queue between Bellman updater and trainer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..updater import Labelled


class TrainPool:
    """Labelled examples, each handed out `uses` times in a random order, then gone."""

    def __init__(self, capacity: int, uses: int) -> None:
        self.capacity, self.uses = capacity, uses
        self._held: Labelled | None = None
        self._left = torch.zeros(0, dtype=torch.int64)

    def __len__(self) -> int:
        return len(self._left)

    @property
    def hungry(self) -> bool:
        """Whether there is room."""
        return len(self) < self.capacity

    def put(self, examples: Labelled) -> None:
        """More examples; they go in whole even where that is more than the capacity."""
        fresh = torch.full((len(examples),), self.uses, dtype=torch.int64)
        if self._held is None:
            self._held, self._left = examples, fresh
            return
        pairs = zip(self._held.parts, examples.parts, strict=True)
        self._held = Labelled(*(torch.cat(pair) for pair in pairs))
        self._left = torch.cat([self._left, fresh])

    def take(self, count: int, rng: np.random.Generator) -> Labelled | None:
        """Different examples at random; None where there are too few."""
        if self._held is None or len(self) < count:
            return None
        rows = torch.from_numpy(rng.permutation(len(self))[:count].copy())
        taken = self._held[rows]
        self._left[rows] -= 1
        if bool((self._left == 0).any()):
            kept = torch.nonzero(self._left)[:, 0]
            self._held, self._left = self._held[kept], self._left[kept]
        return taken

    def state(self) -> list[Tensor]:
        """All that a resumed run needs."""
        return [] if self._held is None else [self._left, *self._held.parts]

    def load(self, state: list[Tensor]) -> None:
        """Back to a state."""
        self._held, self._left = None, torch.zeros(0, dtype=torch.int64)
        if state:
            self._left, self._held = state[0], Labelled(*state[1:])
