"""Re-balancing: shares by hand, and batches whose counts are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_learner.rebalancing import apportion, balanced, square_root, uniform

SIZES = {("any", True): 60, ("any", False): 20, ("can", True): 4, ("can", False): 16}


def test_uniform_follows_sizes() -> None:
    assert uniform(SIZES) == {
        ("any", True): 0.6,
        ("any", False): 0.2,
        ("can", True): 0.04,
        ("can", False): 0.16,
    }


def test_balanced_gives_tasks_equal_shares_and_successes_a_fixed_one() -> None:
    shares = balanced(0.25)(SIZES)
    assert shares == pytest.approx(
        {
            ("any", True): 0.125,
            ("any", False): 0.375,
            ("can", True): 0.125,
            ("can", False): 0.375,
        }
    )


def test_balanced_gives_a_task_without_successes_its_whole_share_in_failures() -> None:
    sizes = {**SIZES, ("can", True): 0, ("box", True): 0, ("box", False): 0}
    shares = balanced(0.5)(sizes)
    assert shares == pytest.approx(
        {
            ("any", True): 0.25,
            ("any", False): 0.25,
            ("can", True): 0.0,
            ("can", False): 0.5,
            ("box", True): 0.0,
            ("box", False): 0.0,
        }
    )


def test_square_root_lies_between() -> None:
    sizes = {("any", True): 100, ("can", True): 1}
    assert square_root(sizes) == pytest.approx({("any", True): 10 / 11, ("can", True): 1 / 11})


def test_a_batch_of_whole_shares_is_exact() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert list(apportion(balanced(0.5)(SIZES), 128, rng).values()) == [32, 32, 32, 32]


weights = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30)


@given(weights, st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_counts_sum_to_the_batch_and_are_their_expectation_rounded(
    parts: list[float], batch: int, seed: int
) -> None:
    total = sum(parts)
    shares = {(str(i), True): part / total if total else 0.0 for i, part in enumerate(parts)}
    counts = apportion(shares, batch, np.random.default_rng(seed))
    assert sum(counts.values()) == (batch if total else 0)
    for group, share in shares.items():
        assert abs(counts[group] - share * batch) <= 1.0 + 1e-6
        assert share or not counts[group]


def test_rare_groups_get_their_share_over_many_batches() -> None:
    rng = np.random.default_rng(1)
    shares = uniform({("rare", True): 1, ("often", True): 999})
    drawn = sum(apportion(shares, 10, rng)["rare", True] for _ in range(20_000))
    assert abs(drawn / 20_000 - 0.01) < 0.002
