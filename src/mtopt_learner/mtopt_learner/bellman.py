"""Bellman targets as pure arithmetic: what an action turned out to be worth.

Rewards are those of a task at the end of an episode: one for a success, zero otherwise, so
every value is the probability of success, discounted by the steps it takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.config import option

Values = NDArray[np.float32]


@dataclass(frozen=True)
class BellmanConfig:
    """How targets are made."""

    discount: float = option(0.9, "worth of a success one step later", low=0.0, high=1.0)
    steps: int = option(1, "steps of experience before the value takes over", low=1, high=20)
    monte_carlo: bool = option(True, "whether a target is at least what the episode really came to")


@dataclass(frozen=True, eq=False)
class Outlook:
    """What came after each of N transitions, each array (N,).

    `ahead` counts the steps from a transition to the state it is valued at, `ended` says that
    the episode was over by then, `reward` is what it was rewarded with (0 where not ended),
    `left` counts the steps from a transition to the end of its episode (0: it is the last one),
    `success` is the episode's outcome for the task.
    """

    ahead: NDArray[np.int64]
    ended: NDArray[np.bool_]
    reward: Values
    left: NDArray[np.int64]
    success: NDArray[np.bool_]


def outlook(left: NDArray[np.int64], success: NDArray[np.bool_], config: BellmanConfig) -> Outlook:
    """What came after transitions with `left` more steps in an episode of that outcome."""
    ahead = np.minimum(left + 1, config.steps)
    ended = left + 1 <= config.steps
    reward = np.where(ended & success, config.discount ** (ahead - 1.0), 0.0).astype(np.float32)
    return Outlook(ahead, ended, reward, left, success)


def clipped_double(first: Values, second: Values) -> Values:
    """The more careful of two networks' values of the same actions."""
    return np.minimum(first, second)


def targets(view: Outlook, next_values: Values, config: BellmanConfig) -> Values:
    """Targets (N,) in [0, 1], given the value of the state that each transition is valued at.

    Where the episode was over by then `next_values` is not looked at, and may be anything.
    """
    future = np.where(view.ended, 0.0, config.discount**view.ahead * next_values)
    found = view.reward + future
    if config.monte_carlo:
        found = np.maximum(found, returns(view, config))
    bounded: Values = np.clip(found, 0.0, 1.0).astype(np.float32)
    return bounded


def returns(view: Outlook, config: BellmanConfig) -> Values:
    """What the episodes really came to, discounted to each transition, (N,)."""
    worth: Values = np.where(view.success, config.discount**view.left, 0.0).astype(np.float32)
    return worth
