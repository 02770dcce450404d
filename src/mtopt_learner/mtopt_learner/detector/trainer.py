"""A detector under training: batches of distorted views, steps, checkpoints."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mtopt_core.tasks import TaskRegistry

from ..errors import OutcomesMissing
from ..networks.success_network import SuccessNetwork
from ..precision import working_in
from ..training import checkpoint
from .augment import cut, distorted, draw
from .balance import BalancedDraw, weights
from .config import DetectorConfig
from .outcomes import Labelled
from .views import VIEWS

Frames = NDArray[np.void]
Views = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


class DetectorTrainer:
    """Owns the weights. The same settings, outcomes and seed give the same ones."""

    def __init__(
        self, config: DetectorConfig, tasks: TaskRegistry, outcomes: Labelled, device: str = "cpu"
    ) -> None:
        """Raises ReservedForEvaluation for outcomes of a cell held out, OutcomesMissing."""
        config.split.admit(outcomes.outcomes)
        self.config, self.tasks, self.outcomes, self.steps = config, tasks, outcomes, 0
        self._draw = BalancedDraw(outcomes.labels, tasks.names)
        _check_both_kinds(outcomes.labels, tasks)
        torch.manual_seed(config.seed)
        network = SuccessNetwork(config.network, len(tasks)).to(device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decay, rate = config.training.weight_decay, config.training.learning_rate
        self._optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=decay)
        self._device = device
        self._amp = device != "cpu" or torch.cpu._is_amx_tile_supported()
        self._rng = np.random.default_rng(config.seed)

    def step(self, frames: Frames) -> dict[str, float]:
        """One step; the loss, and the share of labels told right, tasks and outcomes balanced."""
        settings = self.config.training
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        rows = self._draw.rows(settings.batch, self._rng)
        labels = self.outcomes.labels[rows]
        views = self._views(frames, rows)
        weight = torch.from_numpy(weights(labels)).to(self._device)
        target = torch.from_numpy((labels == 1).astype(np.float32)).to(self._device)
        self.network.train()
        with working_in(torch.bfloat16 if self._amp else None, self._device):
            logits = self.network(*(torch.from_numpy(view).to(self._device) for view in views))
        logits = logits.float()
        each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss = (each * weight).sum()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self.steps += 1
        right = ((logits.detach() > 0) == (target > 0.5)).float()
        return {"loss": loss.item(), "right": float((right * weight).sum()), "rate": self._rate()}

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return self.steps >= self.config.training.steps

    @property
    def settings_key(self) -> str:
        """A short name of what a checkpoint depends on; how many steps are wanted is not in it."""
        config = replace(self.config, training=replace(self.config.training, steps=1))
        known = f"{config!r}\n{self.tasks.names!r}"
        return hashlib.sha256(known.encode()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """A checkpoint; raises DiskFull, FolderNotWritable."""
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "steps": self.steps,
            "outcomes": self.outcomes.key,
            "torch": torch.get_rng_state(),
            "rng": json.dumps(self._rng.bit_generator.state),
        }
        checkpoint.save(path, self.settings_key, state)

    def resume(self, path: Path) -> bool:
        """Go on where a checkpoint was made; raises CheckpointInvalid.

        False, and nothing changes, for one of a training that has ended on other outcomes.
        """
        state = checkpoint.load(path, self.settings_key)
        ended = int(state["steps"]) >= self.config.training.steps
        if ended and state["outcomes"] != self.outcomes.key:
            return False
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.steps = int(state["steps"])
        torch.set_rng_state(state["torch"])
        self._rng.bit_generator.state = json.loads(state["rng"])
        return True

    def _rate(self) -> float:
        """Grows in a line, then falls to nought along a cosine."""
        settings = self.config.training
        grown = min(1.0, (self.steps + 1) / (settings.warm_up + 1))
        done = min(1.0, self.steps / settings.steps)
        return settings.learning_rate * grown * 0.5 * (1.0 + math.cos(math.pi * done))

    def _views(self, frames: Frames, rows: NDArray[np.int64]) -> Views:
        """Distorted views of one frame of each outcome."""
        views, augment = self.config.views, self.config.augment
        made: list[list[NDArray[np.uint8]]] = [[] for _ in VIEWS]
        for row in rows:
            outcome = self.outcomes.outcomes[row]
            frame = frames[outcome.first + int(self._rng.integers(outcome.steps))]
            for place, name in enumerate(VIEWS):
                how = draw(augment, views.margin_px, self._rng)
                made[place].append(distorted(frame[name], how, views.size_px))
        overhead, left, right = (np.stack(images) for images in made)
        return overhead, left, right


def plain_views(frames: Frames, places: NDArray[np.int64], size_px: tuple[int, int]) -> Views:
    """Views of some frames as serving cuts them."""
    overhead, left, right = (
        np.stack([cut(frames[place][name], size_px) for place in places]) for name in VIEWS
    )
    return overhead, left, right


def _check_both_kinds(labels: NDArray[np.int8], tasks: TaskRegistry) -> None:
    for task in tasks:
        good, bad = (int((labels[:, task.index] == kind).sum()) for kind in (1, 0))
        if not (good and bad):
            raise OutcomesMissing(
                f"task {task.name}: needs successes and failures to train on, has {good} and {bad}"
            )
