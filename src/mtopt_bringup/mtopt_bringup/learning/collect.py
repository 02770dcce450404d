"""`mtopt collect`: episodes of simulated cells at full speed, without ROS."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtopt_core.errors import ConfigError, MtoptError
from mtopt_core.exploration import MixConfig, mix_of
from mtopt_data import config_files
from mtopt_data.naming import check_cell
from mtopt_sim.collecting.crew import Crew
from mtopt_sim.collecting.plan import Wanted, open_plan
from mtopt_sim.collecting.station import Done, Places
from mtopt_sim.variation.scenes import stage

from ..bar import Bar
from ..paths import Paths

OK, FAILED, INTERRUPTED = 0, 1, 130
_SOURCE = "mtopt collect"


def run(words: Sequence[str]) -> int:
    """0 done, 1 given up, 130 stopped by Ctrl-C; raises MtoptError for a wrong start."""
    wanted = _parser().parse_args(words)
    # A shell that starts a job in the background has it ignore Ctrl-C; kill -INT is to work there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    paths = Paths.installed()
    places = Places(paths.config.parent, Path(wanted.data).expanduser().absolute())
    files = paths.node_files
    shown = stage(files["scenes_file"], files["variation_file"], wanted.scene, wanted.variation)
    registry = config_files.tasks(shown.tasks_file)
    tasks = tuple(task.name for task in registry.only(_names(wanted.tasks))) if wanted.tasks else ()
    models = str(Path(wanted.models).expanduser().absolute()) if wanted.models else ""
    check_cell(wanted.cell)
    asked = Wanted(
        wanted.episodes,
        wanted.seed,
        tasks,
        models,
        _mix(wanted.mix, bool(models)),
        wanted.cell,
        wanted.scene,
        wanted.variation,
        wanted.guided,
    )
    if not 0.0 <= wanted.guided <= 1.0:
        raise ConfigError(_SOURCE, "guided", wanted.guided, "must be a share, 0 to 1")
    if not 1 <= wanted.workers <= 256:
        raise ConfigError(_SOURCE, "workers", wanted.workers, "must be 1 to 256")
    plan = open_plan(places.data, asked)
    view = _View(plan.wanted.episodes, quiet=wanted.json)
    code, story = OK, ""
    with view:
        try:
            Crew(places, plan, wanted.workers, view.tell).run(view.started)
        except KeyboardInterrupt:
            code, story = INTERRUPTED, "stopped; the same command goes on"
        except MtoptError as error:
            code, story = FAILED, f"{type(error).__name__}: {error}"
    summary = view.summary(len(plan.done(places.data)), places.data)
    if wanted.json:
        sys.stdout.write(json.dumps(summary) + "\n")
    else:
        view.say(_sentence(summary))
    if story:
        sys.stderr.write(f"mtopt collect: {story}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt collect",
        description="Collects episodes of simulated cells as fast as this machine can. The same "
        "command again goes on where it was stopped or killed.",
    )
    parser.add_argument("--episodes", type=int, required=True, help="how many in all")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--workers", type=int, default=cores, help=f"processes (default {cores})")
    parser.add_argument("--data", default="data", help="folder of the episodes (default data)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default 1)")
    parser.add_argument("--tasks", default="", help="what to collect, with commas (default all)")
    parser.add_argument("--scene", default="", help="scene of config/scenes.yaml (default none)")
    parser.add_argument(
        "--variation",
        default="",
        metavar="LEVEL",
        help="how far the cell differs: off, mild, strong or own (default as the scene says)",
    )
    parser.add_argument(
        "--cell", default="sim", help="the cell's name; its look follows from it (default sim)"
    )
    parser.add_argument("--models", default="", help="model store; without one the scripts act")
    parser.add_argument(
        "--mix",
        default="",
        metavar="SCRIPTED,EPSILON,POLICY",
        help="shares of who acts (default 0,1,1 with models, 1,0,0 without)",
    )
    parser.add_argument(
        "--guided",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of episodes by clumsy policies that know the simulation's truth (default 0)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _mix(text: str, with_models: bool) -> MixConfig:
    return mix_of(text or ("0,1,1" if with_models else "1,0,0"), _SOURCE)


class _View(Bar):
    """The bar of a run, and what came of it."""

    def __init__(self, episodes: int, quiet: bool = False) -> None:
        super().__init__("collecting", episodes, quiet)
        self.made: list[Done] = []
        self.already = 0
        self.seconds = 0.0
        self._began_s = time.monotonic()

    def started(self, already: int) -> None:
        """Workers begin; so many episodes were there before."""
        self.already, self._began_s = already, time.monotonic()
        self.begin(already)
        if already:
            self.say(f"going on: {already} of {self.total} episodes are there")

    def tell(self, done: Done) -> None:
        """An episode is in the data folder."""
        self.made.append(done)
        self.seconds = time.monotonic() - self._began_s
        self.at(self.already + len(self.made), f"{self._rate:.1f}/s")

    @property
    def _rate(self) -> float:
        return len(self.made) / self.seconds if self.seconds > 0.0 else 0.0

    def summary(self, there: int, data: Path) -> dict[str, Any]:
        """What was done, as JSON has it; rates are of this start, over its workers' whole time."""
        busy_s = sum(done.wall_s for done in self.made)
        limit_s = sum(done.limit_s for done in self.made)
        return {
            "episodes": there,
            "wanted": self.total,
            "new": len(self.made),
            "seconds": round(self.seconds, 3),
            "episodes_per_s": round(self._rate, 3),
            "limit_share": round(limit_s / busy_s, 4) if busy_s else None,
            "simulated_s": round(sum(done.simulated_s for done in self.made), 3),
            "steps": sum(done.steps for done in self.made),
            "successes": sum(done.success for done in self.made),
            "end_reasons": dict(sorted(Counter(done.reason for done in self.made).items())),
            "data": str(data),
        }


def _sentence(summary: dict[str, Any]) -> str:
    odd = {r: n for r, n in summary["end_reasons"].items() if r not in ("terminated", "step_limit")}
    faults = "".join(f", {count} ended with {reason}" for reason, count in odd.items())
    there = f"{summary['episodes']} of {summary['wanted']} episodes in {summary['data']}"
    now = f"now {summary['new']} in {summary['seconds']:.0f} s"
    rate = f"{summary['episodes_per_s']:.1f} a second"
    graded = f"{summary['successes']} successes by the simulation's truth"
    return f"{there}; {now} ({rate}), {graded}{faults}"
