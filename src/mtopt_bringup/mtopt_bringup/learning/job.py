"""A training as a job: looks for episodes, trains, reports, keeps checkpoints, publishes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

from mtopt_core.action import ActionBounds
from mtopt_core.config import from_mapping
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml
from mtopt_learner.config import LearnConfig
from mtopt_learner.learner import Learner
from mtopt_learner.publishing import publish
from mtopt_learner.replay.cache import FrameCache, Kept
from mtopt_learner.replay.log_replay import Progress
from mtopt_learner.training.metrics import MetricLog

from ..bar import Bar
from ..paths import Paths
from ..stop import Stop

OK = 0
CHECKPOINT = "checkpoint.pt"
_AT_ONCE = 50  # files between two words about decoding
_LINE_S = 10.0  # between two lines where there is no terminal


def settings(path: Path | None) -> tuple[LearnConfig, TaskRegistry, ActionBounds]:
    """The learner's settings, the tasks and the action bounds; raises ConfigError, YamlInvalid."""
    paths = Paths.installed()
    path = path or paths.config / "learn.yaml"
    actions = paths.node_files["actions_file"]
    return (
        from_mapping(LearnConfig, read_yaml(path), str(path)),
        config_files.tasks(paths.tasks),
        config_files.action_bounds(actions),
    )


class Asked(Protocol):
    """Whoever may want it to end; Stop is one."""

    @property
    def asked(self) -> bool:
        """Whether to end."""
        ...


class Episodes(Protocol):
    """Where episodes come from; LogReplay is one."""

    @property
    def cache(self) -> FrameCache:
        """Where their steps are."""
        ...

    def labelled(self) -> list[Kept]:
        """Those that are decoded."""
        ...

    def follow(self, most: int | None = None) -> Progress[Kept]:
        """Decode what is new, at most so many."""
        ...


class Job:
    """One start: looks for episodes, trains, reports, keeps checkpoints, publishes."""

    def __init__(
        self,
        learner: Learner,
        replay: Episodes,
        metrics: MetricLog,
        folder: Path,
        store: Path,
        name: str,
        publish_often: bool = True,
    ) -> None:
        self.learner, self.replay, self.metrics = learner, replay, metrics
        self._checkpoint, self._store, self._name = folder / CHECKPOINT, store, name
        self._publish_often = publish_often
        self.published: list[str] = []
        self._train_s = 0.0
        self._begun = 0
        self._told: dict[str, float] = {}

    def run(self, steps: int, view: View, stop: Stop) -> int:
        """Train up to so many steps in all; a last checkpoint and version at the end."""
        self.open()
        self.look(view, stop)
        view.begun(self.learner.steps, self.words())
        self.train(steps, view, stop)
        if stop.asked:
            view.say("stopped; the same command goes on")
            return stop.exit_code
        self.publish(view)
        return OK

    def open(self) -> None:
        """Go on from the checkpoint, if there is one, with what the cache holds."""
        if self._checkpoint.exists():
            self.learner.resume(self._checkpoint)
        self._begun = self.learner.steps
        self.learner.file(self.replay.labelled())

    def train(self, steps: int, view: View, stop: Asked) -> None:
        """Train up to so many steps in all, with a checkpoint at the end or where it is stopped."""
        before = self.learner.steps
        while self.learner.steps < steps and not stop.asked:
            self._step(view, stop)
        if self.learner.steps > before:
            self.learner.save(self._checkpoint)

    @property
    def published_behind(self) -> bool:
        """Whether there was training since the last version."""
        return bool(self.learner.steps) and not self._folder_of(self._version).exists()

    def summary(self) -> dict[str, Any]:
        """What was done, as JSON has it."""
        new = self.learner.steps - self._begun
        return {
            "steps": self.learner.steps,
            "new": new,
            "seconds": round(self._train_s, 3),
            "samples_per_s": round(self._rate(new), 3),
            "episodes": len(self.replay.cache.episodes),
            "skipped": len(self.replay.cache.skipped),
            "unknown_tasks": dict(self.learner.buffers.unknown),
            "last": {name: round(value, 6) for name, value in self._told.items()},
            "published": self.published,
        }

    def sentence(self) -> str:
        """The same for a person."""
        known = self.summary()
        versions = ", ".join(known["published"]) or "no version"
        skipped = f", {known['skipped']} skipped" if known["skipped"] else ""
        return (
            f"{known['steps']} steps, now {known['new']} in {known['seconds']:.0f} s "
            f"({known['samples_per_s']:.0f} samples a second), {known['episodes']} episodes"
            f"{skipped}; published {versions}"
        )

    def _step(self, view: View, stop: Asked) -> None:
        pace = self.learner.config.pace
        began_s = time.perf_counter()
        self._told = self.learner.step(self.replay.cache.frames)
        self._train_s += time.perf_counter() - began_s
        steps = self.learner.steps
        view.stepped(steps, self._told, self._rate(steps - self._begun))
        if steps % pace.log == 0:
            rate = {"samples_per_s": self._rate(steps - self._begun)}
            self.metrics.put(steps, self._told | rate | self.learner.shares())
        if steps % pace.look == 0:
            self.look(view, stop, most=_AT_ONCE)
        if steps % pace.checkpoint == 0:
            self.learner.save(self._checkpoint)
        if self._publish_often and steps % pace.publish == 0:
            self.publish(view)

    def look(self, view: View, stop: Asked, most: int | None = None) -> None:
        """Decode what is new: all of it, or at most so many files."""
        left = most
        while not stop.asked and (left is None or left > 0):
            progress = self.replay.follow(_AT_ONCE)
            self.learner.file(progress.new)
            for skipped in progress.skipped:
                view.say(f"skipped {skipped.reason}")
            if not progress.waiting:
                return
            view.say(f"{len(self.replay.cache.episodes)} episodes, {progress.waiting} to decode")
            left = None if left is None else left - _AT_ONCE

    def publish(self, view: View) -> str:
        """Write the present network as a version, if it is not there yet; its name."""
        version = self._version
        if self._folder_of(version).exists():
            return version
        frames = self.replay.cache.frames
        folder = publish(self.learner, frames, self._store, self._name, version)
        self.published.append(version)
        view.say(f"published {folder}")
        return version

    @property
    def _version(self) -> str:
        return f"{self.learner.steps:07d}"

    def _folder_of(self, version: str) -> Path:
        return self._store / self._name / version

    def _rate(self, steps: int) -> float:
        batch = self.learner.config.training.batch
        return steps * batch / self._train_s if self._train_s else 0.0

    def words(self) -> str:
        """What there is to learn from."""
        cache = self.replay.cache
        return f"{len(cache.episodes)} episodes, {cache.count} steps, {len(cache.skipped)} skipped"


class View(Bar):
    """The bar of a training."""

    def __init__(self, steps: int, quiet: bool) -> None:
        super().__init__("learning", steps, quiet, _LINE_S)

    def begun(self, steps: int, words: str) -> None:
        """Training begins at so many steps."""
        self.begin(steps)
        self.say(words + (f"; going on at step {steps}" if steps else ""))

    def stepped(self, steps: int, told: dict[str, float], rate: float) -> None:
        """A step was made."""
        worth = "nothing is valued yet"
        if "q" in told:
            worth = f"Q {told['q']:.2f} for {told['target']:.2f} (return {told['return']:.2f})"
        self.at(steps, f"loss {told['loss']:.3f}, {worth}, {rate:.0f} samples/s")
