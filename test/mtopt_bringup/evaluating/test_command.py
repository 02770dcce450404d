"""The words of `mtopt eval`, what it tells, and that it goes on where it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.fake_model import manifest_of, write_fake
from mtopt_bringup.evaluating import command, page
from mtopt_bringup.evaluating.subject import greedy
from mtopt_core.action import ActionBounds
from mtopt_core.errors import ConfigError, UnknownTask
from mtopt_core.evaluation import Attempt, Chained
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.errors import ModelMissing
from mtopt_sim.errors import UnknownScene
from mtopt_sim.evaluating.trial import CHAIN, Case, Trial

made: list[Case] = []


def result(case: Case) -> Attempt | Chained:
    """Even attempts succeed."""
    if case.task == CHAIN:
        return Chained(case.number, ("lift-any",) * case.length, case.number)
    good = case.number % 2 == 0
    return Attempt(case.task, case.number, good, "terminated", 6, graded=good)


@pytest.fixture(autouse=True)
def fake_crew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Trial]:
    trials: list[Trial] = []
    made.clear()

    def evaluate(
        root: Path, trial: Trial, cases: list[Case], workers: int, tell: Callable[..., None],
        stopped: Callable[[], bool],
    ) -> None:  # fmt: skip
        trials.append(trial)
        for case in cases:
            made.append(case)
            tell(result(case))

    monkeypatch.setattr(command, "evaluate", evaluate)
    monkeypatch.chdir(tmp_path)
    return trials


def run(*words: str) -> int:
    return command.run(["--policy", "scripted", "--attempts", "4", *words])


def test_a_result_is_data_a_table_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fake_crew: list[Trial]
) -> None:
    words = ("--tasks", "lift-any,place-any", "--chains", "3", "--scene", "unseen-light")
    assert run(*words, "--json", "--out", "o/e.json", "--page", "o/e.md") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "o" / "e.json").read_text())
    assert told["tasks"] == {"lift-any": 0.5, "place-any": 0.5}
    assert told["intervals"]["lift-any"] == pytest.approx([0.15, 0.85], abs=1e-4)
    assert (told["lift_any"], told["mean"], told["worst"]) == (0.5, 0.5, 0.5)
    assert told["complete"] and told["tried"] == {"lift-any": 4, "place-any": 4}
    assert {n: share["right"] for n, share in told["chains"].items()} == {
        "2": 1, "3": 0, "4": 0, "5": 0,
    }  # fmt: skip
    assert told["detector"]["false_positives"]["tries"] == 4
    assert fake_crew[0].setting.scene == "unseen-light"
    text = (tmp_path / "o" / "e.md").read_text()
    assert "| lift-any | 0.89 | 0.50 (0.15 to 0.85) |" in text
    assert "| lift-can | 0.43 |  |" in text, "blank where nothing was measured"
    assert (tmp_path / "o" / "e.svg").read_text().startswith("<svg")
    assert run(*words) == 0
    assert "lift-any                  0.50   0.15 to 0.85 of 4" in capsys.readouterr().out


def test_it_goes_on_where_it_ended_and_more_attempts_add_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = command.evaluate

    def killed(*args: Any) -> None:
        root, trial, cases, *rest = args
        whole(root, trial, cases[:5], *rest)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "evaluate", killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(command, "evaluate", whole)
    before = list(made)
    assert run("--json") == 0
    assert len(made) == len(set(made)) == 4 * 12 and made[:5] == before
    assert json.loads(capsys.readouterr().out)["complete"]
    assert run("--attempts", "5") == 0
    assert len(made) == 5 * 12


def test_a_model_is_named_by_folder_or_in_a_store_and_does_what_it_knows(
    tmp_path: Path, bounds: ActionBounds, registry: TaskRegistry, fake_crew: list[Trial],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    few = registry.names[:3]
    for version in ("1", "2"):
        write_fake(tmp_path / "m", manifest_of(few, bounds, version=version))
    for words in (["--models=m"], ["--model=fake/2", "--models=m"], ["--model=m/fake/1"]):
        assert command.run(["--attempts=1", "--json", *words]) == 0
    trials, told = fake_crew, capsys.readouterr().out
    assert [trial.subject.model for trial in trials] == ["fake/2", "fake/2", "fake/1"]
    assert trials[0].name != trials[2].name, "the same networks under another name"
    assert list(json.loads(told[: told.index("}\n{") + 1])["tasks"]) == list(few)
    assert greedy(tmp_path / "m" / "fake" / "1").seal == trials[0].subject.seal
    with pytest.raises(ConfigError, match="tasks = 'place-any': fake/2 knows lift-any"):
        command.run(["--models=m", "--tasks=place-any"])


def test_wrong_words_are_refused_by_name(tmp_path: Path) -> None:
    for words, error, said in (
        (["--scene=moon"], UnknownScene, "moon"),
        (["--tasks=lift-moon"], UnknownTask, "lift-moon"),
        (["--attempts=0"], ConfigError, "attempts = 0"),
        (["--workers=0"], ConfigError, "workers = 0"),
        (["--rerun"], ConfigError, "goes with --shipped"),
        (["--policy=learned", "--models=none"], ModelMissing, "none: no such model store"),
        (["--detector=d", "--models=none"], ModelMissing, "none"),
    ):
        with pytest.raises(error, match=said):
            run(*words)
    with pytest.raises(SystemExit):
        run("--policy=lucky")


def test_columns_stand_beside_each_other() -> None:
    one = {"model": "a/1", "scene": "standard", "grader": "truth", "tasks": {"x": 0.5},
           "intervals": {"x": [0.4, 0.6]}, "tried": {"x": 100}, "mean": 0.5}  # fmt: skip
    other = {**one, "model": "b/1", "scene": "plain", "tasks": {}, "tried": {}}
    lines = page.section([one, other])
    assert lines[0] == "| task | the paper | a/1 | b/1, plain |"
    assert "| x |  | 0.50 (0.40 to 0.60) |  |" in lines
    assert "- b/1, plain: scene `plain`, no attempts a task, graded by truth." in lines
