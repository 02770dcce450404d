"""The Bellman updater: transitions become examples with targets, by CEM over lagged networks.

As in QT-Opt, the first target network is a running mean of the trained weights, the second is
the first as it was some time ago; the best action is that of the first, its worth the smaller of
both.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_core.config import option

from .batches import Transitions
from .bellman import BellmanConfig, clipped_double, returns, targets
from .cem_batch import BatchCem


@dataclass(frozen=True)
class TargetConfig:
    """Which networks targets come from, and when they begin."""

    decay: float = option(
        0.998, "share of the running mean that a step of training leaves", low=0.0, high=1.0
    )
    lag: int = option(500, "steps of training between two copies for the second network", low=1)
    returns_first: int = option(
        1000, "steps of training on what episodes came to, before any network is asked", low=0
    )
    chunk: int = option(256, "actions that are valued at once", low=1)


class Valued(Protocol):
    """A network in two halves; QNetwork is one."""

    encoder: nn.Module
    head: nn.Module


@dataclass(frozen=True, eq=False)
class Labelled:
    """Examples to train on: images (N, H, W, 3), states (N, S), tasks (N, T), actions (N, 8),
    targets (N,), and what the episodes really came to, (N,).

    `others` and their `weights`, (N, T) or (N, 0), are targets for the tasks beside the drawn one.
    """

    images: Tensor
    states: Tensor
    tasks: Tensor
    actions: Tensor
    targets: Tensor
    returns: Tensor
    others: Tensor | None = None
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: Tensor) -> Labelled:
        return Labelled(*(part[rows] for part in self.parts))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """All tensors, in the order of the fields."""
        none = self.targets.new_zeros((len(self.targets), 0))
        return (
            self.images, self.states, self.tasks, self.actions, self.targets, self.returns,
            none if self.others is None else self.others,
            none if self.weights is None else self.weights,
        )  # fmt: skip


class LaggedNetworks:
    """The running mean of a network and its older copy, both in evaluation."""

    def __init__(self, network: nn.Module, config: TargetConfig) -> None:
        self.config = config
        self.first, self.second = (
            copy.deepcopy(network).eval().requires_grad_(False) for _ in range(2)
        )
        self.steps = 0

    def follow(self, network: nn.Module) -> None:
        """After a step of training. Early on, when there is little to average, it forgets more."""
        self.steps += 1
        decay = min(self.config.decay, self.steps / (self.steps + 10.0))
        with torch.no_grad():
            for mean, new in zip(
                self.first.state_dict().values(), network.state_dict().values(), strict=True
            ):
                if mean.dtype.is_floating_point:
                    mean.lerp_(new, 1.0 - decay)
                else:
                    mean.copy_(new)
        if self.steps % self.config.lag == 0:
            self.second.load_state_dict(self.first.state_dict())

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""
        parts = {"first": self.first.state_dict(), "second": self.second.state_dict()}
        return {**parts, "steps": self.steps}

    def load(self, state: dict[str, Any]) -> None:
        """Back to a state."""
        self.first.load_state_dict(state["first"])
        self.second.load_state_dict(state["second"])
        self.steps = int(state["steps"])


class BellmanUpdater:
    """Makes targets. `amp` is the number format of the networks' work, None for their own."""

    def __init__(
        self,
        networks: LaggedNetworks,
        bounds: ActionBounds,
        bellman: BellmanConfig,
        cem: CemConfig,
        device: str = "cpu",
        amp: torch.dtype | None = None,
    ) -> None:
        self.networks, self.bellman = networks, bellman
        self._cem, self._device, self._amp = BatchCem(bounds, cem, device), device, amp

    def label(self, batch: Transitions, rng: np.random.Generator) -> Labelled:
        """A batch with its targets; those of episodes that were over need no network."""
        values = np.zeros(len(batch.actions), dtype=np.float32)
        by_returns = self.networks.steps < self.networks.config.returns_first
        if by_returns:
            found = returns(batch.outlook, self.bellman)
        else:
            going_on = np.flatnonzero(~batch.outlook.ended)
            if len(going_on):
                values[going_on] = self.next_values(batch, going_on, rng)
            found = targets(batch.outlook, values, self.bellman)
        made = (batch.images, batch.states, batch.tasks, batch.actions, found)
        real = returns(batch.outlook, self.bellman)
        others: list[np.ndarray] = []
        if batch.siblings is not None:
            worth = self.bellman.discount ** batch.outlook.left[:, None]
            others = [
                (batch.siblings.success * worth).astype(np.float32),
                batch.siblings.weights * np.float32(by_returns),
            ]
        return Labelled(*(torch.from_numpy(part) for part in (*made, real, *others)))

    def next_values(
        self, batch: Transitions, rows: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """What the best action is worth in the later states of some rows, (len(rows),)."""
        first, second = self.networks.first, self.networks.second
        given = [
            torch.from_numpy(part[rows]).to(self._device)
            for part in (batch.next_images, batch.next_states, batch.tasks)
        ]
        with torch.inference_mode(), self._precision():
            seen = self.encoded(first, given[0])
            noise = self._cem.noise(len(rows), rng)
            actions, best = self._cem.best(
                lambda rows_: self.scored(first, seen, given[1], given[2], rows_), noise
            )
            other = self.encoded(second, given[0])
            check = self.scored(second, other, given[1], given[2], actions.unsqueeze(1))[:, 0]
        found: np.ndarray = clipped_double(best.cpu().numpy(), check.cpu().numpy())
        return found

    def encoded(self, network: Any, images: Tensor) -> Tensor:
        """Features of images, some at a time."""
        chunk = self.networks.config.chunk
        return torch.cat([network.encoder(part) for part in images.split(chunk)])

    def scored(
        self, network: Any, seen: Tensor, states: Tensor, tasks: Tensor, actions: Tensor
    ) -> Tensor:
        """Values (B, N), a few states at a time: what lies between the layers is large."""
        at_once = max(1, self.networks.config.chunk // actions.shape[1])
        parts = zip(*(each.split(at_once) for each in (seen, states, tasks, actions)), strict=True)
        return torch.cat([torch.sigmoid(network.head(*part).float()) for part in parts])

    def _precision(self) -> torch.autocast:
        kind = self._device.partition(":")[0]
        return torch.autocast(kind, self._amp or torch.bfloat16, enabled=self._amp is not None)
