"""One process's place of work: a cell, its policies, its grader, its files."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtopt_core.cell import CellFault
from mtopt_core.collection import Collector, Outcome
from mtopt_core.exploration import ExplorationMix, task_mixes
from mtopt_core.policy import Policy
from mtopt_core.schedule import LIFT, PLACE, Schedule
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.success import Grade, truth_grade
from mtopt_data import config_files

from ..cell import CellConfig, SimCell
from ..config import read_sim
from ..guided import GuidedPick, GuidedPlace, PartlyGuided
from ..variation.scenes import stage
from .channels import channels
from .errors import CollectingFailed
from .limit import LimitClock
from .plan import Plan
from .recorded_cell import RecordedCell
from .recording import Owner, Recording

_TRIES = 5  # of an episode whose reset fails


@dataclass(frozen=True)
class Places:
    """The folders: `root` with urdf/ and config/, `data` for the episodes."""

    root: Path
    data: Path


@dataclass(frozen=True)
class Done:
    """An episode that lies in the data folder. Times in seconds of this process's clock."""

    episode: int
    path: str
    task: str
    success: bool
    reason: str
    steps: int
    simulated_s: float
    wall_s: float
    limit_s: float


class Station:
    """Makes blocks of a plan; one a process, for its renderer lives in one thread. Close it."""

    def __init__(self, places: Places, plan: Plan) -> None:
        self._places, self._plan = places, plan
        files = places.root / "config"
        wanted = plan.wanted
        ranges = files / "variation.yaml"
        shown = stage(files / "scenes.yaml", ranges, wanted.scene, wanted.variation)
        tasks, actions = shown.tasks_file, files / "actions.yaml"
        self._registry = config_files.tasks(tasks)
        self._allowed = self._registry.only(wanted.tasks)
        self._bounds = config_files.action_bounds(actions)
        config = CellConfig(shown.sim(read_sim(files / "sim.yaml")))
        self._cell = SimCell.open(places.root, config, variation=shown.variation(wanted.cell))
        self._limit = LimitClock.on(self._cell)
        self._policy = self._make_policy()
        self._episode = 0
        self._recording = Recording(
            places.data,
            Owner(wanted.cell, scene=shown.scene.name, variation=shown.scene.level),
            self._cell,
            channels(),
            lambda: plan.token(self._episode),
        )

    def close(self) -> None:
        """Give up an open file, free the renderers."""
        self._recording.abandon("collecting was stopped")
        self._cell.close()

    def make(self, block: int, missing: Collection[int], tell: Callable[[Done], bool]) -> bool:
        """Make what is missing of a block; False if `tell` said to stop.

        Episodes before a missing one are made again without a file: the missing one follows
        from them. Raises MtoptError where a file cannot be written.
        """
        self._cell.renew()
        collector = Collector(
            RecordedCell(self._cell, self._recording),
            self._policy,
            self._grade,
            Schedule(self._allowed, seed=self._plan.block_seed(block)),
            [self._recording],
        )
        for episode in self._plan.episodes_of(block):
            if episode > max(missing, default=-1):
                break
            self._episode, self._recording.muted = episode, episode not in missing
            began = self._clocks()
            outcome = self._collect(collector, self._plan.seed(episode))
            if self._recording.lost is not None:
                raise self._recording.lost
            if episode in missing and not tell(self._done(outcome, began)):
                return False
        return True

    def _collect(self, collector: Collector, seed: int) -> Outcome:
        """One episode; where the reset before it fails the scene is made anew."""
        for _ in range(_TRIES):
            try:
                return collector.collect(collector.next_turn(), seed)
            except CellFault as fault:
                failed = fault
                self._cell.renew()
        raise CollectingFailed(f"{_TRIES} resets failed before episode {self._episode}: {failed}")

    def _done(self, outcome: Outcome, began: tuple[float, float, float]) -> Done:
        episode = outcome.episode
        simulated_s, wall_s, limit_s = np.subtract(self._clocks(), began)
        return Done(
            self._episode,
            str(self._recording.path),
            episode.task.name,
            outcome.success,
            str(episode.reason),
            len(episode.steps),
            float(simulated_s),
            float(wall_s),
            float(limit_s),
        )

    def _clocks(self) -> tuple[float, float, float]:
        """Simulated time, this process's wall time, and time at the machine's limit, in seconds."""
        return self._limit.simulated_s, time.perf_counter(), self._limit.seconds

    def _grade(self) -> Grade:
        return truth_grade(self._registry, self._cell.truth(), self._cell.workcell.workspace)

    def _make_policy(self) -> Policy:
        workspace, wanted = self._cell.workcell.workspace, self._plan.wanted
        scripts: dict[str, Policy] = {
            LIFT: ScriptedPick(workspace, self._bounds),
            PLACE: ScriptedPlace(workspace, self._bounds),
        }
        by_task = task_mixes(wanted.mix, "collect", self._registry.names)
        mix = ExplorationMix(scripts, self._make_greedy(), self._bounds, wanted.mix, by_task)
        if not wanted.guided:
            return mix
        guides: dict[str, Policy] = {
            LIFT: GuidedPick(self._cell, self._bounds),
            PLACE: GuidedPlace(self._cell, self._bounds),
        }
        return PartlyGuided(guides, mix, wanted.guided)

    def _make_greedy(self) -> Policy | None:
        folder = self._plan.wanted.models
        if not folder:
            return None
        from mtopt_robot.models.bundle import Expected
        from mtopt_robot.models.decider import Decider
        from mtopt_robot.models.engine import InferenceConfig
        from mtopt_robot.models.q_policy import QPolicy
        from mtopt_robot.models.store import ModelStore

        expected = Expected(self._bounds, self._registry.names)
        store = ModelStore(Path(folder), expected, InferenceConfig(threads=1))
        return QPolicy(Decider(store.load()))
