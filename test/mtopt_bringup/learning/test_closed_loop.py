"""The closed loop from an empty folder, and again after any end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.fake_model import manifest_of
from fakes.replay_episodes import write_replay_episode
from fakes.small_learner import SMALLEST
from mtopt_bringup.learning import closed_loop, gate, job, learn
from mtopt_core.action import ActionBounds
from mtopt_core.errors import ConfigError, ReservedForEvaluation
from mtopt_core.evaluation import Attempt
from mtopt_core.exploration import MixConfig
from mtopt_core.purpose import Purpose
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models import sealing
from mtopt_robot.models.store import PROMOTED, ModelStore
from mtopt_sim.collecting.plan import Plan
from mtopt_sim.collecting.station import Done
from mtopt_sim.evaluating.trial import Case, Trial

SMALL = (
    SMALLEST
    + """\
targets: {returns_first: 2}
training: {batch: 8, precision: fp32}
pace: {label: 16, pool: 16, look: 2, log: 1, checkpoint: 3, publish: 2}
loop: {first_episodes: 4, first_guided: 0.5, first_steps: 4, episodes: 2, steps: 3,
       gate_attempts: 2}
"""
)
COLLECT_S, EVALUATE_S = 1000.0, 100.0
GOOD = {"0000004": 0, "0000007": 1, "0000010": 0, "0000013": 2}  # attempts of two that succeed


class Killed(Exception):
    """The process is gone, at a moment that nobody chose."""


class World:
    """What stands around the learner: a clock, cells that fill a folder, attempts, a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 0.0
        self.runs: list[Any] = []
        self.trials: list[Trial] = []
        self.made: list[tuple[str, Case]] = []
        self.numbers = 0
        self.kill: Callable[[str], bool] = lambda where: False

    def happens(self, where: str) -> None:
        if self.kill(where):
            self.kill = lambda where: False
            raise Killed(where)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """While the loop waits, a cell elsewhere makes an episode."""
        self.now_s += seconds
        self.episode()

    def episode(self) -> None:
        write_replay_episode(
            self.folder / "data", self.numbers, success={"lift-any": self.numbers % 2 == 0}
        )
        self.numbers += 1


@pytest.fixture
def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: ActionBounds, registry: TaskRegistry
) -> World:
    made = World(tmp_path)

    class Crew:
        def __init__(self, places: Any, plan: Plan, workers: int, tell: Any) -> None:
            self.plan, self.tell = plan, tell

        def run(self, started: Any, stopped: Any) -> None:
            wanted = self.plan.wanted
            there = [one for one in made.runs if one == wanted]
            started(len(there))
            for number in range(len(there), wanted.episodes):
                made.happens("collect")
                made.episode()
                made.runs.append(wanted)
                self.tell(Done(number, "file", "lift-any", True, "terminated", 3, 1, 1, 1))
            made.now_s += COLLECT_S

    def evaluate(
        root: Path, trial: Trial, cases: list[Case], workers: int, tell: Any, stopped: Any
    ) -> None:
        made.trials.append(trial)
        version = trial.subject.model.partition("/")[2]
        for case in cases:
            made.happens("gate")
            made.made.append((version, case))
            good = case.number < GOOD[version]
            tell(Attempt(case.task, case.number, good, "terminated", 3))
        made.now_s += EVALUATE_S

    def publish(learner: Any, frames: Any, store: Path, name: str, version: str) -> Path:
        made.happens("publish")
        folder = store / name / version
        folder.mkdir(parents=True)
        text = manifest_of(registry.names, bounds, name, version).to_text().encode()
        (folder / sealing.MANIFEST).write_bytes(text)
        (folder / sealing.SEAL).write_text(sealing.seal_of(text))
        return folder

    def stepped(self: Any, frames: Any) -> dict[str, float]:
        made.happens("train")
        self.trainer.steps += 1  # a real one is test_learn's business
        return dict.fromkeys(("loss", "q", "target", "return"), 0.5)

    monkeypatch.setattr(closed_loop, "Crew", Crew)
    monkeypatch.setattr(closed_loop, "time", made)
    monkeypatch.setattr(gate, "evaluate", evaluate)
    monkeypatch.setattr(job, "publish", publish)
    monkeypatch.setattr(ModelStore, "check", lambda *_: None)  # there are no networks
    monkeypatch.setattr(learn.Learner, "step", stepped)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))  # the checkout's own files
    (tmp_path / "small.yaml").write_text(SMALL)
    return made


def run(world: World, *words: str, hours: float = 1.3) -> int:
    """1.3 hours are four cycles of collecting and their gates."""
    folder = world.folder
    return learn.run([
        f"--hours={hours}", "--cells=2", f"--data={folder / 'data'}",
        f"--models={folder / 'models'}", f"--run={folder / 'run'}",
        f"--config={folder / 'small.yaml'}", "--json", *words,
    ])  # fmt: skip


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


def gates(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("version", "mean", "against", "against_mean", "promoted")
    return [tuple(one[name] for name in names) for one in told["gates"]]


UNBROKEN = [
    ("0000004", 0.0, "", None, True),
    ("0000007", 0.5, "0000004", 0.0, True),
    ("0000010", 0.0, "0000007", 0.5, False),
    ("0000013", 1.0, "0000007", 0.5, True),
]


def test_from_an_empty_folder_to_versions_of_which_the_better_serve(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(world) == 0
    summary = told(capsys)
    assert gates(summary) == UNBROKEN
    assert (summary["promoted"], summary["steps"]) == ("0000013", 13)
    assert summary["episodes"] == 4 + 3 * 2 and summary["cycle"] == 4
    promoted = (world.folder / "models" / "mtopt" / PROMOTED).read_text().split()
    assert promoted == ["0000004", "0000007", "0000013"]
    first, later = world.runs[0], world.runs[4]
    assert (first.episodes, first.models, first.mix, first.guided) == (4, "", MixConfig(), 0.5)
    assert later.models == str(world.folder / "models")
    assert later.mix == MixConfig(0.0, 1.0, 1.0, 0.2) and later.seed == first.seed + 1
    assert run(world) == 0, "the hours are over"
    assert told(capsys)["gates"] == summary["gates"]


def test_the_gate_has_seeds_of_its_own_and_the_same_for_both(world: World) -> None:
    run(world)
    assert {trial.setting.purpose for trial in world.trials} == {Purpose.GATE}
    assert {trial.setting.scene for trial in world.trials} == {"plain"}
    series = [(trial.subject.model, trial.setting.series) for trial in world.trials]
    assert series[:5] == [
        ("mtopt/0000004", "0000004"), ("mtopt/0000007", "0000007"), ("mtopt/0000004", "0000007"),
        ("mtopt/0000010", "0000010"), ("mtopt/0000007", "0000010"),
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["collect", "train", "publish", "gate"])
@pytest.mark.parametrize("when", [2, 5])
def test_whatever_ends_it_the_same_command_goes_on(
    world: World, capsys: pytest.CaptureFixture[str], where: str, when: int
) -> None:
    met = 0

    def kill(place: str) -> bool:
        nonlocal met
        met += place == where
        return place == where and met == when

    world.kill = kill
    if where != "publish" or when < 5:  # there are but four versions
        with pytest.raises(Killed, match=where):
            run(world)
        capsys.readouterr()
    assert run(world) == 0
    summary = told(capsys)
    assert gates(summary) == UNBROKEN and summary["steps"] == 13
    assert summary["episodes"] == 10 and world.numbers == 10, "no episode is made twice"
    by_trial = [(version, case.task, case.number) for version, case in world.made]
    assert len(by_trial) == 7 * 12 * 2, "nor an attempt"


def test_cells_elsewhere_fill_the_folder(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.kill = lambda where: where == "collect"
    assert run(world, "--cells=0", hours=0.08) == 0
    summary = told(capsys)
    assert world.runs == [] and world.numbers >= 4
    assert gates(summary)[:2] == UNBROKEN[:2]


def test_without_a_gate_every_version_is_promoted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (world.folder / "small.yaml").read_text()
    (world.folder / "small.yaml").write_text(text.replace("gate_attempts: 2", "gate_attempts: 0"))
    assert run(world, hours=0.6) == 0
    assert world.trials == []
    assert gates(told(capsys)) == [(v, None, "", None, True) for v in ("0000004", "0000007")]


def test_wrong_starts_say_what_is_wrong(world: World) -> None:
    for words, said in (
        (["--hours=1", "--steps=5"], "either --steps"),
        ([], "either --steps"),
        (["--hours=0"], "hours = 0.0: must be above 0"),
        (["--hours=1", "--cells=-1"], "cells = -1"),
    ):
        with pytest.raises(ConfigError, match=said):
            learn.run([*words, f"--config={world.folder / 'small.yaml'}"])
    text = (world.folder / "small.yaml").read_text()
    changed = text.replace("gate_attempts: 2", "gate_attempts: 2, scene: standard")
    (world.folder / "small.yaml").write_text(changed)
    with pytest.raises(ReservedForEvaluation, match="standard"):
        run(world)
