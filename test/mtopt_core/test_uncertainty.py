"""Scores of what is not known: low at home, high abroad, and limits that keep their share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig, Choice, choose
from mtopt_core.errors import CoreError
from mtopt_core.uncertainty import (
    Limits,
    Novelty,
    calibrate,
    doubt,
    fit_novelty,
    pooled,
    q_spread,
)

LIMITS = Limits(novelty=2.0, q_spread=0.1, decisions=100)


def home(count: int, size: int, seed: int) -> np.ndarray:
    """Correlated features of very different sizes."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(size=(size, size)) * np.logspace(-2, 2, size)
    return (rng.normal(size=(count, size)) @ mixing + 5.0).astype(np.float32)


@pytest.mark.parametrize("count", [30, 300, 3000])
def test_images_like_those_of_training_have_a_novelty_of_about_one(count: int) -> None:
    novelty = fit_novelty(home(count, 12, 0))
    assert np.median(novelty.score(home(500, 12, 1))) == pytest.approx(1.0, abs=0.35)


def test_what_lies_off_the_usual_directions_is_strange_although_no_single_number_is() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 1))
    train = np.hstack([x, x + 0.05 * rng.normal(size=(1000, 1))]).astype(np.float32)
    usual, odd = fit_novelty(train).score(np.float32([[1.5, 1.5], [1.5, -1.5]]))
    assert odd > 5.0 * usual


@given(st.floats(0.001, 1000.0), st.integers(0, 1000))
def test_the_unit_of_the_features_does_not_matter(scale: float, seed: int) -> None:
    train, seen = home(200, 6, seed), home(5, 6, seed + 1)
    plain = fit_novelty(train).score(seen)
    scaled = fit_novelty(np.float32(scale) * train).score(np.float32(scale) * seen)
    np.testing.assert_allclose(plain, scaled, rtol=2e-2)


def test_a_channel_that_was_always_the_same_is_no_divisor() -> None:
    train = home(100, 4, 0)
    train[:, 2] = 3.0
    seen = train[:1].copy()
    novelty = fit_novelty(train)
    assert np.isfinite(novelty.score(seen)).all()
    seen[:, 2] += 1e4
    assert novelty.score(seen)[0] > 10.0
    assert np.isfinite(fit_novelty(np.ones((5, 3), dtype=np.float32)).score(np.ones((1, 3)))).all()


def test_fewer_images_than_features_still_give_a_measure() -> None:
    novelty = fit_novelty(home(8, 30, 0))
    near, far = novelty.score(np.concatenate([home(1, 30, 1), home(1, 30, 1) + 1e3]))
    assert np.isfinite([near, far]).all() and far > near


@given(st.integers(0, 10_000), st.integers(20, 300), st.sampled_from((80.0, 95.0, 99.0)))
def test_limits_keep_the_share_that_they_promise(seed: int, count: int, percentile: float) -> None:
    rng = np.random.default_rng(seed)
    novelty, spread = rng.gamma(2.0, size=(2, count)).astype(np.float32)
    found = calibrate(novelty, spread, percentile)
    for scores, limit in ((novelty, found.novelty), (spread, found.q_spread)):
        within = np.count_nonzero(scores <= limit)
        assert within >= percentile / 100.0 * count - 1e-9
        assert within <= math.ceil(percentile / 100.0 * (count - 1)) + 1
    assert found.decisions == count and found.percentile == percentile


@pytest.mark.parametrize(
    ("novelty", "spread", "past"),
    [
        (2.0, 0.1, None),
        (2.1, 0.1, ("novelty",)),
        (2.0, 0.2, ("q_spread",)),
        (9.0, 9.0, ("novelty", "q_spread")),
        (math.nan, 0.1, ("novelty",)),
        (math.inf, math.nan, ("novelty", "q_spread")),
    ],
)
def test_past_a_limit_is_a_doubt_by_its_name_and_nan_always_is(
    novelty: float, spread: float, past: tuple[str, ...] | None
) -> None:
    found = doubt(novelty, spread, LIMITS)
    assert (found.past if found else None) == past


def test_without_limits_nobody_doubts() -> None:
    assert doubt(math.inf, math.nan, None) is None


def test_a_doubt_says_its_scores() -> None:
    assert str(doubt(4.25, 0.02, LIMITS)) == "novelty 4.25"


def spread_under(noise: float, bounds: ActionBounds, seed: int) -> float:
    """The spread of a search over a smooth hill with noise on every value."""
    rng = np.random.default_rng(seed)

    def score(rows: np.ndarray) -> np.ndarray:
        hill = 1.0 - ((rows[:, :3] - 0.3) ** 2).sum(axis=1) - rows[:, 5:].sum(axis=1)
        return hill + noise * rng.normal(size=len(rows))

    choice: Choice = choose(score, bounds, CemConfig(), np.random.default_rng(seed))
    return q_spread(choice.rounds)


def test_values_that_disagree_spread_more_than_values_that_agree(bounds: ActionBounds) -> None:
    calm = [spread_under(0.0, bounds, seed) for seed in range(20)]
    wild = [spread_under(0.5, bounds, seed) for seed in range(20)]
    assert max(calm) < np.median(wild)
    assert min(calm) >= 0.0


def test_a_round_that_falls_short_of_one_before_counts(bounds: ActionBounds) -> None:
    values = iter((1.0, 0.25))
    choice = choose(
        lambda rows: np.full(len(rows), next(values)), bounds, CemConfig(), np.random.default_rng(0)
    )
    assert q_spread(choice.rounds) == pytest.approx(0.75)


def test_pooling_is_the_mean_and_deviation_of_every_map() -> None:
    maps = np.random.default_rng(0).normal(2.0, 3.0, size=(2, 5, 7, 9)).astype(np.float32)
    found = pooled(maps)
    np.testing.assert_allclose(found[:, :5], maps.mean(axis=(2, 3)), rtol=1e-4)
    np.testing.assert_allclose(found[:, 5:], maps.std(axis=(2, 3)), rtol=1e-4)
    flat = maps[:, :, 0, 0]
    assert pooled(flat) is flat


@pytest.mark.parametrize(
    ("mean", "whitening"),
    [((3,), (3, 2)), ((0,), (0, 0)), ((2, 2), (4, 4))],
)
def test_arrays_that_do_not_fit_together_are_refused(
    mean: tuple[int, ...], whitening: tuple[int, ...]
) -> None:
    with pytest.raises(CoreError, match=r"\(D,\)"):
        Novelty(np.zeros(mean, dtype=np.float32), np.zeros(whitening, dtype=np.float32))


def test_values_that_are_no_numbers_are_refused() -> None:
    bad = np.full(3, np.nan, dtype=np.float32)
    with pytest.raises(CoreError, match="finite"):
        Novelty(bad, np.eye(3, dtype=np.float32))
    with pytest.raises(CoreError, match="finite"):
        fit_novelty(np.stack([bad, bad]))
    with pytest.raises(CoreError, match="needs 20"):
        calibrate(np.ones(19), np.ones(19))
    with pytest.raises(CoreError, match="finite"):
        calibrate(np.ones(30), np.full(30, np.inf))
    for percentile in (0.95, 101.0, math.nan):
        with pytest.raises(CoreError, match="50 to 100"):
            calibrate(np.ones(30), np.ones(30), percentile)
    with pytest.raises(CoreError, match="features must be"):
        fit_novelty(home(50, 4, 0)).score(np.ones((1, 5), dtype=np.float32))
