"""Shares and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mtopt_core.share import Share, mean_interval


def test_wilsons_interval_is_that_of_the_tables() -> None:
    assert Share(69, 72).interval == pytest.approx((0.8845, 0.9857), abs=1e-3)
    assert Share(200, 200).interval == pytest.approx((0.9812, 1.0), abs=1e-3)


def test_nothing_is_known_without_a_try() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)
    assert math.isnan(Share(0, 0).value)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.97])
def test_nineteen_of_twenty_intervals_hold_the_truth(share: float) -> None:
    rng = np.random.default_rng(0)
    held = [
        low <= share <= high
        for low, high in (Share(int(n), 150).interval for n in rng.binomial(150, share, 2000))
    ]
    assert 0.92 < np.mean(held) < 0.99


def test_the_mean_of_shares_is_surer_than_each() -> None:
    shares = [Share(5, 10), Share(8, 10), Share(6, 10)]
    low, high = mean_interval(shares)
    assert (low + high) / 2 == pytest.approx(19 / 30)
    assert 0.05 < high - low < min(b - a for a, b in (s.interval for s in shares))
    assert mean_interval([Share(10, 10)])[0] < 1.0, "what never failed may yet"
