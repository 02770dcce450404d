"""What a learner publishes is a version that a cell takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fakes.small_learner import BOUNDS, LOOKING, TASKS, filled_cache, small_learner
from mtopt_learner.publishing import publish
from mtopt_robot.models.bundle import check_bundle
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.expected import Expected


def test_a_version_serves_what_was_learned(tmp_path: Path) -> None:
    with filled_cache(tmp_path) as cache:
        learner = small_learner(cache)
        for _ in range(3):
            learner.step(cache.frames)
        folder = publish(learner, cache.frames, tmp_path / "models", "mtopt", "0000003")
        bundle = check_bundle(
            folder, Expected(BOUNDS, TASKS.names), InferenceConfig(1, "cpu", "fp32")
        )
        assert bundle.manifest.id == "mtopt/0000003"
        assert bundle.manifest.training["steps"] == 3
        assert bundle.manifest.training["episodes_lent"]["lift-any successes"] == 12
        image = cache.frames["image"][:2, 2:26, 2:26].copy()
        state, action = cache.frames["state"][:2].copy(), cache.frames["action"][:2, None].copy()
    task = torch.eye(2).numpy()
    served = bundle.q_function.score(bundle.q_function.features(image), state, task, action)
    given = (torch.from_numpy(part) for part in (image, state, task, action))
    with torch.no_grad():
        wanted = torch.sigmoid(learner.network(*given)).numpy()
    assert served == pytest.approx(wanted, abs=1e-4)


def test_a_network_that_looks_is_served_as_it_was_learned(tmp_path: Path) -> None:
    with filled_cache(tmp_path, config=LOOKING) as cache:
        learner = small_learner(cache, LOOKING)
        for _ in range(3):
            learner.step(cache.frames)
        folder = publish(learner, cache.frames, tmp_path / "models", "mtopt", "3")
        plain = InferenceConfig(1, "cpu", "fp32")
        bundle = check_bundle(folder, Expected(BOUNDS, TASKS.names), plain)
        image, state = (cache.frames[part][:2].copy() for part in ("image", "state"))
        action = cache.frames["action"][:2, None].copy()
    assert bundle.manifest.image == LOOKING.view.image_format() and bundle.manifest.image.posed
    image, task = image[:, 1:-1, 1:-1].copy(), torch.eye(2).numpy()
    served = bundle.q_function.score(bundle.q_function.features(image), state, task, action)
    given = (torch.from_numpy(part) for part in (image, state, task, action))
    with torch.no_grad():
        wanted = torch.sigmoid(learner.network(*given)).numpy()
    assert served == pytest.approx(wanted, abs=1e-4)
