"""Trains and evaluates the variants of a comparison, each once, whatever ends it in between.

`<run>/<question>/` has `episodes.txt`, the episodes that were there at its beginning, which are all
that any variant ever sees; a folder a variant and seed with its checkpoint, metrics and, once it is
done, `result.json`; the versions in `models/`; the attempts in `eval/`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_core.errors import ConfigError
from mtopt_core.evaluation import EvaluationConfig
from mtopt_core.tasks import TaskRegistry
from mtopt_data.partfile import make_folder, replace_file
from mtopt_learner.errors import NothingToReplay
from mtopt_learner.learner import Learner
from mtopt_learner.replay.cache import FrameCache, Kept
from mtopt_learner.replay.log_replay import LogReplay, Progress
from mtopt_learner.training.metrics import MetricLog
from mtopt_sim.evaluating.stand import staged
from mtopt_sim.evaluating.trial import Setting, Trial

from ..evaluating import command as evaluating
from ..evaluating.subject import greedy, known_tasks
from ..learning.job import CHECKPOINT, Job, View
from ..stop import Stop
from .declared import Comparison, Variant, settings_of

EPISODES, IDENTITY, WEIGHTS = "episodes.txt", "variant.json", "weights.pt"
TRAINED, RESULT = "trained.json", "result.json"
_AT_ONCE = 50  # files between two words about decoding


@dataclass(frozen=True)
class Places:
    """Where things are: the checkout, the episodes, what was decoded of them, this comparison."""

    root: Path
    data: Path
    cache: Path
    run: Path


@dataclass(frozen=True)
class Conditions:
    """What all variants have alike. `base` are the settings that each lays its own over."""

    comparison: Comparison
    registry: TaskRegistry
    bounds: ActionBounds
    base: Mapping[str, Any]
    source: str
    evaluation: EvaluationConfig
    device: str
    workers: int


class Chosen:
    """Some of the episodes in a cache, and never another one: what a Job takes for a replay."""

    def __init__(self, cache: FrameCache, episodes: Sequence[Kept]) -> None:
        self.cache, self._episodes = cache, episodes

    def labelled(self) -> list[Kept]:
        """The episodes."""
        return list(self._episodes)

    def follow(self, most: int | None = None) -> Progress[Kept]:
        """Nothing is new."""
        return Progress((), (), 0)


class Comparing:
    """One start of a comparison."""

    def __init__(self, conditions: Conditions, places: Places, quiet: bool, stop: Stop) -> None:
        self.conditions, self.places = conditions, places
        self._quiet, self._stop = quiet, stop
        make_folder(places.run)

    def result(self, variant: Variant, seed: int) -> dict[str, Any] | None:
        """What a variant came to, trained and evaluated if it is not yet; None where stopped.

        Raises MtoptError.
        """
        done = self._done(variant, seed)
        if done is None and self._trained(variant, seed):
            done = self._evaluated(variant, seed)
        return done

    # -- training ------------------------------------------------------------------------------

    def _trained(self, variant: Variant, seed: int) -> bool:
        """Train a variant up to its steps; whether it got there."""
        here, comparison = self._folder(variant, seed), self.conditions.comparison
        conditions, steps = self.conditions, comparison.steps_of(variant)
        config = settings_of(variant, conditions.base, conditions.source, seed)
        layout = layout_hash(conditions.bounds, config.view.posed)
        with (
            FrameCache(self.places.cache, config.view, layout) as cache,
            MetricLog(here) as metrics,
            View(steps, self._quiet) as view,
        ):
            there = self._episodes(LogReplay(self.places.data, cache, config.view,
                                             conditions.bounds), view)  # fmt: skip
            if there is None:
                return False
            chosen = variant.chosen(there)
            if not chosen:
                raise NothingToReplay(f"{variant.name}: none of {len(there)} episodes are for it")
            self._admit(variant, here)
            view.say(f"{variant.name}, seed {seed}: {len(chosen)} of {len(there)} episodes")
            learned = variant.learned(conditions.registry)
            learner = Learner(
                config, learned, conditions.bounds, conditions.device, conditions.registry
            )
            if variant.begin and not (here / CHECKPOINT).exists():
                learner.begin_with(self._folder(comparison[variant.begin], seed) / WEIGHTS)
            store, name = self.places.run / "models", self._name(variant, seed)
            job = Job(learner, Chosen(cache, chosen), metrics, here, store, name, False)
            job.run(steps, view, self._stop)
            if self._stop.asked:
                return False
            learner.hand_on(here / WEIGHTS)
            known = {"episodes": len(chosen), "train": job.summary()}
        replace_file(here / TRAINED, json.dumps(known).encode())
        return True

    def _episodes(self, replay: LogReplay, view: View) -> list[Kept] | None:
        """Those of the comparison's beginning, decoded; None where stopped."""
        path = self.places.run / EPISODES
        wanted = set(path.read_text(encoding="utf-8").split()) if path.exists() else None
        waiting = 1 if wanted is None or any(one not in replay.cache for one in wanted) else 0
        while waiting:
            if self._stop.asked:
                return None
            progress = replay.follow(_AT_ONCE)
            waiting = progress.waiting
            for skipped in progress.skipped:
                view.say(f"skipped {skipped.reason}")
            if waiting:
                view.say(f"{len(replay.cache.episodes)} episodes, {waiting} to decode")
        there = replay.labelled()
        if wanted is None:
            names = "".join(f"{each.episode_id}\n" for each in there)
            replace_file(path, names.encode())
            return there
        return [each for each in there if each.episode_id in wanted]

    def _admit(self, variant: Variant, here: Path) -> None:
        """Raises ConfigError where the folder was begun with another variant, or other data."""
        said = asdict(replace(variant, text="", paper={}))
        if variant.begin:
            said["begun_after"] = self.conditions.comparison.steps
        episodes = (self.places.run / EPISODES).read_bytes()
        said["episodes"] = hashlib.sha256(episodes).hexdigest()[:16]
        text, path = json.dumps(said, sort_keys=True), here / IDENTITY
        if not path.exists():
            replace_file(path, text.encode())
        elif path.read_text(encoding="utf-8") != text:
            allowed = "was begun otherwise: as it was then, or another folder for the run"
            raise ConfigError(str(here), "variant", variant.name, allowed)

    # -- evaluating ----------------------------------------------------------------------------

    def _evaluated(self, variant: Variant, seed: int) -> dict[str, Any] | None:
        """The result of a variant that is trained, written down; None where stopped."""
        comparison, conditions = self.conditions.comparison, self.conditions
        here, steps = self._folder(variant, seed), comparison.steps_of(variant)
        version = self.places.run / "models" / self._name(variant, seed) / f"{steps:07d}"
        who, setting = greedy(version), Setting(comparison.scene)
        learned = variant.learned(conditions.registry).names
        wanted = tuple(task for task in comparison.tasks or learned if task in learned)
        tasks = known_tasks(staged(self.places.root, setting).tasks_file, who, wanted)
        job = evaluating.Job(
            self.places.root, Trial(who, setting), conditions.evaluation, tasks,
            self.places.run / "eval", conditions.workers,
        )  # fmt: skip
        report = job.run(self._quiet, self._stop)
        told = report.as_dict()
        if not told["complete"]:
            return None
        known = json.loads((here / TRAINED).read_text(encoding="utf-8"))
        found = {
            "variant": variant.name,
            "seed": seed,
            "steps": steps,
            "attempts": conditions.evaluation.attempts,
            "shares": {task: share.as_dict() for task, share in report.scores.shares.items()},
            **known,
            "evaluation": told,
        }
        replace_file(here / RESULT, (json.dumps(found, indent=1) + "\n").encode())
        return found

    def _done(self, variant: Variant, seed: int) -> dict[str, Any] | None:
        path = self._folder(variant, seed) / RESULT
        if not path.exists():
            return None
        self._admit(variant, path.parent)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        steps = self.conditions.comparison.steps_of(variant)
        wanted = (steps, self.conditions.evaluation.attempts)
        return found if (found["steps"], found["attempts"]) == wanted else None

    def _name(self, variant: Variant, seed: int) -> str:
        return f"{variant.name}-{seed}"

    def _folder(self, variant: Variant, seed: int) -> Path:
        return self.places.run / self._name(variant, seed)
