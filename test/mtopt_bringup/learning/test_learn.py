"""`mtopt learn` from recorded files to a version, and again where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.replay_episodes import write_replay_episode
from fakes.small_learner import SMALLEST
from mtopt_bringup.learning import job, learn
from mtopt_bringup.learning.job import CHECKPOINT, settings
from mtopt_bringup.learning.learn import run
from mtopt_bringup.stop import Stop
from mtopt_core.errors import ConfigError
from mtopt_data.errors import EpisodeMissing
from mtopt_learner.errors import NothingToReplay
from mtopt_learner.training.metrics import LINES
from mtopt_robot.models.bundle import check_bundle
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.expected import Expected

SMALL = (
    SMALLEST
    + """\
targets: {returns_first: 2}
training: {batch: 8, precision: fp32}
pace: {label: 16, pool: 16, look: 2, log: 1, checkpoint: 3, publish: 1000}
"""
)


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command for a folder with four good episodes and a damaged one."""
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))  # the checkout's own files
    (tmp_path / "small.yaml").write_text(SMALL)
    for number in range(5):
        graded = {"lift-any": number % 2 == 0, "lift-can": False}
        path = write_replay_episode(tmp_path / "data", number, success=graded)
    path.write_bytes(path.read_bytes()[:-500])
    return [
        f"--data={tmp_path / 'data'}", f"--models={tmp_path / 'models'}",
        f"--run={tmp_path / 'run'}", f"--config={tmp_path / 'small.yaml'}", "--json",
    ]  # fmt: skip


def told(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_from_files_to_a_version_and_on(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run([*words, "--steps=4"]) == 0
    first = told(capsys)
    assert (first["steps"], first["new"], first["episodes"], first["skipped"]) == (4, 4, 4, 1)
    assert first["published"] == ["0000004"]
    _, tasks, bounds = settings(tmp_path / "small.yaml")
    folder = tmp_path / "models" / "mtopt" / "0000004"
    check_bundle(folder, Expected(bounds, tasks.names), InferenceConfig(1, "cpu", "fp32"))
    # A real version takes seconds; from here on it is enough that one is written.
    monkeypatch.setattr(job, "publish", lambda *_: folder)
    write_replay_episode(tmp_path / "data", 9)
    assert run([*words, "--steps=6"]) == 0
    second = told(capsys)
    assert (second["steps"], second["new"], second["episodes"]) == (6, 2, 5)
    assert second["published"] == ["0000006"]
    lines = [json.loads(line) for line in (tmp_path / "run" / LINES).read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[0]["share/lift-any"] == pytest.approx(0.5)
    assert run([*words, "--steps=6"]) == 0
    assert told(capsys)["new"] == 0


def test_a_signal_ends_it_between_two_steps(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    class Soon(Stop):
        looks = 0

        @property
        def asked(self) -> bool:
            self.looks += 1
            self.number = 2 if self.looks > 5 else 0
            return self.number != 0

    monkeypatch.setattr(learn, "Stop", Soon)
    assert run([*words, "--steps=100"]) == 130
    stopped = told(capsys)
    assert 0 < stopped["steps"] < 100 and stopped["published"] == []
    assert (tmp_path / "run" / CHECKPOINT).exists()
    monkeypatch.setattr(learn, "Stop", Stop)
    monkeypatch.setattr(job, "publish", lambda *_: tmp_path)
    assert run([*words, f"--steps={stopped['steps'] + 1}"]) == 0
    assert told(capsys)["new"] == 1


def test_wrong_starts_say_what_is_wrong(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(ConfigError, match="steps"):
        run([*words, "--steps=0"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToReplay):
        run([*words, f"--data={tmp_path / 'empty'}", f"--run={tmp_path / 'b'}", "--steps=1"])
    with pytest.raises(EpisodeMissing, match="nowhere"):
        run([*words, f"--data={tmp_path / 'nowhere'}", f"--run={tmp_path / 'c'}", "--steps=1"])
