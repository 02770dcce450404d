"""One process's place of trial: a cell, the policy that is evaluated, the graders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mtopt_core.cell import CellFault
from mtopt_core.cem import CemConfig
from mtopt_core.episode import Episode, EpisodeLimits, run_episode
from mtopt_core.evaluation import Attempt, Chained
from mtopt_core.policy import Policy
from mtopt_core.rules import Covered
from mtopt_core.scene import SceneTruth
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.success import SuccessDetector
from mtopt_core.tasks import Task
from mtopt_data import config_files

from ..cell import CellConfig, SimCell
from ..config import read_sim
from ..variation.scenes import Staging, stage
from .journal import Result
from .starts import begin_holding
from .trial import CHAIN, SCRIPTED, Case, Setting, Trial, chain_of


@dataclass(frozen=True)
class Rules:
    """What every attempt of an evaluation has alike."""

    limits: EpisodeLimits = EpisodeLimits()
    cem: CemConfig = CemConfig()


def staged(root: Path, setting: Setting) -> Staging:
    """The scene of a setting; raises UnknownScene, ReservedForEvaluation, ConfigError."""
    files = root / "config"
    return stage(
        files / "scenes.yaml",
        files / "variation.yaml",
        setting.scene,
        setting.variation,
        setting.purpose,
    )


class Stand:
    """Makes attempts; one a process, for its renderer lives in one thread. Close it."""

    def __init__(self, root: Path, trial: Trial, rules: Rules = Rules()) -> None:
        files, setting = root / "config", trial.setting
        shown = staged(root, setting)
        self._trial, self._rules = trial, rules
        self._registry = config_files.tasks(shown.tasks_file)
        config = CellConfig(shown.sim(read_sim(files / "sim.yaml")))
        variation = shown.variation(setting.identity, setting.purpose)
        self._cell = SimCell.open(root, config, variation=variation)
        self._bounds = config_files.action_bounds(files / "actions.yaml")
        self._policies = self._make_policies()
        self._detector = self._make_detector()

    def close(self) -> None:
        """Free the renderers."""
        self._cell.close()

    def make(self, case: Case) -> Result:
        """The result of a case; raises MtoptError for what another try would meet again."""
        if case.task == CHAIN:
            return self._chain(case)
        task = self._registry[case.task]
        seed = self._trial.seed(task.name, case.number)
        if task.skill == PLACE:
            begin_holding(self._cell, seed, cloth=isinstance(task.rule, Covered))
        else:
            self._cell.restart(seed)
        episode = self._run(task, seed)
        ordinary = episode.reason.ordinary
        success = ordinary and self._succeeded(task, self._cell.truth())
        graded = self._graded(task) if ordinary and self._detector else None
        reason, steps = str(episode.reason), len(episode.steps)
        return Attempt(task.name, case.number, success, reason, steps, graded)

    def _chain(self, case: Case) -> Chained:
        """Task after task without a reset, up to the first that does not succeed.

        A place succeeds if the very object that was lifted rests where it should: on the plate
        there may lie others by then.
        """
        seed = self._trial.seed(CHAIN, case.number)
        tasks = chain_of(self._registry, case.length, seed)
        self._cell.restart(seed)
        done = 0
        for turn, task in enumerate(tasks):
            carried = {thing.name for thing in self._cell.truth().held}
            episode = self._run(task, self._trial.seed(CHAIN, case.number, turn))
            scene = self._cell.truth()
            if task.skill == PLACE:
                scene = only(scene, carried)
            if not (episode.reason.ordinary and self._succeeded(task, scene)):
                break
            done += 1
        return Chained(case.number, tuple(task.name for task in tasks), done)

    def _run(self, task: Task, seed: int) -> Episode:
        policy = self._policies[task.skill]
        return run_episode(self._cell, policy, task, limits=self._rules.limits, seed=seed)

    def _succeeded(self, task: Task, scene: SceneTruth) -> bool:
        return bool(task.rule.succeeded(scene, self._cell.workcell.workspace))

    def _graded(self, task: Task) -> bool | None:
        """The detector's verdict; None for a task that it does not know, or where it fails."""
        if self._detector is None:
            return None
        try:
            return self._detector.grade(self._cell.outcome_images()).success.get(task.name)
        except CellFault:
            return None

    def _make_policies(self) -> dict[str, Policy]:
        """By skill."""
        if self._trial.subject.policy == SCRIPTED:
            workspace = self._cell.workcell.workspace
            return {
                LIFT: ScriptedPick(workspace, self._bounds),
                PLACE: ScriptedPlace(workspace, self._bounds),
            }
        from mtopt_robot.models.bundle import Expected, check_bundle
        from mtopt_robot.models.decider import Decider
        from mtopt_robot.models.engine import InferenceConfig
        from mtopt_robot.models.q_policy import QPolicy

        expected = Expected(self._bounds, self._registry.names)
        folder = Path(self._trial.subject.folder)
        bundle = check_bundle(folder, expected, InferenceConfig(threads=1))
        return dict.fromkeys(self._registry.skills, QPolicy(Decider(bundle, self._rules.cem)))

    def _make_detector(self) -> SuccessDetector | None:
        folder = self._trial.setting.detector
        if not folder:
            return None
        from mtopt_robot.models.bundle import Expected, check_success_bundle
        from mtopt_robot.models.engine import InferenceConfig
        from mtopt_robot.models.model_detector import ModelDetector

        expected = Expected(None, self._registry.names)
        bundle = check_success_bundle(Path(folder), expected, InferenceConfig(threads=1))
        return ModelDetector(bundle, self._registry)


def only(scene: SceneTruth, names: set[str]) -> SceneTruth:
    """The scene as far as some objects go, and whatever else is in the gripper."""
    kept = tuple(thing for thing in scene.objects if thing.name in names or thing.held)
    return replace(scene, objects=kept)
