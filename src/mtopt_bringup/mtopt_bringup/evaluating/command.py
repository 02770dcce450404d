"""`mtopt eval`: attempts at every task in scenes kept for it, and what came of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtopt_core.config import check, from_mapping
from mtopt_core.errors import ConfigError
from mtopt_core.evaluation import Attempt, EvaluationConfig, check_low_data
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml
from mtopt_sim.evaluating.crew import evaluate
from mtopt_sim.evaluating.journal import Journal, Result
from mtopt_sim.evaluating.stand import staged
from mtopt_sim.evaluating.trial import SCRIPTED, Setting, Subject, Trial, cases
from mtopt_sim.variation.config import LEVELS

from ..bar import Bar
from ..paths import Paths
from ..stop import Stop
from . import page, subject
from .report import Report, table
from .subject import SOURCE

OK = 0
LEARNED = "learned"


@dataclass(frozen=True)
class Job:
    """An evaluation that was asked for: what, on which tasks, how often, where it is kept."""

    root: Path
    trial: Trial
    config: EvaluationConfig
    tasks: TaskRegistry
    folder: Path
    workers: int

    def run(self, quiet: bool, stop: Stop) -> Report:
        """Make what is missing; the report of what is there then. Raises MtoptError."""
        config = self.config
        wanted = cases(self.tasks.tasks, config.attempts, config.chains, config.longest)
        with (
            Journal(self.folder, self.trial) as journal,
            Bar("evaluating", len(wanted), quiet) as bar,
        ):
            missing = [case for case in wanted if case not in journal.results]
            bar.begin(len(wanted) - len(missing))
            if 0 < len(missing) < len(wanted):
                bar.say(f"going on: {len(wanted) - len(missing)} of {len(wanted)} are made")

            def tell(result: Result) -> None:
                journal.add(result)
                bar.at(len(journal.of(wanted)), _so_far(journal.of(wanted)))

            evaluate(self.root, self.trial, missing, self.workers, tell, lambda: bool(stop.asked))
            results = journal.of(wanted)
        return Report(self.trial, config, self.tasks, results, len(wanted))


def run(words: Sequence[str]) -> int:
    """0 done, else that of the signal that stopped it (the same command goes on).

    Raises MtoptError.
    """
    wanted = _parser().parse_args(words)
    paths = Paths.installed()
    if wanted.shipped and not wanted.rerun:
        return _tell_shipped(paths, wanted)
    job = prepare(wanted, paths)
    with Stop() as stop:
        report = job.run(wanted.json, stop)
    told = report.as_dict()
    if wanted.rerun and told["complete"]:
        (job.folder / f"{job.trial.name}.jsonl").unlink()  # the next one measures again, too
    _say(told, wanted)
    if stop.asked and not told["complete"]:
        sys.stderr.write("mtopt eval: stopped; the same command goes on\n")
        return stop.exit_code
    return OK


def prepare(wanted: argparse.Namespace, paths: Paths) -> Job:
    """What the words ask for, checked; raises MtoptError."""
    if not 1 <= wanted.workers <= 256:
        raise ConfigError(SOURCE, "workers", wanted.workers, "must be 1 to 256")
    if wanted.rerun and not wanted.shipped:
        raise ConfigError(SOURCE, "rerun", True, "goes with --shipped")
    config = _config(wanted, paths)
    store = Path(wanted.models)
    who = Subject(SCRIPTED)
    if wanted.shipped:
        who = subject.greedy(subject.shipped(paths))
    elif wanted.policy == LEARNED:
        who = subject.greedy(subject.bundle_folder(wanted.model, store))
    folder, seal = subject.detector(wanted.detector, store)
    setting = Setting(config.scene, wanted.variation, detector=folder, detector_seal=seal)
    root = paths.config.parent
    tasks_file = staged(root, setting).tasks_file
    check_low_data(config, config_files.tasks(paths.tasks), str(paths.config / "eval.yaml"))
    tasks = subject.known_tasks(tasks_file, who, _names(wanted.tasks))
    kept = Path(wanted.run).expanduser().absolute() / ("rerun" if wanted.rerun else "")
    return Job(root, Trial(who, setting), config, tasks, kept, wanted.workers)


def _config(wanted: argparse.Namespace, paths: Paths) -> EvaluationConfig:
    """The file's settings, with what the words say instead."""
    path = paths.config / "eval.yaml"
    config = from_mapping(EvaluationConfig, read_yaml(path), str(path))
    said = {
        name: getattr(wanted, name)
        for name in ("attempts", "chains", "scene")
        if getattr(wanted, name) is not None
    }
    config = replace(config, **said)
    check(config, SOURCE)
    return config


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt eval",
        description="Evaluates a policy: attempts at every task in a scene that training never "
        "sees. The same command again goes on where it was stopped or killed.",
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument(
        "--model", default="", help="a bundle's folder, or NAME[/VERSION] (default: what serves)"
    )
    parser.add_argument("--models", default="models", help="model store (default models)")
    parser.add_argument(
        "--policy", default=LEARNED, choices=(LEARNED, SCRIPTED), help=f"default {LEARNED}"
    )
    parser.add_argument("--shipped", action="store_true", help="the figures of the shipped model")
    parser.add_argument("--rerun", action="store_true", help="with --shipped: measure them again")
    parser.add_argument("--tasks", default="", help="with commas (default all)")
    parser.add_argument("--attempts", type=int, help="at each task (default config/eval.yaml)")
    parser.add_argument("--chains", type=int, help="attempts at chains of 2 to 5 tasks")
    parser.add_argument("--scene", help="of config/scenes.yaml (default standard)")
    parser.add_argument(
        "--variation", default="", choices=("", *LEVELS), help="default as the scene says"
    )
    parser.add_argument("--detector", default="", help="success detector to grade beside the truth")
    parser.add_argument("--workers", type=int, default=cores, help=f"processes (default {cores})")
    parser.add_argument("--run", default="run/eval", help="what was made (default run/eval)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--out", type=Path, help="file for the same JSON")
    parser.add_argument("--page", type=Path, help="file for a page in Markdown, its plot beside it")
    return parser


def _tell_shipped(paths: Paths, wanted: argparse.Namespace) -> int:
    """The figures that the shipped bundle states; raises ConfigError where it states none."""
    folder = subject.shipped(paths)
    manifest = subject.manifest_of(folder)
    if not manifest.evaluation:
        allowed = "states no evaluation: `mtopt model ship` seals one into it"
        raise ConfigError(SOURCE, "shipped", manifest.id, allowed)
    _say(manifest.evaluation, wanted)
    return OK


def _say(told: dict[str, Any], wanted: argparse.Namespace) -> None:
    text = json.dumps(told, indent=2) + "\n"
    if wanted.out:
        wanted.out.parent.mkdir(parents=True, exist_ok=True)
        wanted.out.write_text(text, encoding="utf-8")
    if wanted.page:
        page.write(wanted.page, [told])
    sys.stdout.write(text if wanted.json else "\n".join(table(told)) + "\n")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _so_far(results: Sequence[Result]) -> str:
    """The share of success so far."""
    good = [result.success for result in results if isinstance(result, Attempt)]
    return f"{sum(good) / len(good):.2f} succeed" if good else ""
