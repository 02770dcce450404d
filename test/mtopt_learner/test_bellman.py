"""Targets against a chain of states that is solved by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_learner.bellman import BellmanConfig, clipped_double, outlook, returns, targets

LEFT = np.array([0, 1, 2, 0, 1, 2])
SUCCESS = np.array([True, True, True, False, False, False])


def test_one_step_targets() -> None:
    config = BellmanConfig(discount=0.9, steps=1, monte_carlo=False)
    view = outlook(LEFT, SUCCESS, config)
    next_values = np.array([np.nan, 0.5, 0.2, np.nan, 0.5, 0.2], dtype=np.float32)
    with np.errstate(invalid="ignore"):
        found = targets(view, next_values, config)
    assert found == pytest.approx([1.0, 0.45, 0.18, 0.0, 0.45, 0.18], abs=1e-6)


def test_an_episodes_own_outcome_is_the_least_it_is_worth() -> None:
    config = BellmanConfig(discount=0.9, steps=1, monte_carlo=True)
    view = outlook(LEFT, SUCCESS, config)
    next_values = np.full(6, 0.2, dtype=np.float32)
    assert targets(view, next_values, config) == pytest.approx(
        [1.0, 0.9, 0.81, 0.0, 0.18, 0.18], abs=1e-6
    )
    assert returns(view, config) == pytest.approx([1.0, 0.9, 0.81, 0.0, 0.0, 0.0], abs=1e-6)


def test_steps_ahead() -> None:
    config = BellmanConfig(discount=0.5, steps=2, monte_carlo=False)
    view = outlook(LEFT, SUCCESS, config)
    assert view.ahead.tolist() == [1, 2, 2, 1, 2, 2]
    assert view.ended.tolist() == [True, True, False, True, True, False]
    next_values = np.full(6, 0.8, dtype=np.float32)
    assert targets(view, next_values, config) == pytest.approx(
        [1.0, 0.5, 0.2, 0.0, 0.0, 0.2], abs=1e-6
    )


def test_targets_stay_probabilities() -> None:
    config = BellmanConfig(discount=1.0, monte_carlo=False)
    view = outlook(np.array([3, 3]), np.array([True, False]), config)
    wild = np.array([1.7, -0.4], dtype=np.float32)
    assert targets(view, wild, config).tolist() == [1.0, 0.0]


def test_the_more_careful_network_counts() -> None:
    first, second = np.array([0.2, 0.9]), np.array([0.4, 0.1])
    assert clipped_double(first, second).tolist() == [0.2, 0.1]


def test_value_iteration_on_a_small_world_reaches_what_is_solved_by_hand() -> None:
    """Three states in a row; forward from the last succeeds, stopping anywhere fails.

    By hand: value 0.9 ** (steps to the end - 1), for the best action.
    """
    config = BellmanConfig(discount=0.9, monte_carlo=False)
    values = np.zeros(3, dtype=np.float32)
    for _ in range(5):
        following = np.append(values[1:], 0.0).astype(np.float32)
        left = np.array([9, 9, 0])  # within reach of a step only the last forward move ends
        forward = targets(outlook(left, np.array([True] * 3), config), following, config)
        stop = targets(outlook(np.zeros(3, int), np.zeros(3, bool), config), following, config)
        values = np.maximum(forward, stop)
    assert values == pytest.approx([0.81, 0.9, 1.0], abs=1e-6)
