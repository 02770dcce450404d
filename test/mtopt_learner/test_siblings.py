"""What a transition tells the other tasks, by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fakes.small_learner import LOOKING, TASKS, filled_cache, small_learner
from mtopt_learner.batches import HALF_TURN
from mtopt_learner.siblings import siblings

SHARES = {("a", True): 0.3, ("a", False): 0.2, ("b", True): 0.1, ("b", False): 0.4}


def test_each_group_weighs_its_share_of_the_batch() -> None:
    outcomes = np.array([[1, 0], [0, 0], [1, -1], [1, 1]], dtype=np.int8)
    found = siblings(outcomes, ("a", "b"), SHARES)
    assert found.success.tolist() == [[True, False], [False, False], [True, False], [True, True]]
    wanted = [[0.4, 0.8], [0.8, 0.8], [0.4, 0.0], [0.4, 0.4]]
    assert found.weights == pytest.approx(np.array(wanted), abs=1e-6)


def test_a_learner_gives_every_lent_task_its_outcome_while_returns_come_first(tmp_path) -> None:
    with filled_cache(tmp_path, config=LOOKING) as cache:
        learner = small_learner(cache, LOOKING)
        drawn = learner.draw(cache.frames, 16, np.random.default_rng(0))
        assert drawn.siblings is not None
        # The made-up episodes come to the same for both tasks.
        assert np.array_equal(drawn.siblings.success[:, 0], drawn.outlook.success)
        assert np.array_equal(drawn.siblings.success[:, 1], drawn.outlook.success)
        made = learner.updater.label(drawn, np.random.default_rng(0))
        assert made.others is not None and made.others.shape == (16, len(TASKS))
        assert made.others[:, 0].tolist() == made.returns.tolist()


def test_once_networks_are_asked_a_sibling_is_worth_what_it_would_be_drawn_for_itself(
    tmp_path,
) -> None:
    with filled_cache(tmp_path, config=LOOKING) as cache:
        learner = small_learner(cache, LOOKING)
        for _ in range(LOOKING.targets.returns_first):
            learner.step(cache.frames)
        drawn = learner.draw(cache.frames, 40, np.random.default_rng(0))
        assert drawn.siblings is not None
        asked = drawn.siblings.weights > 0
        assert 0.1 < asked.mean() < 0.5  # a share of them only
        made = learner.updater.label(drawn, np.random.default_rng(0))
        assert made.others is not None and made.weights is not None
        assert np.array_equal(made.weights.numpy(), drawn.siblings.weights)
        going_on = ~drawn.outlook.ended
        noise = [np.random.default_rng(n) for n in (3, 4)]
        for task in range(len(TASKS)):
            codes = np.eye(len(TASKS), dtype=np.float32)[np.full(40, task)]
            alone = dataclasses.replace(drawn, tasks=codes, siblings=None)
            one = learner.updater.label(alone, noise[task]).targets.numpy()
            both = asked[:, task]
            found = made.others.numpy()[both, task]
            # The searches draw other samples, so what is worth something is worth about the same.
            assert found == pytest.approx(one[both], abs=0.1)
            assert np.array_equal(found[~going_on[both]], one[both & ~going_on])


def test_half_a_turn_of_the_gripper_is_half_a_turn_of_the_image(tmp_path) -> None:
    with filled_cache(tmp_path, config=LOOKING) as cache:
        learner = small_learner(cache, LOOKING)
        drawn = learner.draw(cache.frames, 200, np.random.default_rng(1))
        kept = {row["state"].tobytes(): row for row in cache.frames}
        turned = 0
        for image, state in zip(drawn.images, drawn.states, strict=True):
            back = state.copy()
            if state.tobytes() not in kept:
                turned += 1
                back *= HALF_TURN
            whole = kept[back.tobytes()]["image"]
            upright = image if back is state or np.array_equal(back, state) else image[::-1, ::-1]
            size = LOOKING.view.size_px[0]
            assert any(
                np.array_equal(upright, whole[r : r + size, c : c + size])
                for r in range(3) for c in range(3)
            )  # fmt: skip
    assert 70 <= turned <= 130
