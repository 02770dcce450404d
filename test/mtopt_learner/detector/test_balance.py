"""Every task and both outcomes weigh the same, to the last digit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mtopt_learner.detector.balance import BalancedDraw, weights
from mtopt_learner.errors import OutcomesMissing

# Rows 0 to 7; task a has one success, task b five; nobody said anything of row 7 for b.
LABELS = np.array([[1, 0], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1], [0, 0], [0, -1]], np.int8)


def test_half_of_each_tasks_share_are_its_successes() -> None:
    rows = BalancedDraw(LABELS, ("a", "b")).rows(400, np.random.default_rng(0))
    drawn = Counter(rows.tolist())
    # a's only success: 100 for itself, and as one of b's two failures half of b's 100.
    assert len(rows) == 400
    assert 100 + 30 <= drawn[0] <= 100 + 80
    assert drawn[7] > 0 and set(drawn) == set(range(8))


def test_a_task_without_successes_gives_its_share_to_failures() -> None:
    labels = np.array([[0, 1], [0, 0]], np.int8)
    draw = BalancedDraw(labels, ("a", "b"))
    assert draw.shares[("a", False)] == 0.5 and draw.shares[("a", True)] == 0.0
    assert draw.shares[("b", True)] == draw.shares[("b", False)] == 0.25


def test_no_label_is_no_batch() -> None:
    with pytest.raises(OutcomesMissing, match="no outcome"):
        BalancedDraw(np.full((3, 2), -1, np.int8), ("a", "b"))


def test_weights_are_equal_by_task_and_by_outcome() -> None:
    weight = weights(LABELS)
    assert weight.sum() == pytest.approx(1.0)
    for task in range(2):
        for success in (0, 1):
            assert weight[LABELS[:, task] == success, task].sum() == pytest.approx(0.25)
    assert weight[7, 1] == 0.0
    assert weight[0, 0] == pytest.approx(0.25) and weight[1, 1] == pytest.approx(0.05)


def test_a_task_with_one_kind_weighs_as_much_and_one_with_none_nothing() -> None:
    labels = np.array([[1, -1, 0], [0, -1, 0]], np.int8)
    assert weights(labels).tolist() == [[0.25, 0.0, 0.25], [0.25, 0.0, 0.25]]
    assert weights(np.full((2, 2), -1, np.int8)).sum() == 0.0
