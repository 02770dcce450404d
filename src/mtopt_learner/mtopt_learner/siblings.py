"""What a transition tells the other tasks that its episode is lent to, at the price of one look.

Drawn for one task, a transition has an outcome for its siblings too: the image is encoded once, and
the head values the same action for each of them. What each outcome weighs keeps to the shares
that the re-balancing gives to tasks, successes and failures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rebalancing import Group

NOT_LENT = -1


@dataclass(frozen=True, eq=False)
class Siblings:
    """For N transitions and T tasks, (N, T): `success`, and what each weighs, 0 where not lent."""

    success: NDArray[np.bool_]
    weights: NDArray[np.float32]


def siblings(
    outcomes: NDArray[np.int8], tasks: tuple[str, ...], shares: Mapping[Group, float]
) -> Siblings:
    """Weights such that each group's sum is its share of N, as far as the batch has any of it.

    `outcomes` (N, T) are 1 for a success, 0 for a failure, NOT_LENT.
    """
    weights = np.zeros(outcomes.shape, dtype=np.float32)
    for column, task in enumerate(tasks):
        for success in (True, False):
            of_it = outcomes[:, column] == int(success)
            if of_it.any():
                share = shares.get((task, success), 0.0)
                weights[of_it, column] = share * len(outcomes) / of_it.sum()
    return Siblings(outcomes == 1, weights)
