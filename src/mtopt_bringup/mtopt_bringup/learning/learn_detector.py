"""`mtopt learn detector` and `mtopt eval detector`: success detectors from labelled outcomes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtopt_core.config import from_mapping
from mtopt_core.errors import ConfigError
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml
from mtopt_learner.detector.config import DetectorConfig
from mtopt_learner.detector.grading import fit_gradings, outcome_logits, verdicts
from mtopt_learner.detector.labels import LabelBook
from mtopt_learner.detector.outcomes import (
    Labelled,
    LabelledFolder,
    OutcomeCache,
    episode_end,
    labelled,
    take_in,
)
from mtopt_learner.detector.publishing import judge, publish_detector
from mtopt_learner.detector.report import Errors, errors, table
from mtopt_learner.detector.split import Role
from mtopt_learner.detector.trainer import DetectorTrainer, Frames
from mtopt_learner.errors import OutcomesMissing
from mtopt_learner.replay.log_replay import FolderReplay
from mtopt_learner.training.metrics import MetricLog
from mtopt_robot.models.bundle import Expected, check_success_bundle

from ..paths import Paths
from ..stop import Stop

OK = 0
_SOURCE = "mtopt learn detector"
CHECKPOINT = "checkpoint.pt"
_AT_ONCE = 50  # files between two words about decoding
_LINE_S = 10.0  # between two lines about training


def run(words: Sequence[str]) -> int:
    """`learn detector`: 0 done, else that of the signal that stopped it. Raises MtoptError."""
    wanted = _learn_parser().parse_args(words)
    config, tasks = _settings(wanted.config)
    torch.set_num_threads(wanted.threads)
    folder = _path(wanted.run)
    say = _Voice(wanted.json)
    with (
        Stop() as stop,
        OutcomeCache(folder / "cache", config.views) as cache,
        MetricLog(folder) as metrics,
    ):
        parts = gather(cache, *_sources(wanted), config, tasks, stop, say)
        if stop.asked:
            return say.stopped(stop)
        trainer = DetectorTrainer(config, tasks, parts[Role.TRAINING])
        job = Job(trainer, parts, cache.frames, folder / CHECKPOINT, metrics)
        if not job.train(say, stop):
            return say.stopped(stop)
        summary = job.publish(_path(wanted.models), wanted.name)
    say.result(summary, job.held_out)
    return OK


def evaluate(words: Sequence[str]) -> int:
    """`eval detector`: the errors of a version on cells that it has never seen.

    0 whatever they are; raises MtoptError.
    """
    wanted = _eval_parser().parse_args(words)
    config, tasks = _settings(wanted.config)
    torch.set_num_threads(wanted.threads)
    say = _Voice(wanted.json)
    store, name = _path(wanted.models), wanted.model
    bundle = check_success_bundle(store / name, Expected(None, tasks.names))
    with Stop() as stop, OutcomeCache(_path(wanted.run) / "cache", config.views) as cache:
        parts = gather(cache, *_sources(wanted), config, tasks, stop, say)
        if stop.asked:
            return say.stopped(stop)
        apart = parts[Role.HELD_OUT]
        if not len(apart):
            raise OutcomesMissing(f"no labelled outcome of {', '.join(config.split.held_out)}")
        found = judge(bundle, config, tasks, apart, cache.frames)
    summary = {"model": name, "outcomes": len(apart), **told(found, apart)}
    if wanted.page:
        page = f"# {name} on cells held out\n\n{_cells(apart)}\n\n{table(found)}"
        _path(wanted.page).write_text(page, encoding="utf-8")
    say.result(summary, found)
    return OK


def gather(
    cache: OutcomeCache,
    data: Path | None,
    folders: Sequence[Path],
    config: DetectorConfig,
    tasks: TaskRegistry,
    stop: Stop,
    say: _Voice,
) -> dict[Role, Labelled]:
    """Everything that is labelled, decoded, by what it is for; raises MtoptError."""
    sets = [LabelledFolder(folder) for folder in folders]
    for each in sets:
        if fresh := take_in(cache, each):
            say(f"{fresh} outcomes of {each.root}")
    if data is not None:
        replay = FolderReplay(data, cache, lambda path: cache.add(*episode_end(path)))
        waiting = 1
        while waiting and not stop.asked:
            progress = replay.follow(_AT_ONCE)
            for skipped in progress.skipped:
                say(f"skipped {skipped.reason}")
            if waiting := progress.waiting:
                say(f"{len(cache.episodes)} outcomes, {waiting} to decode")
    book = LabelBook(tasks, [label for each in sets for label in each.labels()])
    known = labelled(cache.episodes, book)
    roles = np.array(config.split.roles(known.outcomes), dtype=object)
    parts = {role: known.only(roles == role) for role in Role}
    say(", ".join(f"{len(part)} outcomes for {role}" for role, part in parts.items()))
    return parts


@dataclass
class Job:
    """One start: trains, keeps checkpoints, fits thresholds, publishes."""

    trainer: DetectorTrainer
    parts: dict[Role, Labelled]
    frames: Frames
    checkpoint: Path
    metrics: MetricLog
    held_out: Errors | None = None

    def train(self, say: _Voice, stop: Stop) -> bool:
        """All steps, from the last checkpoint on; False if it was stopped before."""
        trainer, pace = self.trainer, self.trainer.config.training
        if self.checkpoint.exists() and not trainer.resume(self.checkpoint):
            say("other outcomes than those of the training that has ended here: it begins anew")
        if trainer.steps:
            say(f"going on at step {trainer.steps}")
        said_s, begun, begun_s = time.monotonic(), trainer.steps, time.monotonic()
        while not trainer.done and not stop.asked:
            found = trainer.step(self.frames)
            now_s = time.monotonic()
            rate = (trainer.steps - begun) * pace.batch / max(now_s - begun_s, 1e-9)
            if trainer.steps % pace.log == 0:
                self.metrics.put(trainer.steps, found | {"outcomes_per_s": rate})
            if trainer.steps % pace.checkpoint == 0:
                trainer.save(self.checkpoint)
            if now_s - said_s >= _LINE_S:
                said_s = now_s
                say(
                    f"step {trainer.steps} of {pace.steps}: loss {found['loss']:.3f}, "
                    f"{100 * found['right']:.1f}% right, {rate:.0f} outcomes/s"
                )
        if trainer.steps > begun:
            trainer.save(self.checkpoint)
        return trainer.done

    def publish(self, store: Path, name: str) -> dict[str, Any]:
        """A version in the store, judged on the cells held out; what JSON tells of it."""
        trainer, tasks = self.trainer, self.trainer.tasks
        fitted_on, apart = self.parts[Role.CALIBRATION], self.parts[Role.HELD_OUT]
        network = trainer.network.cpu().eval()
        logits = outcome_logits(network, self.frames, fitted_on)
        gradings = fit_gradings(logits, fitted_on.labels, tasks, trainer.config.false_positives)
        marks = verdicts(outcome_logits(network, self.frames, apart), gradings, tasks)
        self.held_out = errors(marks, apart.labels, tasks)
        version = f"{len(trainer.outcomes):07d}-{trainer.steps:06d}"
        if not (store / name / version).exists():
            publish_detector(
                store, name, version, trainer, gradings, fitted_on, self.frames, self.held_out
            )
        return {
            "model": f"{name}/{version}",
            "steps": trainer.steps,
            "training": len(trainer.outcomes),
            "calibration": len(fitted_on),
            **told(self.held_out, apart),
        }


def told(found: Errors, apart: Labelled) -> dict[str, Any]:
    """The errors on cells held out, as JSON has them."""
    return {
        "held_out_cells": dict(Counter(outcome.cell for outcome in apart.outcomes)),
        "held_out": {name: each.as_dict() for name, each in found.items()},
        "met": all(each.met for each in found.values()),
    }


class _Voice:
    """Lines for a person; with `json` one object at the end and nothing else."""

    def __init__(self, json: bool) -> None:
        self._json = json

    def __call__(self, text: str) -> None:
        if not self._json:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def stopped(self, stop: Stop) -> int:
        """What a stop is answered with."""
        self("stopped; the same command goes on")
        return stop.exit_code

    def result(self, summary: dict[str, Any], found: Errors | None) -> None:
        """The end."""
        if self._json:
            sys.stdout.write(json.dumps(summary) + "\n")
            return
        self(f"{summary['model']} on cells held out")
        self(table(found or {}))


def _cells(apart: Labelled) -> str:
    counts = Counter(outcome.cell for outcome in apart.outcomes)
    return ", ".join(f"{count} outcomes of {cell}" for cell, count in sorted(counts.items()))


def _settings(path: str) -> tuple[DetectorConfig, TaskRegistry]:
    paths = Paths.installed()
    file = Path(path) if path else paths.config / "detector.yaml"
    config = from_mapping(DetectorConfig, read_yaml(file), str(file))
    return config, config_files.tasks(paths.tasks)


def _sources(wanted: argparse.Namespace) -> tuple[Path | None, list[Path]]:
    """The folder of episodes, if one is named, and those of labels."""
    if not wanted.labels and not wanted.data:
        raise ConfigError(_SOURCE, "data", "", "needs --data, --labels or both")
    return _path(wanted.data) if wanted.data else None, [_path(text) for text in wanted.labels]


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _learn_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt learn detector",
        description="Trains a success detector from the ends of recorded episodes and from images "
        "that people labelled, fits its thresholds on cells apart, judges it on cells held out, "
        "publishes it. The same command again goes on where it was stopped or killed.",
    )
    parser.add_argument("--name", default="watcher", help="of the model (default watcher)")
    _common(parser)
    return parser


def _eval_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt eval detector",
        description="The errors of a success detector on cells that it has never seen, by task.",
    )
    parser.add_argument("--model", required=True, metavar="NAME/VERSION", help="what is judged")
    parser.add_argument("--page", default="", help="Markdown file to write the table to")
    _common(parser)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", default="", help="folder of recorded episodes")
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder of labels, with or without images of their own; may be given again",
    )
    parser.add_argument("--models", default="models", help="model store (default models)")
    parser.add_argument(
        "--run", default="run/detector", help="cache, checkpoint, metrics (default run/detector)"
    )
    parser.add_argument("--config", default="", help="settings (default config/detector.yaml)")
    parser.add_argument("--threads", type=int, default=1, help="of the network (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
