"""Re-balancing: which share of a batch each task's successes and failures get.

A *group* is a task's successes or its failures. Strategies turn the sizes of the groups into
shares that sum to one; `apportion` turns shares into the counts of one batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

UNIFORM, BALANCED, SQRT = "uniform", "balanced", "sqrt"

Group = tuple[str, bool]  # task name, whether its successes
Sizes = Mapping[Group, int]
Shares = dict[Group, float]
Rebalancing = Callable[[Sizes], Shares]


def uniform(sizes: Sizes) -> Shares:
    """Every example alike: a group's share is its part of all examples."""
    return _normalised({group: float(size) for group, size in sizes.items()})


def square_root(sizes: Sizes) -> Shares:
    """Between uniform and balanced: a group's share follows the square root of its size."""
    return _normalised({group: math.sqrt(size) for group, size in sizes.items()})


def balanced(success_share: float) -> Rebalancing:
    """The paper's: an equal share a task, and within it a fixed share of successes.

    A task with no successes yet (or no failures) gives its whole share to what it has; a task
    with nothing at all gets nothing.
    """

    def shares(sizes: Sizes) -> Shares:
        weights: Shares = {}
        for (task, success), size in sizes.items():
            part = success_share if success else 1.0 - success_share
            other = sizes.get((task, not success), 0)
            weights[task, success] = (part if other else 1.0) * (size > 0)
        return _normalised(weights)

    return shares


def apportion(shares: Shares, batch: int, rng: np.random.Generator) -> dict[Group, int]:
    """How many of `batch` examples each group gives.

    Each count is its exact expectation, rounded down or up at random so that the expectation is
    kept (one draw for all groups), and the counts sum to `batch`; all are 0 where all shares are.
    """
    counts = dict.fromkeys(shares, 0)
    groups = [group for group, share in shares.items() if share > 0.0]
    if groups:
        edges = np.cumsum([shares[group] * batch for group in groups])
        edges[-1] = batch  # the sum of the shares is one but for rounding
        marks = np.floor(edges + rng.random())
        drawn = np.diff(np.concatenate([[0.0], marks])).astype(int)
        counts.update(zip(groups, (int(count) for count in drawn), strict=True))
    return counts


def _normalised(weights: Shares) -> Shares:
    total = sum(weights.values())
    if total <= 0.0:
        return dict.fromkeys(weights, 0.0)
    return {group: weight / total for group, weight in weights.items()}
