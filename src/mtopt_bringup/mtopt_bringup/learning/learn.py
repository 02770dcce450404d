"""`mtopt learn`: from a folder of episodes to versions in the model store."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mtopt_core.encoding import layout_hash
from mtopt_core.errors import ConfigError
from mtopt_learner.learner import Learner
from mtopt_learner.replay.cache import FrameCache
from mtopt_learner.replay.log_replay import LogReplay
from mtopt_learner.training.metrics import MetricLog

from ..stop import Stop
from .job import Job, View, settings

_SOURCE = "mtopt learn"


def run(words: Sequence[str]) -> int:
    """0 done, else that of the signal that stopped it (the same command goes on).

    Raises MtoptError.
    """
    wanted = _parser().parse_args(words)
    if (wanted.steps is None) == (wanted.hours is None):
        allowed = "either --steps (of what is there) or --hours (of collecting and training)"
        raise ConfigError(_SOURCE, "steps", wanted.steps, allowed)
    if wanted.hours is not None:
        from . import closed_loop

        return closed_loop.run(wanted)
    if wanted.steps < 1:
        raise ConfigError(_SOURCE, "steps", wanted.steps, "must be at least 1")
    config, tasks, bounds = settings(Path(wanted.config) if wanted.config else None)
    folder = Path(wanted.run).expanduser().absolute()
    with (
        Stop() as stop,
        FrameCache(folder / "cache", config.view, layout_hash(bounds, config.view.posed)) as cache,
        MetricLog(folder) as metrics,
        View(wanted.steps, wanted.json) as view,
    ):
        replay = LogReplay(Path(wanted.data).expanduser().absolute(), cache, config.view, bounds)
        learner = Learner(config, tasks, bounds, wanted.device)
        job = Job(learner, replay, metrics, folder, Path(wanted.models).expanduser(), wanted.name)
        code = job.run(wanted.steps, view, stop)
    sys.stdout.write(json.dumps(job.summary()) + "\n" if wanted.json else job.sentence() + "\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt learn",
        description="Learns a policy and publishes versions of it: with --steps from the episodes "
        "of a folder, new ones as they come; with --hours from nothing, collecting and training by "
        "turns. The same command again goes on where it was stopped or killed.",
    )
    parser.add_argument("--steps", type=int, help="of training, in all")
    parser.add_argument("--hours", type=float, help="of collecting and training, in all")
    parser.add_argument(
        "--cells",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="simulated cells that collect, with --hours; 0: cells elsewhere fill the folder "
        "(default as many as cores)",
    )
    parser.add_argument("--data", default="data", help="folder of the episodes (default data)")
    parser.add_argument("--models", default="run/models", help="model store (default run/models)")
    parser.add_argument("--name", default="mtopt", help="of the model (default mtopt)")
    parser.add_argument(
        "--run", default="run/learn", help="cache, checkpoint, metrics (default run/learn)"
    )
    parser.add_argument("--config", default="", help="settings (default config/learn.yaml)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    return parser
