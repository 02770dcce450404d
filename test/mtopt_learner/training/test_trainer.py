"""Steps of training: towards targets, with a careful eye on actions nobody tried."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fakes.small_learner import BOUNDS, CONFIG
from mtopt_learner.cem_batch import BatchCem
from mtopt_learner.networks.q_network import QNetwork
from mtopt_learner.training.trainer import TrainConfig, Trainer, precision_of
from mtopt_learner.updater import Labelled


def trainer(**values: object) -> Trainer:
    torch.manual_seed(3)
    config = dataclasses.replace(CONFIG.training, **values)  # type: ignore[arg-type]
    return Trainer(QNetwork(CONFIG.network, 2), config, BatchCem(BOUNDS, CONFIG.cem))


def batch(count: int = 16) -> Labelled:
    rng = np.random.default_rng(0)
    good = np.arange(count) % 2 == 0
    images = rng.integers(0, 60, (count, 24, 24, 3), dtype=np.uint8)
    images[good, 6:18, 6:18] += np.uint8(150)
    actions = rng.uniform(-1, 1, (count, 8)).astype(np.float32)
    made = (
        images, np.zeros((count, 2), np.float32), np.eye(2, dtype=np.float32)[[0] * count],
        actions, good.astype(np.float32), good.astype(np.float32),
    )  # fmt: skip
    return Labelled(*(torch.from_numpy(part) for part in made))


@pytest.mark.parametrize("values", [{}, {"optimizer": "sgd", "learning_rate": 0.1}])
def test_it_learns_what_can_be_told_apart(values: dict[str, object]) -> None:
    made, rng = trainer(**values), np.random.default_rng(0)
    told = [made.step(batch(), rng) for _ in range(60)]
    assert told[-1]["loss"] < 0.5 * told[0]["loss"]
    assert told[-1]["q_against_return"] < 0.3
    assert told[-1]["target"] == told[-1]["return"] == 0.5


def test_the_rate_grows_to_what_is_set() -> None:
    made, rng = trainer(warm_up=3), np.random.default_rng(0)
    rates = [made.step(batch(), rng)["learning_rate"] for _ in range(6)]
    full = CONFIG.training.learning_rate
    assert rates == pytest.approx([full / 4, full / 2, 3 * full / 4, full, full, full])


def test_the_conservative_term_keeps_untried_actions_low() -> None:
    gaps = []
    for weight in (0.0, 1.0):
        made, rng = trainer(conservative=weight), np.random.default_rng(0)
        for _ in range(60):
            made.step(batch(), rng)
        made.network.eval()
        given = batch()
        others = made._search.proposals(made._search.noise(16, rng)[0])
        with torch.no_grad():
            rows = torch.cat([given.actions.unsqueeze(1), others], dim=1)
            logits = made.network(given.images, given.states, given.tasks, rows)
        gaps.append((logits[:, 0] - logits[:, 1:].mean(dim=1)).mean().item())
    assert gaps[1] > gaps[0] + 0.5


def test_bf16_comes_close_to_fp32() -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        made, rng = trainer(precision=precision), np.random.default_rng(0)
        losses.append([made.step(batch(), rng)["loss"] for _ in range(5)])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_the_format_that_is_asked_for() -> None:
    assert precision_of(TrainConfig(precision="fp32"), "cpu") is None
    assert precision_of(TrainConfig(precision="bf16"), "cpu") == torch.bfloat16
    assert precision_of(TrainConfig(), "cpu") in (None, torch.bfloat16)


def test_the_rate_grows_and_then_halves_so_often() -> None:
    config = TrainConfig(learning_rate=8.0, warm_up=3, half_life=10)
    assert [config.rate(steps) for steps in (0, 1, 3, 13, 33)] == [2.0, 4.0, 8.0, 4.0, 1.0]
    assert TrainConfig(learning_rate=8.0, warm_up=0).rate(10**6) == 8.0
