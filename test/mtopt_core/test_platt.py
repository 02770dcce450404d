"""Logits as probabilities: calibrated, monotone, bounded, and thresholds that keep their word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.errors import CoreError
from mtopt_core.platt import TaskGrading, fit_platt, pick_threshold, probabilities, sigmoid


def test_the_scale_that_made_the_labels_is_found_again() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0.0, 2.0, 20_000).astype(np.float32)
    labels = rng.random(len(logits)) < sigmoid(0.4 * logits - 1.0)
    slope, offset = fit_platt(logits, labels)
    assert slope == pytest.approx(0.4, abs=0.03) and offset == pytest.approx(-1.0, abs=0.05)
    chance = probabilities(logits[:, np.newaxis], (TaskGrading(0.5, slope, offset),))[:, 0]
    for low in (0.1, 0.2, 0.4):
        inside = (chance >= low) & (chance < low + 0.1)
        assert labels[inside].mean() == pytest.approx(chance[inside].mean(), abs=0.05)


@given(st.integers(0, 2**31), st.integers(2, 60), st.floats(0.01, 50.0))
def test_every_fit_is_finite_and_never_turns_the_order_round(
    seed: int, count: int, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.5
    labels[:2] = True, False
    logits = (rng.normal(0.0, spread, count) + 3.0 * labels).astype(np.float32)
    slope, offset = fit_platt(logits, labels)
    TaskGrading(0.5, slope, offset)
    assert np.isfinite([slope, offset]).all() and slope > 0.0


def test_logits_that_tell_kinds_apart_without_error_stay_finite() -> None:
    logits = np.array([-3.0, -2.0, 2.0, 3.0], dtype=np.float32)
    slope, offset = fit_platt(logits, logits > 0)
    chance = sigmoid(slope * logits + offset)
    assert chance[:2].mean() == pytest.approx(1 / 4, abs=0.02)
    assert chance[2:].mean() == pytest.approx(3 / 4, abs=0.02)


def test_logits_that_lie_get_the_smallest_slope() -> None:
    logits = np.array([3.0, 2.0, -2.0, -3.0] * 5, dtype=np.float32)
    assert fit_platt(logits, logits < 0)[0] == 1e-3


@given(st.integers(0, 2**31), st.sampled_from((0.0, 0.02, 0.1)))
def test_at_most_the_asked_share_of_failures_passes(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.95, 200).astype(np.float32)
    labels = rng.random(200) < chance
    threshold = pick_threshold(chance, labels, share)
    passed = (chance >= np.float32(threshold)) & ~labels
    assert passed.sum() <= share * (~labels).sum()
    lower = (chance >= np.float32(threshold - 1e-3)) & ~labels
    assert lower.sum() >= passed.sum()


def test_no_slack_lies_between_the_threshold_and_the_failure_below_it() -> None:
    chance = np.array([0.1, 0.2, 0.6, 0.7, 0.9], dtype=np.float32)
    labels = np.array([False, False, False, True, True])
    assert pick_threshold(chance, labels, 0.0) == pytest.approx(0.6, abs=1e-6)
    assert pick_threshold(chance, labels, 0.4) == pytest.approx(0.2, abs=1e-6)


@pytest.mark.parametrize("labels", [[True, True], [False, False]])
def test_examples_of_one_kind_teach_nothing(labels: list[bool]) -> None:
    values = np.array([0.2, 0.7], dtype=np.float32)
    for fit in (fit_platt, pick_threshold):
        with pytest.raises(CoreError, match="needs successes and failures"):
            fit(values, np.array(labels))


def test_values_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(CoreError, match="finite"):
        fit_platt(np.float32([0.1, np.nan]), np.array([True, False]))


def test_huge_logits_are_probabilities_too() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
