"""A Q-network that nobody trained, with values that spread as a trained one's do.

For measuring how long a decision takes, and about what a number format costs. Filters are random;
batch norms know the statistics of made-up scenes; the action outweighs the image where they meet,
so that actions still differ ten layers on; and the last layer is scaled until Q, over the actions
of one scene, fills the range from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig, first_belief, propose
from mtopt_core.encoding import encode_state

from .calibration import Batch
from .config import NetworkConfig
from .q_network import QNetwork
from .task_input import ONE_HEAD, TaskInput

ACTION_WEIGHT = 3.0  # of the action's vector, beside the features that it is added to
SPREAD = 1.5  # standard deviation of the logits over one scene's actions
_SCENES, _ACTIONS, _THINGS = 4, 16, 12


@dataclass(frozen=True)
class Scenes:
    """Made-up inputs, the same for the same seed."""

    config: NetworkConfig
    tasks: int
    bounds: ActionBounds

    def batch(self, seed: int, scenes: int = _SCENES, actions: int = _ACTIONS) -> Batch:
        """Images (B, H, W, 3), states (B, 2), tasks (B, T), actions (B, N, 8) as CEM draws them."""
        tasks = np.random.default_rng(seed).integers(self.tasks, size=scenes)
        return self._drawn(tasks, actions, seed)

    def golden(self, seed: int, actions: int = _ACTIONS) -> Batch:
        """The same, with one scene of every task."""
        return self._drawn(np.arange(self.tasks), actions, seed)

    def _drawn(self, tasks: NDArray[np.int64], actions: int, seed: int) -> Batch:
        rng = np.random.default_rng((seed, 1))
        images = np.stack([scene(self.config.size_px, rng) for _ in tasks])
        states = [encode_state(bool(rng.random() < 0.5), rng.uniform(0.0, 0.3)) for _ in images]
        codes = np.eye(self.tasks, dtype=np.float32)[tasks]
        cem = CemConfig(samples=actions)
        belief = first_belief(self.bounds, cem)
        rows = [propose(belief, self.bounds, cem, rng).encoded(self.bounds) for _ in images]
        found = (images, np.stack(states), codes, np.stack(rows))
        image, state, task, action = (torch.from_numpy(array) for array in found)
        return image, state, task, action


def scene(size_px: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A ground with a gradient, boxes of one colour each, and a camera's noise: (H, W, 3) uint8."""
    rows, columns = size_px
    slope = np.linspace(0.7, 1.0, columns)[np.newaxis, :, np.newaxis]
    image = np.broadcast_to(rng.uniform(60, 200, size=3) * slope, (rows, columns, 3)).copy()
    for _ in range(_THINGS):
        height, width = (max(2, int(side * rng.uniform(0.03, 0.15))) for side in size_px)
        top, left = rng.integers(rows - height), rng.integers(columns - width)
        image[top : top + height, left : left + width] = rng.uniform(0, 255, size=3)
    image += rng.normal(0.0, 4.0, size=image.shape)
    seen: np.ndarray = np.clip(image, 0, 255).astype(np.uint8)
    return seen


def stand_in(
    config: NetworkConfig,
    tasks: int,
    bounds: ActionBounds,
    seed: int = 0,
    told: TaskInput = ONE_HEAD,
) -> QNetwork:
    """The network, in evaluation; the same for the same seed."""
    torch.manual_seed(seed)
    network = QNetwork(config, tasks, told)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    batch = Scenes(config, tasks, bounds).batch(seed)
    with torch.no_grad():
        _settle_norms(network, batch)
        _weigh_action(network, batch)
        _settle_norms(network, batch)
        _spread(network, batch)
    return network


def _settle_norms(network: QNetwork, batch: Batch) -> None:
    """Every batch norm takes the statistics of the batch."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)]
    for norm in norms:
        norm.momentum = 1.0
    network.train()
    network(*batch)
    for norm in norms:
        norm.momentum = network.config.norm_momentum
    network.eval()


def _weigh_action(network: QNetwork, batch: Batch) -> None:
    """The action's vector differs between actions more than features do between places."""
    images, state, task, actions = batch
    merge = network.head.merge
    features, merged = network.encoder(images), merge(state, task, actions)
    among_actions = merged.std(dim=1).mean()
    among_places = features.std(dim=(2, 3)).mean()
    merge.out.weight.mul_(ACTION_WEIGHT * among_places / among_actions)
    if merge.out.bias is not None:
        merge.out.bias.zero_()


def _spread(network: QNetwork, batch: Batch) -> None:
    """Logits of one scene's actions spread by SPREAD around nought."""
    value = network.head.value
    value.bias.zero_()
    value.weight.mul_(SPREAD / _among_actions(network(*batch)))
    value.bias.sub_(network(*batch).mean())


def _among_actions(logits: Tensor) -> Tensor:
    return logits.std(dim=1).mean()
