"""Bench `learn`: the whole learner beside its bare forward and backward passes.

The learner of config/learn.yaml trains on made-up episodes: drawing, shifting, targets by CEM over
two networks, training. Bare are the same networks on batches that lie ready in memory: a forward
and a backward pass for a batch of training, and what the search of a batch of targets asks of the
networks. All take turns. `limit_share` is the time that the bare passes would need for the same
samples and targets, over the time of the learner.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from mtopt_core.encoding import layout_hash, state_layout
from mtopt_learner.learner import Learner
from mtopt_learner.networks.stand_in import scene
from mtopt_learner.precision import working_in
from mtopt_learner.replay.cache import FrameCache
from mtopt_learner.replay.decoding import Replayed
from mtopt_learner.training.trainer import precision_of

from ..learning.job import settings
from .report import Goal, Report

EPISODES, STEPS = 40, 10
TURNS, STEPS_A_TURN = 4, 16
_GOALS = {"limit_share": Goal(at_least=0.6)}


def measure() -> Report:
    """Samples and targets a second, and the share of the limit."""
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        bench = Bench(Path(folder))
        figures = bench.race()
    figures["load"] = os.getloadavg()[0]
    rounded = {name: round(value, 4) for name, value in figures.items()}
    notes = {"load": "others' work beside ours, at the end"}
    return Report("learn", rounded, _GOALS, notes=notes)


class Bench:
    """A learner, and its networks alone."""

    def __init__(self, folder: Path) -> None:
        config, tasks, bounds = settings(None)
        targets = dataclasses.replace(config.targets, returns_first=0)
        training = dataclasses.replace(config.training, foretold_first=0)
        self.config = dataclasses.replace(config, targets=targets, training=training)
        self.learner = Learner(self.config, tasks, bounds)
        self._cache = FrameCache(
            folder, self.config.view, layout_hash(bounds, self.config.view.posed)
        )
        for number in range(EPISODES):
            self.learner.file([self._cache.add(self._episode(number, tasks.names))])
        self._amp = precision_of(self.config.training, "cpu")
        rng = np.random.default_rng(2)
        self._seen = self.learner.draw(self._cache.frames, self.config.pace.label, rng)
        self._going_on = np.flatnonzero(~self._seen.outlook.ended)
        self._targets = 0
        real = self.learner.updater.label

        def counted(*given: object) -> object:
            made = real(*given)  # type: ignore[arg-type]
            self._targets += len(made)
            return made

        self.learner.updater.label = counted  # type: ignore[method-assign, assignment]

    def race(self) -> dict[str, float]:
        """Figures of turns that the contestants take."""
        frames, batch = self._cache.frames, self.config.training.batch
        for _ in range(STEPS_A_TURN):
            self.learner.step(frames)  # the pool fills, memory is made room for
        self._bare_train()
        self._bare_targets()
        self._targets, whole_s, train_s, target_s = 0, 0.0, [], []
        for _ in range(TURNS):
            whole_s += _timed(lambda: [self.learner.step(frames) for _ in range(STEPS_A_TURN)])
            train_s.append(_timed(self._bare_train))
            target_s.append(_timed(self._bare_targets))
        samples = TURNS * STEPS_A_TURN * batch
        sample_s = statistics.median(train_s) / batch
        label_s = statistics.median(target_s) / len(self._seen.actions)
        return {
            "limit_share": (samples * sample_s + self._targets * label_s) / whole_s,
            "samples_per_s": samples / whole_s,
            "targets_per_s": self._targets / whole_s,
            "bare_samples_per_s": 1.0 / sample_s,
            "bare_targets_per_s": 1.0 / label_s,
        }

    def _bare_train(self) -> None:
        """A forward and a backward pass of a batch; no step is made."""
        rows, seen = slice(0, self.config.training.batch), self._seen
        parts = (seen.images[rows], seen.states[rows], seen.tasks[rows], seen.actions[rows, None])
        network = self.learner.trainer.network
        with working_in(self._amp, "cpu"):
            logits = network(*(torch.from_numpy(part) for part in parts)).float()
        target = torch.zeros_like(logits)
        functional.binary_cross_entropy_with_logits(logits, target).backward()
        network.zero_grad(set_to_none=True)

    def _bare_targets(self) -> None:
        """What the search of a batch of targets asks: both encoders, every sample, the best one."""
        rows, seen = self._going_on, self._seen
        image, state, task = (
            torch.from_numpy(part[rows])
            for part in (seen.next_images, seen.next_states, seen.tasks)
        )
        samples = self.config.cem.samples
        actions = torch.from_numpy(np.tile(seen.actions[rows, None], (1, samples, 1)))
        updater, networks = self.learner.updater, self.learner.networks
        with (
            torch.inference_mode(),
            working_in(self._amp, "cpu"),
        ):
            for network, asked in ((networks.first, actions), (networks.second, actions[:, :1])):
                found = updater.encoded(network, image)
                for _ in range(self.config.cem.rounds if asked is actions else 1):
                    updater.scored(network, found, state, task, asked)

    def _episode(self, number: int, tasks: tuple[str, ...]) -> Replayed:
        rng, good = np.random.default_rng(number), number % 2 == 0
        kept, width = self.config.view.kept_px, len(state_layout(self.config.view.posed))
        actions = rng.uniform(-1, 1, (STEPS, 8)).astype(np.float32)
        return Replayed(
            f"e{number}", tasks[number % len(tasks)], "terminated", "made up",
            dict.fromkeys(tasks, good), np.stack([scene(kept, rng)] * STEPS),
            rng.uniform(0, 0.3, (STEPS, width)).astype(np.float32), actions,
            np.zeros((STEPS, 4), np.float32),
        )  # fmt: skip


def _timed(job: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    job()
    return time.perf_counter() - began_s
