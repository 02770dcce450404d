"""The in-process engine: replay, Bellman updater and trainer take turns in one process.

data folder -> log replay -> per-task buffers -> Bellman updater -> pool -> trainer
                                                       ^                       |
                                                       +---- lagged networks <-+
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_core.tasks import TaskRegistry

from .batches import Transitions, transitions
from .buffers import TaskBuffers
from .cem_batch import BatchCem
from .config import LearnConfig, ValueNetwork
from .loop import LoopConfig
from .replay.cache import Kept
from .siblings import NOT_LENT, siblings
from .training import checkpoint
from .training.pool import TrainPool
from .training.trainer import Trainer, precision_of
from .updater import BellmanUpdater, Labelled, LaggedNetworks

_TRIES = 3  # transitions drawn for one that sees where its episode was decided


class Learner:
    """All roles, tied together. The same settings, episodes and seed give the same weights."""

    def __init__(
        self,
        config: LearnConfig,
        tasks: TaskRegistry,
        bounds: ActionBounds,
        device: str = "cpu",
    ) -> None:
        self.config, self.tasks, self.bounds = config, tasks, bounds
        torch.manual_seed(config.seed)
        network = config.made_network(len(tasks), bounds)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.search = BatchCem(bounds, config.cem, device)
        self.trainer = Trainer(network, config.training, self.search, device)
        self.networks = LaggedNetworks(self.trainer.network, config.targets)
        amp = precision_of(config.training, device)
        self.updater = BellmanUpdater(
            self.networks, bounds, config.bellman, config.cem, device, amp
        )
        self.buffers = TaskBuffers(tasks.names, config.sampling.lender(tasks))
        self.pool = TrainPool(config.pace.pool, config.training.uses)
        self._strategy = config.sampling.strategy()
        self._rng = np.random.default_rng(config.seed)

    @property
    def steps(self) -> int:
        """Steps of training so far."""
        return self.trainer.steps

    @property
    def network(self) -> ValueNetwork:
        """A copy of the network that a cell would get: the running mean of the weights."""
        mean = self.networks.first
        if not isinstance(mean, ValueNetwork):
            raise TypeError(f"the trained network is a {type(mean).__name__}")
        return copy.deepcopy(mean).cpu().eval()

    def file(self, episodes: Iterable[Kept]) -> None:
        """Episodes that came into the cache."""
        self.buffers.file(episodes)

    def step(self, frames: NDArray[np.void]) -> dict[str, float]:
        """One step of training on the cache's frames; raises NothingToReplay."""
        if self.trainer.foretelling:
            told = self.trainer.foretell(self._decided(frames))
            self.networks.follow(self.trainer.network)
            return told
        while self.pool.hungry:
            drawn = self.draw(frames, self.config.pace.label, self._rng)
            self.pool.put(self.updater.label(drawn, self._rng))
        batch = self.pool.take(self.config.training.batch, self._rng)
        if batch is None:
            raise TypeError("a pool that holds a batch was made sure of by the settings")
        told = self.trainer.step(batch, self._rng)
        self.networks.follow(self.trainer.network)
        return told

    def draw(self, frames: NDArray[np.void], count: int, rng: np.random.Generator) -> Transitions:
        """Transitions as the re-balancing shares them out; raises NothingToReplay."""
        drawn = self.buffers.draw(count, self._strategy, rng)
        view, bellman = self.config.view, self.config.bellman
        made = transitions(frames, drawn, view, len(self.tasks), bellman, rng)
        if not self.config.sampling.siblings:
            return made
        shares = self._strategy(self.buffers.sizes)
        outcomes = self.buffers.outcomes(drawn.frames)
        if not self.updater.by_returns:  # each of them costs a search from now on
            outcomes[rng.random(outcomes.shape) >= self.config.targets.siblings] = NOT_LENT
        known = siblings(outcomes, self.tasks.names, shares)
        return dataclasses.replace(made, siblings=known)

    def _decided(self, frames: NDArray[np.void]) -> Labelled:
        """A batch, as far as there is one, of transitions that see where their episode was decided.

        They have outcomes and no targets.
        """
        count = self.config.training.batch
        made = self.draw(frames, _TRIES * count, self._rng)
        if made.siblings is None or made.deeds is None:
            raise TypeError("siblings and deeds were made sure of by the settings")
        rows = self._rng.permutation(np.flatnonzero(made.deeds[:, 2]))[:count]
        none = np.zeros(len(rows), dtype=np.float32)
        outcomes = made.siblings.success[rows].astype(np.float32)
        weights = made.siblings.weights[rows]
        parts = (
            made.images[rows], made.states[rows], made.tasks[rows], made.actions[rows], none, none,
            np.zeros_like(outcomes), weights, outcomes, made.deeds[rows],
        )  # fmt: skip
        return Labelled(*(torch.from_numpy(part) for part in parts))

    def shares(self) -> dict[str, float]:
        """Share of each task's examples in a batch, and of its successes."""
        told: dict[str, float] = {}
        for (task, success), share in self._strategy(self.buffers.sizes).items():
            told[f"share/{task}"] = told.get(f"share/{task}", 0.0) + share
            if success:
                told[f"success_share/{task}"] = share
        return told

    @property
    def settings_key(self) -> str:
        """A short name of all that a checkpoint depends on."""
        config = replace(self.config, loop=LoopConfig())  # it changes no weight
        known = [
            repr(config),
            *self.tasks.names,
            layout_hash(self.bounds, self.config.view.posed),
        ]
        return hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """A checkpoint; raises DiskFull, FolderNotWritable."""
        state: dict[str, Any] = {
            "trainer": self.trainer.state(),
            "networks": self.networks.state(),
            "pool": self.pool.state(),
            "rng": json.dumps(self._rng.bit_generator.state),
        }
        checkpoint.save(path, self.settings_key, state)

    def resume(self, path: Path) -> None:
        """Go on where a checkpoint was made; raises CheckpointInvalid."""
        state = checkpoint.load(path, self.settings_key)
        self.trainer.load(state["trainer"])
        self.networks.load(state["networks"])
        self.pool.load(state["pool"])
        self._rng.bit_generator.state = json.loads(state["rng"])
