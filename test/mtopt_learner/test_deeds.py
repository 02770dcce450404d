"""Deeds: where an episode was decided, seen from the steps before."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fakes.small_learner import BOUNDS, LOOKING
from mtopt_core.encoding import ACTION_LAYOUT, POSED_LAYOUT
from mtopt_learner.batches import transitions
from mtopt_learner.bellman import BellmanConfig
from mtopt_learner.buffers import Drawn
from mtopt_learner.cem_batch import BatchCem
from mtopt_learner.config import LearnConfig, SamplingConfig
from mtopt_learner.deeds import deeds
from mtopt_learner.errors import SettingsInvalid
from mtopt_learner.networks.look_network import LookNetwork
from mtopt_learner.training.trainer import Trainer
from mtopt_learner.updater import Labelled

CLOSE, OPEN = (ACTION_LAYOUT.index(name) for name in ("gripper_close", "gripper_open"))
SIDE = LOOKING.view.kept_px[0]


def episode(tools: list[tuple[float, float, float]], fingers: dict[int, int]) -> np.ndarray:
    """Frames of a tool at (x, y, yaw) step after step, whose fingers are moved at some of them."""
    made = np.zeros(
        len(tools),
        dtype=[("image", np.uint8, (SIDE, SIDE, 3)), ("state", np.float32, len(POSED_LAYOUT)),
               ("action", np.float32, len(ACTION_LAYOUT)), ("tool", np.float32, 4)],
    )  # fmt: skip
    for step, (x_m, y_m, yaw) in enumerate(tools):
        made["tool"][step] = (x_m, y_m, 0.2, yaw)
    for step, command in fingers.items():
        made["action"][step, command] = 1.0
    return made


def found(frames: np.ndarray, reach_m: float = 0.3) -> np.ndarray:
    rows = np.arange(len(frames))
    return deeds(frames, rows, len(frames) - 1 - rows, reach_m)


def test_the_last_move_of_the_fingers_is_seen_from_every_step_before() -> None:
    tools = [(0.5, 0.1, 0.0), (0.5, 0.1, np.pi / 2), (0.6, 0.1, 0.0), (0.7, 0.3, 0.3), (0.1, 0, 0)]
    told = found(episode(tools, {0: CLOSE, 1: OPEN, 3: CLOSE}))
    assert told[0] == pytest.approx([0.2, 0.2, 1.0], abs=1e-6)
    assert told[1] == pytest.approx([0.2, -0.2, 1.0], abs=1e-6)  # turned to the left: y is ahead
    assert told[2] == pytest.approx([0.1, 0.2, 1.0], abs=1e-6)
    assert told[3] == pytest.approx([0.0, 0.0, 1.0], abs=1e-6)
    assert told[4].tolist() == [0.0, 0.0, 0.0]  # it is over


def test_what_lies_outside_of_the_image_is_not_known() -> None:
    told = found(episode([(0.5, 0.0, 0.0), (0.5, 0.12, 0.0)], {1: OPEN}), reach_m=0.1)
    assert told[0].tolist() == [0.0, 0.0, 0.0]
    assert told[1].tolist() == [0.0, 0.0, 1.0]


def test_a_gripper_turned_by_half_a_turn_sees_deeds_on_the_other_side() -> None:
    frames = episode([(0.5, 0.0, 0.0), (0.55, 0.02, 0.0)], {1: CLOSE})
    drawn = Drawn(np.zeros(64, int), np.zeros(64, int), np.ones(64, bool), np.ones(64, int))
    batch = transitions(frames, drawn, LOOKING.view, 2, BellmanConfig(), np.random.default_rng(0))
    assert batch.deeds is not None
    ways = {tuple(round(float(each), 4) for each in row) for row in batch.deeds}
    assert ways == {(0.05, 0.02, 1.0), (-0.05, -0.02, 1.0)}


def test_the_features_learn_what_comes_of_places_far_from_where_an_action_goes() -> None:
    """Two squares, left and right of the tool: success where the deed was on the bright one."""
    rng, count = np.random.default_rng(0), 32
    side = LOOKING.view.size_px[0]
    images = np.full((count, side, side, 3), 40, np.uint8)
    bright = rng.integers(0, 2, count)
    for row, left in enumerate(bright):
        images[row, :, side // 2 :] = 200 if left else 40
        images[row, :, : side // 2] = 40 if left else 200
    at = rng.integers(0, 2, count)
    outcomes = (at == bright).astype(np.float32)[:, None].repeat(2, 1)
    beside = np.where(at == 1, 0.06, -0.06)
    places = np.stack([np.zeros(count), beside, np.ones(count)], 1).astype(np.float32)
    nothing = np.zeros(count, np.float32)
    batch = Labelled(
        *(torch.from_numpy(part) for part in (
            images, np.zeros((count, 8), np.float32), np.eye(2, dtype=np.float32)[[0] * count],
            np.zeros((count, 8), np.float32), nothing, nothing, np.zeros((count, 2), np.float32),
            np.ones((count, 2), np.float32), outcomes, places,
        ))
    )  # fmt: skip
    missed = []
    for weight in (0.0, 1.0):
        torch.manual_seed(3)
        config = dataclasses.replace(LOOKING.training, foretold=weight)
        made = Trainer(LOOKING.made_network(2, BOUNDS), config, BatchCem(BOUNDS, LOOKING.cem))
        for _ in range(60):
            made.step(batch, np.random.default_rng(0))
        network, there = made.network, torch.from_numpy(places[:, :2])
        assert isinstance(network, LookNetwork)
        with torch.no_grad():
            logits = network.foretold(network.encoder(batch.images), there)
        right = (logits[:, 0].numpy() > 0) == (outcomes[:, 0] > 0.5)
        missed.append(1.0 - right.mean())
    assert missed[1] < 0.1 < missed[0]


def test_only_a_network_that_looks_can_foretell() -> None:
    told = dataclasses.replace(LOOKING.training, foretold=1.0)
    dataclasses.replace(LOOKING, training=told)
    with pytest.raises(SettingsInvalid, match="foretold"):
        dataclasses.replace(LOOKING, training=told, sampling=SamplingConfig(siblings=False))
    with pytest.raises(SettingsInvalid, match="foretold"):
        dataclasses.replace(LearnConfig(), training=told, sampling=SamplingConfig(siblings=True))
