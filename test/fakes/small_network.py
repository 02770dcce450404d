"""The paper's Q-network in miniature: every kind of layer, edges that are not square."""

from __future__ import annotations

import torch
from torch import nn

from mtopt_core.action import ActionBounds
from mtopt_learner.networks.config import NetworkConfig
from mtopt_learner.networks.q_network import QNetwork
from mtopt_learner.networks.stand_in import Scenes, stand_in
from mtopt_learner.networks.task_input import ONE_HEAD, TaskInput

SMALL = NetworkConfig(
    size_px=(48, 56), channels=8, stem_pool=1, body_convs=2, body_pool=2, merge_width=16,
    head_convs=3, tail_convs=1, dense=(16,),
)  # fmt: skip
TASKS = ("a", "b", "c")
BOUNDS = ActionBounds()
SCENES = Scenes(SMALL, len(TASKS), BOUNDS)


def small_network(
    seed: int = 0, config: NetworkConfig = SMALL, told: TaskInput = ONE_HEAD
) -> QNetwork:
    """One whose norms shift and scale, and whose biases are not nought."""
    network = stand_in(config, len(TASKS), BOUNDS, seed, told)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm1d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_(0.0, 0.3)
        network.head.merge.out.bias.normal_(0.0, 0.3)
    return network.eval()
