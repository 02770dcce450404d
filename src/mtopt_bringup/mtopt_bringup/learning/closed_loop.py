"""`mtopt learn --hours`: collect, train, promote what got better, again; from an empty folder on.

Collecting and training take turns, since both want all cores. Each phase goes on where it was left:
episodes are counted in the data folder, steps in the checkpoint, the gate's attempts in their
journal, and `loop.json` says which phase it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mtopt_core.encoding import layout_hash
from mtopt_core.errors import ConfigError
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_data.partfile import make_folder
from mtopt_learner.learner import Learner
from mtopt_learner.loop import LoopConfig, LoopState, Phase, read_state, write_state
from mtopt_learner.replay.cache import FrameCache
from mtopt_learner.replay.log_replay import LogReplay
from mtopt_learner.training.metrics import MetricLog
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.store import ModelStore
from mtopt_sim.collecting.crew import Crew
from mtopt_sim.collecting.plan import open_plan
from mtopt_sim.collecting.station import Done, Places
from mtopt_sim.variation.scenes import stage

from ..paths import Paths
from ..stop import Stop
from .cycle import Cycle
from .gate import Gate
from .job import OK, Job, View, settings

STATE, STORY = "loop.json", "loop.jsonl"
SOURCE = "mtopt learn"
_SAVE_S = 10.0  # between two notes of the time spent
_WAIT_S = 1.0  # between two looks for episodes that others make


def run(wanted: argparse.Namespace) -> int:
    """0 when the hours are over, else that of the signal that stopped it. Raises MtoptError."""
    _check(wanted)
    paths = Paths.installed()
    config, tasks, bounds = settings(Path(wanted.config) if wanted.config else None)
    tasks = _staged_tasks(config.loop, tasks, paths)
    folder, data = (Path(each).expanduser().absolute() for each in (wanted.run, wanted.data))
    store = Path(wanted.models).expanduser().absolute()
    make_folder(data)
    with (
        Stop() as stop,
        FrameCache(folder / "cache", config.view, layout_hash(bounds, config.view.posed)) as cache,
        MetricLog(folder) as metrics,
        View(0, wanted.json) as view,
    ):
        replay = LogReplay(data, cache, config.view, bounds)
        learner = Learner(config, tasks, bounds, wanted.device)
        job = Job(learner, replay, metrics, folder, store, wanted.name, publish_often=False)
        loop = ClosedLoop(
            Cycle(config, tasks, bounds, wanted.cells, wanted.name, store, folder),
            job, Places(paths.config.parent, data), view, stop, 3600.0 * wanted.hours,
        )  # fmt: skip
        loop.run()
    told = loop.summary()
    sys.stdout.write(json.dumps(told) + "\n" if wanted.json else sentence(told) + "\n")
    return stop.exit_code if stop.asked else OK


def _check(wanted: argparse.Namespace) -> None:
    if not 0.0 < wanted.hours <= 1e5:
        raise ConfigError(SOURCE, "hours", wanted.hours, "must be above 0 and at most 100000")
    if not 0 <= wanted.cells <= 256:
        raise ConfigError(SOURCE, "cells", wanted.cells, "must be 0 to 256")


def _staged_tasks(loop: LoopConfig, tasks: TaskRegistry, paths: Paths) -> TaskRegistry:
    """The tasks of the scene that is collected in; raises ReservedForEvaluation, UnknownScene."""
    files = paths.node_files
    shown = stage(files["scenes_file"], files["variation_file"], loop.scene, loop.variation)
    return config_files.tasks(shown.tasks_file) if loop.scene else tasks


class ClosedLoop:
    """One start of the loop. It is itself who asks its phases to end: a signal, or the hours."""

    def __init__(
        self, cycle: Cycle, job: Job, places: Places, view: View, stop: Stop, limit_s: float
    ) -> None:
        self.cycle, self.job, self.places = cycle, job, places
        self.view, self.stop, self.limit_s = view, stop, limit_s
        expected = Expected(cycle.bounds, cycle.tasks.names)
        self.store = ModelStore(cycle.store, expected)
        self.gate = Gate(cycle, places.root, view, lambda: stop.asked)
        self.state = read_state(cycle.folder / STATE)
        self._began_s = self._saved_s = time.monotonic()
        self._before_s = self.state.spent_s

    @property
    def spent_s(self) -> float:
        """The time that all starts took so far."""
        return self._before_s + time.monotonic() - self._began_s

    @property
    def asked(self) -> bool:
        """Whether the phase is to end; notes the time now and then."""
        if time.monotonic() - self._saved_s > _SAVE_S:
            self._save()
        return self.stop.asked or self.spent_s >= self.limit_s

    def run(self) -> None:
        """Phase after phase until the hours are over or a signal comes."""
        self.job.open()
        if self.state != LoopState():
            words = self.job.words()
            self.view.say(f"going on in cycle {self.state.cycle}, {self.state.phase}: {words}")
        phases: dict[Phase, Callable[[], bool]] = {
            Phase.COLLECT: self._collect, Phase.TRAIN: self._train, Phase.GATE: self._pass_gate,
        }  # fmt: skip
        while not self.asked and phases[self.state.phase]():
            self.state = self.state.next(self.job.learner.steps, self.cycle.config.loop)
            self._save()
        if not self.stop.asked:
            self._conclude()
        self._save()
        if self.stop.asked:
            self.view.say("stopped; the same command goes on")

    def _conclude(self) -> None:
        """The hours are over: what the last minutes taught is not left lying."""
        if self.state.phase is Phase.TRAIN and self.job.published_behind:
            self._pass_gate()
        elif self.state.phase is Phase.GATE and self._pass_gate():
            self.state = self.state.next(self.job.learner.steps, self.cycle.config.loop)

    def summary(self) -> dict[str, Any]:
        """What all starts came to, as JSON has it."""
        known = self.job.summary()
        return {
            "cycle": self.state.cycle,
            "phase": str(self.state.phase),
            "hours": round(self.spent_s / 3600.0, 4),
            "steps": known["steps"],
            "episodes": known["episodes"],
            "skipped": known["skipped"],
            "promoted": self._promoted(),
            "gates": [line for line in _story(self.cycle.folder) if line["phase"] == Phase.GATE],
        }

    # -- phases: each says whether it came to its end ------------------------------------------

    def _collect(self) -> bool:
        wanted = self.cycle.wanted(self.state, served=self._promoted() is not None)
        if not self.cycle.cells:
            return self._wait_for(wanted.episodes if self.state.cycle == 0 else 0)
        plan = open_plan(self.places.data, wanted)
        made: list[Done] = []
        already = 0

        def started(there: int) -> None:
            nonlocal already
            already = there
            self.view.begin(there, f"cycle {self.state.cycle}: collecting", wanted.episodes)

        def tell(done: Done) -> None:
            made.append(done)
            good = sum(one.success for one in made)
            self.view.at(already + len(made), f"{good} of {len(made)} succeed")

        crew = Crew(self.places, plan, self.cycle.cells, tell)
        crew.run(started, lambda: self.asked)
        if already + len(made) < wanted.episodes:
            return False
        good = sum(one.success for one in made)
        self._tell(Phase.COLLECT, episodes=len(made), successes=good, model=self._promoted() or "")
        return True

    def _wait_for(self, episodes: int) -> bool:
        """Until cells elsewhere have filled the folder so far; training follows them after that."""
        there = self.job.replay.cache.episodes
        self.view.begin(len(there), "waiting for episodes", episodes)
        while not self.asked:
            self.job.look(self.view, self)
            self.view.at(len(there))
            if there and len(there) >= episodes:
                return True
            time.sleep(_WAIT_S)
        return False

    def _train(self) -> bool:
        self.job.look(self.view, self)
        name = f"cycle {self.state.cycle}: learning"
        self.view.begin(self.job.learner.steps, name, self.state.goal)
        self.job.train(self.state.goal, self.view, self)
        return self.job.learner.steps >= self.state.goal

    def _pass_gate(self) -> bool:
        """Publish; promote the version if it is as good as the one that serves."""
        new, old = self.job.publish(self.view), self._promoted()
        if new == old:
            return True
        verdict = self.gate.judge(new, old)
        if verdict is None:
            return False
        if verdict.promoted:
            self.store.promote(self.cycle.name, new)
        self.job.metrics.put(self.job.learner.steps, verdict.metrics())
        self._tell(Phase.GATE, **asdict(verdict))
        self.view.say(f"cycle {self.state.cycle}: {verdict}")
        return True

    # -- inside --------------------------------------------------------------------------------

    def _promoted(self) -> str | None:
        if not (self.cycle.store / self.cycle.name).is_dir():
            return None
        return self.store.promoted(self.cycle.name)

    def _save(self) -> None:
        self.state = replace(self.state, spent_s=round(self.spent_s, 3))
        self._saved_s = time.monotonic()
        write_state(self.cycle.folder / STATE, self.state)

    def _tell(self, phase: Phase, **facts: Any) -> None:
        """A line of the loop's story."""
        line = {
            "phase": str(phase),
            "cycle": self.state.cycle,
            "hours": round(self.spent_s / 3600.0, 4),
            "steps": self.job.learner.steps,
            "all_episodes": len(self.job.replay.cache.episodes),
            **facts,
        }
        with (self.cycle.folder / STORY).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def sentence(told: dict[str, Any]) -> str:
    """The summary for a person."""
    serves = f"{told['promoted']} serves" if told["promoted"] else "no version serves yet"
    means = [f"{gate['mean']:.2f}" for gate in told["gates"] if gate["mean"] is not None]
    ways = f"; means of the gates: {', '.join(means[-8:])}" if means else ""
    return (
        f"{told['hours']:.2f} hours, {told['cycle']} cycles, {told['episodes']} episodes, "
        f"{told['steps']} steps; {serves}{ways}"
    )


def _story(folder: Path) -> list[dict[str, Any]]:
    """The lines of the story; one that was cut short is not told."""
    try:
        text = (folder / STORY).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]
