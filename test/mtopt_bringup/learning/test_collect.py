"""The words of `mtopt collect`, and what it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mtopt_bringup.learning import collect
from mtopt_core.errors import ConfigError, ReservedForEvaluation, UnknownTask
from mtopt_core.exploration import MixConfig
from mtopt_data.errors import NameInvalid
from mtopt_sim.collecting.errors import PlanInvalid, WorkersLost
from mtopt_sim.collecting.plan import Plan
from mtopt_sim.collecting.station import Done, Places
from mtopt_sim.errors import UnknownScene


def done(episode: int, reason: str = "terminated", success: bool = False) -> Done:
    return Done(episode, "file", "lift-any", success, reason, 6, 7.0, 0.25, 0.2)


class FakeCrew:
    """Makes every episode at once and remembers what it was asked for."""

    plan: Plan
    workers: int
    ends_with: BaseException | None = None

    def __init__(self, places: Places, plan: Plan, workers: int, tell: Any) -> None:
        FakeCrew.plan, FakeCrew.workers = plan, workers
        self._tell = tell

    def run(self, started: Any) -> None:
        started(1)
        for episode in range(1, self.plan.wanted.episodes):
            self._tell(done(episode, "contact" if episode == 2 else "terminated", episode == 3))
        if self.ends_with is not None:
            raise self.ends_with


@pytest.fixture(autouse=True)
def crew(monkeypatch: pytest.MonkeyPatch) -> type[FakeCrew]:
    monkeypatch.setattr(collect, "Crew", FakeCrew)
    monkeypatch.setattr(FakeCrew, "ends_with", None)
    return FakeCrew


def run(tmp_path: Path, *words: str) -> int:
    return collect.run(["--episodes", "5", "--data", str(tmp_path), *words])


def test_the_words_become_the_run(tmp_path: Path) -> None:
    words = ("--seed", "9", "--tasks", "place-any, lift-any", "--workers", "3", "--models", "m")
    assert run(tmp_path, *words, "--mix", "0.5,1,2") == 0
    wanted = FakeCrew.plan.wanted
    assert (wanted.episodes, wanted.seed, FakeCrew.workers) == (5, 9, 3)
    assert wanted.tasks == ("lift-any", "place-any")
    assert wanted.mix == MixConfig(0.5, 1.0, 2.0)
    assert Path(wanted.models).is_absolute()


def test_without_models_the_scripts_act_and_with_them_the_network(tmp_path: Path) -> None:
    run(tmp_path)
    assert FakeCrew.plan.wanted.mix == MixConfig(1.0, 0.0, 0.0)
    run(tmp_path, "--models", "m")
    assert FakeCrew.plan.wanted.mix == MixConfig(0.0, 1.0, 1.0)


def test_a_scene_brings_its_tasks_and_a_cell_its_look(tmp_path: Path) -> None:
    words = ("--scene", "extended", "--variation", "mild", "--cell", "cell7")
    assert run(tmp_path, *words, "--tasks", "lift-cloth") == 0
    wanted = FakeCrew.plan.wanted
    assert (wanted.scene, wanted.variation, wanted.cell) == ("extended", "mild", "cell7")
    assert wanted.tasks == ("lift-cloth",)
    with pytest.raises(UnknownTask, match="lift-cloth"):
        run(tmp_path, "--tasks", "lift-cloth")


def test_training_gets_nothing_that_is_reserved(tmp_path: Path) -> None:
    with pytest.raises(ReservedForEvaluation, match="'standard' is kept for evaluation"):
        run(tmp_path, "--scene", "standard")
    with pytest.raises(UnknownScene, match="moon"):
        run(tmp_path, "--scene", "moon")
    with pytest.raises(ConfigError, match="'wild'"):
        run(tmp_path, "--variation", "wild")
    with pytest.raises(NameInvalid, match="7up"):
        run(tmp_path, "--cell", "7up")


@pytest.mark.parametrize("mix", ["1,2", "a,b,c", "0,0,0", "1,-1,1", "nan,1,1", "1e9,0,0"])
def test_a_mix_that_is_none_is_refused(tmp_path: Path, mix: str) -> None:
    with pytest.raises(ConfigError, match="mix"):
        run(tmp_path, "--mix", mix)


def test_wrong_words_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownTask, match="lift-bannana"):
        run(tmp_path, "--tasks", "lift-bannana")
    with pytest.raises(ConfigError, match="workers"):
        run(tmp_path, "--workers", "0")
    with pytest.raises(PlanInvalid, match="episodes"):
        collect.run(["--episodes", "0", "--data", str(tmp_path)])


def test_json_is_one_object_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["wanted"] == 5 and said["new"] == 4 and said["successes"] == 1
    assert said["episodes"] == 0  # what really lies there counts, not what was told
    assert said["end_reasons"] == {"contact": 1, "terminated": 3}
    assert said["limit_share"] == pytest.approx(0.8)


def test_a_person_reads_lines_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path)
    out = capsys.readouterr().out
    assert "going on: 1 of 5" in out and "1 ended with contact" in out
    assert "simulation's truth" in out and "\x1b" not in out


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [(KeyboardInterrupt(), 130, "goes on"), (WorkersLost("5 workers"), 1, "WorkersLost: 5")],
)
def test_ends_have_codes_and_words(
    end: BaseException,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(FakeCrew, "ends_with", end)
    assert run(tmp_path) == code
    assert said in capsys.readouterr().err
