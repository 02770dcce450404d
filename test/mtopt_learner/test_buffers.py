"""Per-task buffers: who is lent to whom, and that every transition is drawn alike."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mtopt_learner.buffers import TaskBuffers
from mtopt_learner.errors import NothingToReplay
from mtopt_learner.impersonation import Graded, Lent, orig
from mtopt_learner.rebalancing import balanced, uniform
from mtopt_learner.replay.cache import Kept

TASKS = ("a", "b")


def to_both(episode: Graded) -> tuple[Lent, ...]:
    return tuple(Lent(task, episode.success[task]) for task in TASKS if task in episode.success)


def kept(number: int, first: int, steps: int, task: str = "a", **success: bool) -> Kept:
    return Kept(f"e{number}", task, "terminated", "truth", success, first, steps)


EPISODES = [
    kept(0, 0, 4, a=True, b=False),
    kept(1, 4, 2, a=False, b=False),
    kept(2, 6, 3, task="b", a=True, b=True),
    kept(3, 9, 5, task="c", a=True),
]


def test_episodes_are_filed_by_lent_task_and_outcome() -> None:
    buffers = TaskBuffers(TASKS, to_both)
    buffers.file(EPISODES)
    assert buffers.sizes == {("a", True): 7, ("a", False): 2, ("b", True): 3, ("b", False): 6}
    assert buffers.episodes == {("a", True): 2, ("a", False): 1, ("b", True): 1, ("b", False): 2}
    assert buffers.unknown == {"c": 1}


def test_without_impersonation_an_episode_serves_its_own_task() -> None:
    buffers = TaskBuffers(TASKS, orig())
    buffers.file(EPISODES)
    assert buffers.sizes == {("a", True): 4, ("a", False): 2, ("b", True): 3, ("b", False): 0}


def test_a_drawn_transition_is_one_of_its_group_and_knows_its_place() -> None:
    buffers = TaskBuffers(TASKS, to_both)
    buffers.file(EPISODES)
    wanted = {
        (0, True): {(f, 3 - f) for f in range(4)} | {(6 + f, 2 - f) for f in range(3)},
        (0, False): {(4, 1), (5, 0)},
        (1, True): {(6, 2), (7, 1), (8, 0)},
        (1, False): {(f, 3 - f) for f in range(4)} | {(4, 1), (5, 0)},
    }
    drawn = buffers.draw(2000, balanced(0.5), np.random.default_rng(1))
    found: dict[tuple[int, bool], set[tuple[int, int]]] = {group: set() for group in wanted}
    for frame, task, success, left in zip(
        drawn.frames, drawn.tasks, drawn.success, drawn.left, strict=True
    ):
        found[int(task), bool(success)].add((int(frame), int(left)))
    assert found == wanted


def test_batches_have_the_strategys_counts_exactly() -> None:
    buffers = TaskBuffers(TASKS, to_both)
    buffers.file(EPISODES)
    for seed in range(20):
        drawn = buffers.draw(40, balanced(0.25), np.random.default_rng(seed))
        counts = Counter(zip(drawn.tasks.tolist(), drawn.success.tolist(), strict=True))
        assert counts == {(0, True): 5, (0, False): 15, (1, True): 5, (1, False): 15}
    drawn = buffers.draw(36, uniform, np.random.default_rng(0))
    counts = Counter(zip(drawn.tasks.tolist(), drawn.success.tolist(), strict=True))
    assert counts == {(0, True): 14, (0, False): 4, (1, True): 6, (1, False): 12}


def test_transitions_of_a_group_are_drawn_alike() -> None:
    buffers = TaskBuffers(("a",), orig())
    buffers.file([kept(n, 3 * n, 3, a=True) for n in range(40)])  # grows past its first room
    drawn = buffers.draw(60_000, uniform, np.random.default_rng(2))
    counts = np.bincount(drawn.frames, minlength=120)
    assert len(counts) == 120 and counts.min() > 400 and counts.max() < 600


def test_the_same_seed_draws_the_same() -> None:
    buffers = TaskBuffers(TASKS, to_both)
    buffers.file(EPISODES)
    first, again = (buffers.draw(50, uniform, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.left, again.left)


def test_empty_buffers_say_so() -> None:
    with pytest.raises(NothingToReplay):
        TaskBuffers(TASKS, to_both).draw(8, uniform, np.random.default_rng(0))
