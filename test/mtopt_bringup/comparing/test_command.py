"""`mtopt compare` from recorded episodes to a table, and again after any end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.fake_model import manifest_of
from fakes.replay_episodes import write_replay_episode
from fakes.small_learner import SMALLEST
from mtopt_bringup import cli
from mtopt_bringup.comparing import command
from mtopt_bringup.evaluating import command as evaluating
from mtopt_bringup.learning import job, learn
from mtopt_core.action import ActionBounds
from mtopt_core.errors import ConfigError
from mtopt_core.evaluation import Attempt
from mtopt_core.purpose import Purpose
from mtopt_learner.errors import NothingToReplay
from mtopt_robot.models import sealing
from mtopt_sim.evaluating.trial import Case, Trial

SMALL = (
    SMALLEST
    + """\
targets: {returns_first: 100}
training: {batch: 8, precision: fp32}
pace: {label: 16, pool: 16, log: 1, checkpoint: 100}
"""
)
QUESTION = """
title: Few or many
text: What is asked.
source: the paper's table
tasks: [lift-any, lift-can]
steps: 4
attempts: 2
variants:
  - {name: one, text: a task, tasks: [lift-any], share: 0.5, most: {lift-can: 1},
     paper: {lift-any: 0.25}}
  - {name: both, text: all tasks, learn: {task: {heads: multi}}, paper: {mean: 0.5}}
  - {name: later, text: goes on, begin: one, share: 0.5}
"""


class Killed(Exception):
    """The process is gone."""


class World:
    """Steps of training and attempts that were made; `kill` says after how many to be gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[int, int]] = []  # tasks that the learner knows, its steps before
        self.made: list[tuple[str, Case]] = []
        self.trials: list[Trial] = []
        self.begun: list[str] = []
        self.kill = 10**9

    def happens(self) -> None:
        self.kill -= 1
        if self.kill < 0:
            raise Killed

    def run(self, *words: str) -> int:
        folder = self.folder
        return command.run([
            str(folder / "q.yaml"), f"--data={folder / 'data'}", f"--run={folder / 'run'}",
            f"--config={folder / 'small.yaml'}", "--workers=1", "--json", *words,
        ])  # fmt: skip


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: ActionBounds) -> World:
    made = World(tmp_path)
    step, begin_with = learn.Learner.step, learn.Learner.begin_with

    def begun(self: Any, path: Path) -> None:
        made.begun.append(path.parent.name)
        begin_with(self, path)

    def stepped(self: Any, frames: Any) -> dict[str, float]:
        made.happens()
        made.steps.append((len(self.tasks), self.steps))
        return step(self, frames)

    def evaluate(
        root: Path, trial: Trial, cases: list[Case], workers: int, tell: Callable[..., None],
        stopped: Any,
    ) -> None:  # fmt: skip
        made.trials.append(trial)
        for case in cases:
            made.happens()
            made.made.append((trial.subject.model, case))
            tell(Attempt(case.task, case.number, case.number == 0, "terminated", 3))

    def publish(learner: Any, frames: Any, store: Path, name: str, version: str) -> Path:
        folder = store / name / version
        folder.mkdir(parents=True)
        text = manifest_of(learner.tasks.names, bounds, name, version).to_text().encode()
        (folder / sealing.MANIFEST).write_bytes(text)
        (folder / sealing.SEAL).write_text(sealing.seal_of(text))
        return folder

    monkeypatch.setattr(evaluating, "evaluate", evaluate)
    monkeypatch.setattr(job, "publish", publish)
    monkeypatch.setattr(learn.Learner, "step", stepped)
    monkeypatch.setattr(learn.Learner, "begin_with", begun)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))  # the checkout's own files
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "q.yaml").write_text(QUESTION)
    for number in range(5):
        good = number % 2 == 0
        write_replay_episode(
            tmp_path / "data", number, task="lift-can" if number > 2 else "lift-any",
            success={"lift-any": good, "lift-can": not good},
        )  # fmt: skip
    return made


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out)


TRAINED = [(1, 0), (1, 1), (12, 0), (12, 1), (12, 2), (12, 3), (12, 0), (12, 1)]


def test_from_episodes_to_a_table(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    out, page = world.folder / "o" / "c.json", world.folder / "o" / "c.md"
    assert world.run(f"--out={out}", f"--page={page}") == 0
    found = told(capsys)
    assert found == json.loads(out.read_text()) and found["complete"]
    assert world.steps == TRAINED and world.begun == ["one-1"]
    by_name = {one["name"]: one for one in found["variants"]}
    assert {name: one["episodes"] for name, one in by_name.items()} == {
        "one": 4, "both": 5, "later": 5,
    }  # fmt: skip
    assert list(by_name["one"]["tasks"]) == ["lift-any"], "it knows no other"
    assert by_name["both"]["tasks"]["lift-can"]["right"] == 1
    assert by_name["both"]["mean"] == 0.5 and by_name["both"]["by_seed"]["mean"] == {"1": 0.5}
    assert {trial.setting.purpose for trial in world.trials} == {Purpose.EVALUATION}
    assert {trial.setting.scene for trial in world.trials} == {"standard"}
    lines = page.read_text().splitlines()
    assert lines[0] == "# Few or many"
    assert "| one | 4 | 1 | 0.50 (0.00 to 1.00) | 0.50 | 0.50 |" in lines
    assert "| both | 5 | 2 | 0.50 (0.01 to 0.99) [0.50] | 0.50 | 0.50 |" in lines
    assert "| lift-any | 0.50 (0.09 to 0.91) [0.25] | 0.50 (0.09 to 0.91) | 0.50 (0.09 to 0.91) |" \
        in lines  # fmt: skip


def test_what_is_done_is_not_done_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.run()
    first = told(capsys)
    write_replay_episode(world.folder / "data", 9)  # too late for this comparison
    assert world.run() == 0
    assert told(capsys) == first
    assert (len(world.steps), len(world.made)) == (len(TRAINED), 2 * 1 + 2 * 2 + 2 * 2)
    shutil.rmtree(world.folder / "run" / "cache")  # it is decoded now
    assert world.run("--attempts=3", "--seeds=1,2") == 0
    more = told(capsys)
    assert len(world.steps) == 2 * len(TRAINED), "the second seed alone is trained"
    assert [one["episodes"] for one in more["variants"]] == [4, 5, 5]
    assert more["variants"][0]["tasks"]["lift-any"]["tries"] == 6
    assert set(more["variants"][0]["by_seed"]["mean"]) == {"1", "2"}
    assert world.run("--only=later", "--json") == 0
    assert [one["name"] for one in told(capsys)["variants"]] == ["one", "later"]


@pytest.mark.parametrize("after", [1, 9, 15])
def test_a_kill_at_any_moment_costs_what_was_under_way(
    world: World, capsys: pytest.CaptureFixture[str], after: int
) -> None:
    world.kill = after
    with pytest.raises(Killed):
        world.run()
    capsys.readouterr()
    world.kill = 10**9
    assert world.run() == 0
    assert told(capsys)["complete"]
    assert len(world.made) == len(set(world.made)) == 10
    again = [place for place in set(world.steps) if world.steps.count(place) > TRAINED.count(place)]
    assert len({tasks for tasks, _ in again}) <= 1, "only one variant's steps are made again"


def test_a_folder_is_of_one_comparison(world: World) -> None:
    world.run("--only=one")
    path = world.folder / "q.yaml"
    path.write_text(QUESTION.replace("{lift-can: 1}", "{lift-can: 2}"))
    with pytest.raises(ConfigError, match="begun otherwise"):
        world.run("--only=one")
    path.write_text(QUESTION.replace("text: a task", "text: said otherwise"))
    assert world.run("--only=one") == 0


def test_the_questions_are_listed(capsys: pytest.CaptureFixture[str], world: World) -> None:
    assert cli.main(["compare"]) == 0
    assert "strategies      Which episodes a task learns from" in capsys.readouterr().out


def test_wrong_words_are_refused_by_name(world: World) -> None:
    for words, error, said in (
        (["moon"], ConfigError, "must be one of adaptation, few-episodes"),
        (["heads", "--seeds=x"], ConfigError, "seeds = 'x'"),
        (["heads", "--steps=0"], ConfigError, "steps = 0"),
        (["heads", "--only=triple"], ConfigError, "must be among single, multi"),
        (["heads", "--workers=0"], ConfigError, "workers = 0"),
    ):
        with pytest.raises(error, match=said):
            command.run(words)
    (world.folder / "q.yaml").write_text(
        QUESTION.replace("share: 0.5, most", "collected: [place-any], most")
    )
    with pytest.raises(NothingToReplay, match="one: none of 5"):
        world.run()
