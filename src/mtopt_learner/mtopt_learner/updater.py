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
from .bellman import BellmanConfig, Outlook, clipped_double, outlook, returns, targets
from .cem_batch import BatchCem
from .precision import working_in


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
    siblings: float = option(
        0.25, "share of a transition's siblings that networks are asked about", low=0.0, high=1.0
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

    `others` and their `weights`, (N, T) or (N, 0), are targets for the tasks beside the drawn one;
    `outcomes` (N, T) what the episodes came to for them, and `deeds` (N, 3) where.
    """

    images: Tensor
    states: Tensor
    tasks: Tensor
    actions: Tensor
    targets: Tensor
    returns: Tensor
    others: Tensor | None = None
    weights: Tensor | None = None
    outcomes: Tensor | None = None
    deeds: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: Tensor) -> Labelled:
        return Labelled(*(part[rows] for part in self.parts))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """All tensors, in the order of the fields."""
        none = self.targets.new_zeros((len(self.targets), 0))
        beside = (self.others, self.weights, self.outcomes, self.deeds)
        return (
            self.images, self.states, self.tasks, self.actions, self.targets, self.returns,
            *(none if part is None else part for part in beside),
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


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a batch's `rows` (M,) are asked to be worth to `tasks` (M, T), and how they went on."""

    rows: np.ndarray
    tasks: np.ndarray
    outlook: Outlook

    def with_(self, more: _Asked) -> _Asked:
        ways = zip(vars(self.outlook).values(), vars(more.outlook).values(), strict=True)
        return _Asked(
            np.concatenate([self.rows, more.rows]),
            np.concatenate([self.tasks, more.tasks]),
            Outlook(*(np.concatenate(pair) for pair in ways)),
        )


def _siblings_asked(batch: Transitions, lent: np.ndarray, config: BellmanConfig) -> _Asked:
    """The same for the other tasks, where `lent` (N, T) says so."""
    rows, tasks = np.nonzero(lent)
    success = batch.siblings.success[rows, tasks] if batch.siblings else np.zeros(0, bool)
    codes = np.eye(lent.shape[1], dtype=np.float32)[tasks]
    return _Asked(rows, codes, outlook(batch.outlook.left[rows], success, config))


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
        drawn = np.arange(len(batch.actions))
        asked = _Asked(drawn, batch.tasks, batch.outlook)
        lent, others = None, None
        if batch.siblings is not None:
            lent = batch.siblings.weights > 0.0
            others = _siblings_asked(batch, lent, self.bellman)
        found = self._worth(batch, asked if others is None else asked.with_(others), rng)
        real = returns(batch.outlook, self.bellman)
        parts = [batch.images, batch.states, batch.tasks, batch.actions, found[: len(drawn)], real]
        if batch.siblings is not None and lent is not None:
            beside = np.zeros(lent.shape, dtype=np.float32)
            beside[lent] = found[len(drawn) :]
            parts += [beside, batch.siblings.weights, batch.siblings.success.astype(np.float32)]
            if batch.deeds is not None:
                parts.append(batch.deeds)
        return Labelled(*(torch.from_numpy(part) for part in parts))

    @property
    def by_returns(self) -> bool:
        """Whether no network is asked yet."""
        return self.networks.steps < self.networks.config.returns_first

    def _worth(self, batch: Transitions, asked: _Asked, rng: np.random.Generator) -> np.ndarray:
        """Targets of what is asked, (len(asked.rows),)."""
        if self.by_returns:
            return returns(asked.outlook, self.bellman)
        values = np.zeros(len(asked.rows), dtype=np.float32)
        going_on = np.flatnonzero(~asked.outlook.ended)
        if len(going_on):
            rows, tasks = asked.rows[going_on], asked.tasks[going_on]
            values[going_on] = self.next_values(batch, rows, tasks, rng)
        return targets(asked.outlook, values, self.bellman)

    def next_values(
        self, batch: Transitions, rows: np.ndarray, tasks: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """What the best action is worth to a task (M, T) in the later state of a row (M,): (M,).

        A row may come more than once; its image is encoded once.
        """
        first, second = self.networks.first, self.networks.second
        alone, again = np.unique(rows, return_inverse=True)
        images, where = (
            torch.from_numpy(part).to(self._device) for part in (batch.next_images[alone], again)
        )
        states, codes = (
            torch.from_numpy(part).to(self._device) for part in (batch.next_states[rows], tasks)
        )
        with torch.inference_mode(), working_in(self._amp, self._device):
            seen = self.encoded(first, images)[where]
            noise = self._cem.noise(len(rows), rng)
            actions, best = self._cem.best(
                lambda rows_: self.scored(first, seen, states, codes, rows_), noise
            )
            other = self.encoded(second, images)[where]
            check = self.scored(second, other, states, codes, actions.unsqueeze(1))[:, 0]
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
