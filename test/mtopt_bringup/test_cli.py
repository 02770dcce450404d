"""The command line: exit codes and one-line messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mtopt_bringup import cli


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_is_given_when_asked_for(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    assert "up" in capsys.readouterr().out


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fly"]) == 2
    assert "unknown command 'fly'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--tasks", "lift-moon"], "argument: tasks = 'lift-moon': must be among lift-any"),
        (["up", "--cells", "cell7"], "argument: cells = 'cell7': must be"),
        (["up", "--fleet", "/none.yaml"], "/none.yaml: no such file"),
        (["up", "--console"], "argument: console = True: must be one of False"),
        (["up", "--episodes", "x"], "argument: episodes = 'x': must be a whole number"),
        (["up", "speed=2"], "unrecognized arguments: speed=2"),
        (["up", "--data", "/proc/none"], "argument: data = '/proc/none': must be a folder"),
        (["bench", "nothing"], "bench = 'nothing': must be one of log"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = cli.main(words)
    except SystemExit as stop:  # argparse
        code = stop.code  # type: ignore[assignment]
    assert code == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_interrupted_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(cli._RUN, "up", interrupted)
    assert cli.main(["up"]) == 130


def test_help_needs_none_of_the_heavy_parts() -> None:
    source = (
        "import sys; from mtopt_bringup import cli; cli.main(['--help']); "
        "print([m for m in ('rclpy', 'numpy', 'rich', 'mujoco') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(cli.__file__).parents[1]), "PATH": "/usr/bin"},
    )
    assert done.stdout.splitlines()[-1] == "[]"
