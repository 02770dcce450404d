"""The engine: the same settings, episodes and seed give the same weights, however it is stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from fakes.small_learner import BOUNDS, CONFIG, TASKS, changed, filled_cache, small_learner
from mtopt_learner.errors import CheckpointInvalid, NothingToReplay
from mtopt_learner.learner import Learner


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
