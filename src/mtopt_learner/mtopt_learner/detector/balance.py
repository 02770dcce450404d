"""Which outcomes a batch has, and how much each of their labels weighs.

Outcomes are drawn as re-balanced episodes are: an equal share a task, half of it successes. Each
brings labels of all tasks, though, most of them failures; so labels are weighed, such that within
a batch every task weighs the same and its successes as much as its failures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import OutcomesMissing
from ..rebalancing import Group, apportion, balanced

_SUCCESSES = 0.5


class BalancedDraw:
    """Draws rows of labels (N, T) of 1, 0 and -1; raises OutcomesMissing where none is known."""

    def __init__(self, labels: NDArray[np.int8], tasks: tuple[str, ...]) -> None:
        self._rows: dict[Group, NDArray[np.int64]] = {
            (task, success): np.flatnonzero(labels[:, index] == success)
            for index, task in enumerate(tasks)
            for success in (True, False)
        }
        sizes = {group: len(rows) for group, rows in self._rows.items()}
        self.shares = balanced(_SUCCESSES)(sizes)
        if not any(sizes.values()):
            raise OutcomesMissing("no outcome has a label of any task")

    def rows(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rows (count,), with repetition; the numbers from each group as `apportion` has them."""
        counts = apportion(self.shares, count, rng)
        drawn = [rng.choice(self._rows[group], n) for group, n in counts.items() if n]
        rows: NDArray[np.int64] = np.concatenate(drawn)
        return rows


def weights(labels: NDArray[np.int8]) -> NDArray[np.float32]:
    """How much each label (N, T) weighs; they sum to 1 where there are labels at all.

    Every task with labels weighs the same; where it has both kinds, each weighs half of that.
    """
    kinds = np.stack([labels == success for success in (1, 0)])
    counts = kinds.sum(axis=1, keepdims=True)
    weight = np.where(kinds, 1.0 / np.maximum(counts, 1), 0.0).sum(axis=0)
    present = (counts > 0).sum(axis=0)
    told = max(int(np.count_nonzero(present)), 1)
    return (weight / np.maximum(present, 1) / told).astype(np.float32)
