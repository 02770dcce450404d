"""Rank agreement and regret: what they are of orders that are known."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_core.encoding import Numbers
from mtopt_robot.models.agreement import rank_agreement, regret
from mtopt_robot.models.comparison import Scene, compare

Q = np.array([[0.1, 0.4, 0.2, 0.9], [0.5, 0.3, 0.8, 0.7]])


def test_orders_agree_reverse_and_hold_ties() -> None:
    assert rank_agreement(Q, np.exp(3.0 * Q)) == pytest.approx(1.0)
    assert rank_agreement(Q, -Q) == pytest.approx(-1.0)
    assert rank_agreement(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0, 3.0])) == 1.0
    # Spearman of 1 2 3 4 and 1 2 4 3 is 1 - 6 * 2 / (4 * 15).
    swapped = rank_agreement(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 3.0]))
    assert swapped == pytest.approx(0.8)


def test_rows_that_say_nothing_are_left_out() -> None:
    flat = np.stack([Q[0], np.full(4, 0.5)])
    assert rank_agreement(flat, np.stack([Q[0], Q[1]])) == pytest.approx(1.0)
    assert rank_agreement(np.zeros((1, 4)), Q[:1]) == 1.0


def test_regret_is_what_the_other_choice_lacks() -> None:
    assert regret(Q, Q) == 0.0
    other = np.array([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    assert regret(Q, other) == pytest.approx((0.5 + 0.0) / 2)


class Hill:
    """Q falls with the distance of the motion along x from a place, plus noise of its own."""

    def __init__(self, place: float, noise: float = 0.0) -> None:
        self.place, self.noise = place, noise

    def features(self, images: np.ndarray) -> Numbers:
        return np.zeros((len(images), 1), dtype=np.float32)

    def score(self, features: Numbers, state: Numbers, task: Numbers, actions: Numbers) -> Numbers:
        noise = self.noise * np.sin(1e4 * actions.sum(axis=2))
        return (0.9 - 0.4 * np.abs(actions[..., 0] - self.place) + noise).astype(np.float32)


def scenes() -> list[Scene]:
    return [
        Scene(np.zeros((2, 2, 3), np.uint8), np.zeros(2, np.float32), np.ones(1, np.float32))
        for _ in range(5)
    ]


def test_one_reckoning_agrees_with_itself() -> None:
    found = compare(Hill(0.4), Hill(0.4), scenes(), ActionBounds())
    assert (found.agreement, found.regret) == (pytest.approx(1.0), 0.0)


def test_a_worse_reckoning_costs_more() -> None:
    costs = [
        compare(Hill(0.4), candidate, scenes(), ActionBounds(), CemConfig(rounds=3))
        for candidate in (Hill(0.4, noise=0.02), Hill(0.4, noise=0.3), Hill(-0.4))
    ]
    assert 1.0 > costs[0].agreement > costs[1].agreement > costs[2].agreement
    assert costs[0].regret < costs[1].regret < costs[2].regret
    # The other hill's top is 0.8 away: 0.32 of a Q of 0.9.
    assert costs[2].regret == pytest.approx(0.32 / 0.9, abs=0.05)
