"""The pool: every example is handed out as often as it should be, and no more."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch

from mtopt_learner.training.pool import TrainPool
from mtopt_learner.updater import Labelled


def examples(first: int, count: int) -> Labelled:
    numbers = torch.arange(first, first + count, dtype=torch.float32)
    return Labelled(*(numbers.clone() for _ in range(10)))


def test_each_example_is_used_so_often() -> None:
    pool, rng = TrainPool(10, 3), np.random.default_rng(0)
    seen: Counter[float] = Counter()
    for first in range(0, 40, 10):
        pool.put(examples(first, 10))
    for _ in range(3 * 40 // 5):
        batch = pool.take(5, rng)
        if batch is None:
            break
        values = batch.targets.tolist()
        assert len(set(values)) == 5
        assert all(torch.equal(part, batch.targets) for part in batch.parts)
        seen.update(values)
    left = 3 * 40 - sum(seen.values())
    assert set(seen.values()) <= {1, 2, 3} and max(seen.values()) == 3
    assert left == sum(3 - seen[float(n)] for n in range(40)) and len(pool) < 5


def test_it_is_hungry_below_its_capacity() -> None:
    pool = TrainPool(10, 1)
    assert pool.hungry and pool.take(1, np.random.default_rng(0)) is None
    pool.put(examples(0, 9))
    assert pool.hungry
    pool.put(examples(9, 1))
    assert not pool.hungry


def test_a_resumed_pool_hands_out_the_same() -> None:
    pool, again = TrainPool(10, 2), TrainPool(10, 2)
    pool.put(examples(0, 12))
    pool.take(6, np.random.default_rng(1))
    again.load([part.clone() for part in pool.state()])
    for seed in range(3):
        first = pool.take(5, np.random.default_rng(seed))
        second = again.take(5, np.random.default_rng(seed))
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert torch.equal(first.targets, second.targets)
    again.load([])
    assert len(again) == 0
