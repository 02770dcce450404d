"""The exported graphs say what the trained network says, at the edges of the image too."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fakes.small_network import BOUNDS, SCENES, SMALL, TASKS, small_network
from mtopt_learner.networks.calibration import calibrated
from mtopt_learner.networks.config import NetworkConfig
from mtopt_learner.networks.export import encoder_graph, head_graph
from mtopt_learner.networks.folding import fold, over_blocks
from mtopt_learner.networks.q_network import QNetwork
from mtopt_learner.networks.stand_in import Scenes
from mtopt_learner.networks.torch_q import TorchQ, UnsplitQ
from mtopt_robot.models.agreement import rank_agreement
from mtopt_robot.models.q_function import QFunction


def q_function(network: QNetwork, integer: bool = False, tops: dict | None = None) -> QFunction:
    weights, size_px = fold(network, tops), network.config.size_px
    graphs = encoder_graph(weights, size_px, integer), head_graph(weights, integer)
    return QFunction(*graphs, size_px, len(TASKS))


def values(of: QFunction | TorchQ | UnsplitQ, batch: tuple) -> np.ndarray:
    images, state, task, actions = (each.numpy() for each in batch)
    return of.score(of.features(images), state, task, actions)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        dataclasses.replace(SMALL, stem_kernel=5, stem_stride=1, body_pool=4),
        dataclasses.replace(SMALL, size_px=(47, 56)),
        dataclasses.replace(SMALL, head_kernel=5, size_px=(40, 48)),
        dataclasses.replace(SMALL, head_convs=1, tail_convs=0, dense=(8, 8, 8)),
    ],
    ids=["small", "no stride", "odd rows", "wide filters", "one layer"],
)
def test_pytorch_and_onnx_agree(config: NetworkConfig) -> None:
    network = small_network(1, config)
    batch = Scenes(config, len(TASKS), BOUNDS).batch(5, scenes=3, actions=7)
    with torch.no_grad():
        wanted = torch.sigmoid(network(*batch)).numpy()
    assert np.ptp(wanted) > 0.2, "values that are all alike prove nothing"
    assert values(q_function(network), batch) == pytest.approx(wanted, abs=1e-4)


def test_a_network_of_one_way_is_the_same_in_every_other() -> None:
    network, batch = small_network(2), SCENES.batch(6, 2, 5)
    wanted = values(q_function(network), batch)
    assert values(TorchQ(network), batch) == pytest.approx(wanted, abs=1e-4)
    assert values(TorchQ(network, torch.bfloat16), batch) == pytest.approx(wanted, abs=0.1)
    for cell in range(2):
        one = tuple(each[cell : cell + 1] for each in batch)
        assert values(UnsplitQ(network), one)[0] == pytest.approx(wanted[cell], abs=1e-4)


def test_the_actions_share_is_right_at_edges_and_corners() -> None:
    network, (_, state, task, actions) = small_network(3), SCENES.batch(7, 1, 8)
    head, weights = network.head, fold(network)
    with torch.no_grad():
        merged = head.merge(state, task, actions)[0, 0]
        norm = head.convs[0].norm
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        level = merged[None, :, None, None].expand(1, -1, *SMALL.features_px)
        wanted = (head.convs[0].conv(level) * scale[:, None, None])[0].numpy()
        summed = head.merge.norm(
            head.merge.action(actions[0]) + head.merge.state(state) + head.merge.task(task)
        )
    shares = torch.relu(summed).numpy() @ weights.cases.weight + weights.cases.bias
    laid = shares[0].reshape(-1, SMALL.channels)[weights.places].T.reshape(wanted.shape)
    assert laid == pytest.approx(wanted, abs=1e-4)
    assert len(set(weights.places.tolist())) == 9


def test_integers_keep_the_order_of_actions() -> None:
    network = small_network(4)
    tops = calibrated(network, [SCENES.batch(seed) for seed in range(3)])
    batch = SCENES.batch(9, 4, 32)
    wanted = values(q_function(network), batch)
    found = values(q_function(network, True, tops), batch)
    assert found == pytest.approx(wanted, abs=0.1)
    assert rank_agreement(wanted, found) > 0.97
    assert not np.allclose(found, wanted, atol=1e-5), "these are no integers"


def test_integers_need_to_know_the_largest_values() -> None:
    with pytest.raises(ValueError, match="largest value"):
        head_graph(fold(small_network()), integer=True)


def test_calibration_finds_the_largest_values_and_leaves_the_network_alone() -> None:
    network = small_network(5).train()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    tops = calibrated(network, [SCENES.batch(1)])
    assert network.training
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())
    network.eval()
    behind = network.encoder.stem(SCENES.batch(1)[0].permute(0, 3, 1, 2) / 255.0)
    assert tops[network.encoder.stem] == pytest.approx(behind.max().item(), rel=0.1)
    assert len(tops) == 1 + SMALL.body_convs + SMALL.head_convs + SMALL.tail_convs
    assert not network.encoder.stem._forward_hooks


def test_a_strided_convolution_is_one_over_blocks() -> None:
    stem = fold(small_network()).encoder[0]
    blocked, side = over_blocks(stem, SMALL.size_px)
    assert side == 2
    assert blocked.weight.shape == (SMALL.channels, 12, 3, 3)
    assert over_blocks(stem, (47, 56)) == (stem, 1)
