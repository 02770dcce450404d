"""`mtopt learn detector` and `mtopt eval detector`, from labelled images to a table of errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.outcomes import TOY_TASKS, toy_config, write_toy_folder
from mtopt_bringup import cli
from mtopt_bringup.learning import learn_detector
from mtopt_bringup.learning.learn_detector import CHECKPOINT, run
from mtopt_bringup.stop import Stop
from mtopt_core.errors import ConfigError, ReservedForEvaluation
from mtopt_learner.detector.config import DetectorConfig
from mtopt_learner.errors import OutcomesMissing

CELLS = {"cell1": 12, "calibration1": 12, "heldout1": 9}


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    root = write_toy_folder(tmp_path / "labelled", CELLS)
    monkeypatch.setattr(learn_detector, "_settings", lambda _: (toy_config(6), TOY_TASKS))
    return [
        f"--labels={root}", f"--models={tmp_path / 'models'}", f"--run={tmp_path / 'run'}",
        "--json",
    ]  # fmt: skip


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_from_labels_to_a_version_that_is_judged(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["learn", "detector", *words]) == 0
    first = told(capsys)
    assert (first["steps"], first["training"], first["calibration"]) == (6, 12, 12)
    assert first["held_out_cells"] == {"heldout1": 9}
    assert first["held_out"]["lift-carrot"]["false_negatives"]["count"] == 3
    assert first["model"] == "watcher/0000012-000006"
    assert run(words) == 0  # nothing is left to do, and the same is told
    assert told(capsys) == first
    page = tmp_path / "page.md"
    judged = ["eval", "detector", f"--model={first['model']}", f"--page={page}", *words]
    assert cli.main(judged) == 0
    assert told(capsys)["held_out"] == first["held_out"]
    assert "9 outcomes of heldout1" in page.read_text() and "| lift-milk |" in page.read_text()


def test_a_cell_that_it_knows_cannot_judge_it(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(words) == 0
    name = told(capsys)["model"]
    values = toy_config(6)
    object.__setattr__(values.split, "held_out", ("cell1",))
    monkeypatch.setattr(learn_detector, "_settings", lambda _: (values, TOY_TASKS))
    with pytest.raises(ReservedForEvaluation, match="made with cells cell1"):
        learn_detector.evaluate([f"--model={name}", *words])
    object.__setattr__(values.split, "held_out", ("nobody",))
    with pytest.raises(OutcomesMissing, match="no labelled outcome of nobody"):
        learn_detector.evaluate([f"--model={name}", *words])


def test_a_signal_ends_it_and_the_same_command_goes_on(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    put = learn_detector.MetricLog.put
    stops: list[Stop] = []
    enter = Stop.__enter__
    monkeypatch.setattr(Stop, "__enter__", lambda self: stops.append(self) or enter(self))
    settings: DetectorConfig = toy_config(12)
    monkeypatch.setattr(learn_detector, "_settings", lambda _: (settings, TOY_TASKS))

    def interrupted(self: object, step: int, values: object) -> None:
        put(self, step, values)  # type: ignore[arg-type]
        stops[-1].number = 2

    monkeypatch.setattr(learn_detector.MetricLog, "put", interrupted)
    assert run(words) == 130
    assert (tmp_path / "run" / CHECKPOINT).exists() and not (tmp_path / "models").exists()
    assert run(words) == 0  # two steps are left, and no metrics fall due in them
    assert told(capsys)["steps"] == 12


def test_without_outcomes_there_is_nothing_to_do(words: list[str]) -> None:
    with pytest.raises(ConfigError, match="needs --data, --labels or both"):
        run(words[1:])
    with pytest.raises(SystemExit):
        cli.main(["eval", "moon"])


def test_the_shipped_settings_are_read() -> None:
    config, tasks = learn_detector._settings(str(_CONFIG))
    assert config.network.pooled_px == (3, 3) and len(tasks) == 12


_CONFIG = Path(__file__).resolve().parents[3] / "config" / "detector.yaml"
