"""The engine: the same settings, episodes and seed give the same weights, however it is stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from fakes.small_learner import (
    BOUNDS,
    CONFIG,
    LOOKING,
    TASKS,
    changed,
    filled_cache,
    small_learner,
)  # fmt: skip
from mtopt_core.tasks import TaskRegistry
from mtopt_learner.config import LearnConfig
from mtopt_learner.errors import CheckpointInvalid, NothingToReplay
from mtopt_learner.learner import Learner
from mtopt_learner.networks.task_input import TaskInputConfig


def weights(learner: Learner) -> list[torch.Tensor]:
    networks = (learner.trainer.network, learner.networks.first, learner.networks.second)
    return [value.clone() for network in networks for value in network.state_dict().values()]


def equal(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_resumed_run_is_the_same_to_the_bit(tmp_path: Path) -> None:
    """Stopped in the middle of a pool, before and after targets ask the networks."""
    with filled_cache(tmp_path) as cache:
        whole = small_learner(cache)
        for step in range(20):
            whole.step(cache.frames)
            if step in (2, 10):
                whole.save(tmp_path / f"{step}.pt")
        for step in (2, 10):
            resumed = small_learner(cache)
            resumed.resume(tmp_path / f"{step}.pt")
            assert resumed.steps == step + 1
            assert not equal(weights(resumed), weights(whole))
            while resumed.steps < 20:
                resumed.step(cache.frames)
            assert equal(weights(resumed), weights(whole))


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    with filled_cache(tmp_path) as cache:
        first, other = (
            small_learner(cache, dataclasses.replace(CONFIG, seed=seed)) for seed in (1, 2)
        )
        assert not equal(weights(first), weights(other))
        first.save(tmp_path / "last.pt")
        with pytest.raises(CheckpointInvalid, match="settings"):
            other.resume(tmp_path / "last.pt")


def test_it_learns_which_episodes_succeed(tmp_path: Path) -> None:
    with filled_cache(tmp_path) as cache:
        learner = small_learner(cache, changed("targets", returns_first=1000))
        told = [learner.step(cache.frames) for _ in range(80)]
    errors = [each["q_against_return"] for each in told]
    assert errors[0] > 0.35 and sum(errors[-10:]) / 10 < 0.2


def test_shares_are_told_by_task(tmp_path: Path) -> None:
    with filled_cache(tmp_path) as cache:
        shares = small_learner(cache).shares()
    assert shares == pytest.approx(
        {f"{kind}/{name}": share for name in TASKS.names
         for kind, share in (("share", 0.5), ("success_share", 0.25))}
    )  # fmt: skip


def test_a_cell_gets_the_mean_of_the_weights(tmp_path: Path) -> None:
    with filled_cache(tmp_path) as cache:
        learner = small_learner(cache)
        for _ in range(3):
            learner.step(cache.frames)
    given = learner.network
    assert not given.training
    pairs = zip(given.parameters(), learner.networks.first.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_without_episodes_there_is_nothing_to_learn(tmp_path: Path) -> None:
    with filled_cache(tmp_path, 0) as cache, pytest.raises(NothingToReplay):
        Learner(CONFIG, TASKS, BOUNDS).step(cache.frames)


ONE = TaskRegistry(TASKS.tasks[:1])


@pytest.mark.parametrize("heads", ["single", "multi"])
@pytest.mark.parametrize("config", [CONFIG, LOOKING], ids=["paper", "look"])
def test_a_learner_of_more_tasks_begins_with_what_one_of_fewer_learned(
    config: LearnConfig, heads: str, tmp_path: Path
) -> None:
    config = dataclasses.replace(config, task=TaskInputConfig(heads))
    with filled_cache(tmp_path, config=config) as cache:
        first = Learner(config, ONE, BOUNDS, collected=TASKS)
        first.file(cache.episodes)
        for _ in range(3):
            first.step(cache.frames)
        first.hand_on(tmp_path / "weights")
        later = Learner(config, TASKS, BOUNDS)
        later.begin_with(tmp_path / "weights")
        later.file(cache.episodes)
        seen = first.draw(cache.frames, 6, np.random.default_rng(0))
        image, state, action = (
            torch.from_numpy(a) for a in (seen.images, seen.states, seen.actions[:, None])
        )
        with torch.no_grad():
            old = first.network(image, state, torch.ones(6, 1), action)
            both = [net(image, state, torch.eye(2)[[0] * 6], action)
                    for net in (later.network, later.trainer.network.eval())]  # fmt: skip
        assert torch.allclose(both[0], old, atol=1e-6)
        assert torch.allclose(both[1], old, atol=1e-6)
        later.trainer.network.train()
        for _ in range(3):
            later.step(cache.frames)
        assert later.steps == 3 and later.updater.networks is later.networks
        later.hand_on(tmp_path / "other")
        wide = dataclasses.replace(config, network=dataclasses.replace(config.network, channels=7),
                                   look=dataclasses.replace(config.look, channels=7))  # fmt: skip
        with pytest.raises(CheckpointInvalid, match="another network"):
            Learner(wide, TASKS, BOUNDS).begin_with(tmp_path / "other")


def test_episodes_of_tasks_that_are_not_learned_are_lent_to_those_that_are(tmp_path: Path) -> None:
    with filled_cache(tmp_path) as cache:
        alone, all_ = Learner(CONFIG, ONE, BOUNDS), Learner(CONFIG, ONE, BOUNDS, collected=TASKS)
        for learner in (alone, all_):
            learner.file(cache.episodes)
        assert alone.buffers.unknown == {"lift-can": 8} and not all_.buffers.unknown
        assert sum(alone.buffers.episodes.values()) == 16
        assert sum(all_.buffers.episodes.values()) == 24
        assert all_.step(cache.frames)["loss"] > 0.0
