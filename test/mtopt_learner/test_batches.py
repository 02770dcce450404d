"""Batches: the state that a transition is valued at, and one shift for both images."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_learner.batches import shifted, transitions
from mtopt_learner.bellman import BellmanConfig
from mtopt_learner.buffers import Drawn
from mtopt_learner.replay.view import View

VIEW = View((16, 16), (8, 8), (8, 8), 2)
STEPS = 5


def frames() -> np.ndarray:
    """One episode whose pixels tell frame, row and column."""
    made = np.zeros(
        STEPS,
        dtype=[("image", np.uint8, (12, 12, 3)), ("state", np.float32, 2),
               ("action", np.float32, 8), ("tool", np.float32, 4)],
    )  # fmt: skip
    for step in range(STEPS):
        made["image"][step, ..., 0] = step
        made["image"][step, ..., 1] = np.arange(12)[:, None]
        made["image"][step, ..., 2] = np.arange(12)[None, :]
        made["state"][step], made["action"][step] = step, 10 + step
    return made


def drawn(count: int) -> Drawn:
    rows = np.arange(count) % STEPS
    success = np.arange(count) % 2 == 0
    return Drawn(rows, np.arange(count) % 3, success, STEPS - 1 - rows)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_what_a_transition_is_valued_at_lies_so_many_steps_ahead(steps: int) -> None:
    config = BellmanConfig(steps=steps)
    batch = transitions(frames(), drawn(30), VIEW, 3, config, np.random.default_rng(0))
    assert np.array_equal(batch.images[:, 0, 0, 0], np.arange(30) % STEPS)
    assert np.array_equal(batch.actions[:, 0], 10 + np.arange(30) % STEPS)
    assert np.array_equal(batch.tasks.argmax(axis=1), np.arange(30) % 3)
    now = batch.images[:, 0, 0, 0].astype(int)
    wanted = np.where(now + steps < STEPS, now + steps, now)
    assert np.array_equal(batch.next_images[:, 0, 0, 0], wanted)
    assert np.array_equal(batch.next_states[:, 0], wanted)
    assert np.array_equal(batch.outlook.ended, now + steps >= STEPS)


def test_both_images_have_the_same_shift_and_every_shift_occurs() -> None:
    batch = transitions(frames(), drawn(400), VIEW, 3, BellmanConfig(), np.random.default_rng(0))
    assert batch.images.shape == (400, 8, 8, 3)
    corners = batch.images[:, 0, 0, 1:]
    assert np.array_equal(corners, batch.next_images[:, 0, 0, 1:])
    assert {tuple(corner) for corner in corners.tolist()} == {
        (row, column) for row in range(5) for column in range(5)
    }


def test_a_shift_of_the_margin_is_the_middle() -> None:
    seen = shifted(frames(), np.array([3]), np.array([[2, 2]]), VIEW)
    assert np.array_equal(seen[0], frames()["image"][3, 2:10, 2:10])
