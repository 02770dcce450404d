"""What an operator types, and what a cell is told; the cell itself is in test_faults.py."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import Any

import pytest

from mtopt_bringup.operating import cell
from mtopt_ros.cell_view import CellView


class Desk:
    """Notes what it is asked; answers as it is told to."""

    def __init__(self, **answer: Any) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._answer = SimpleNamespace(
            **{"ok": True, "error": "", "episode_id": "e", "path": "", "task": "lift-any"} | answer
        )

    def __getattr__(self, name: str) -> Any:
        def ask(*given: Any) -> Any:
            self.asked.append((name, *given))
            return self._answer

        return ask


def say(desk: Desk, *words: str) -> int:
    wanted: argparse.Namespace = cell._parser().parse_args([*words, "--cell", "c", "--who", "ada"])
    return int(wanted.act(desk, wanted))


@pytest.mark.parametrize(
    ("words", "asked", "told"),
    [
        (["pause"], ("set_collecting", "c", 1, "ada"), "pauses after"),
        (["resume"], ("set_collecting", "c", 0, "ada"), "goes on"),
        (["stop"], ("set_collecting", "c", 2, "ada"), "ends after"),
        (["discard"], ("discard", "c", "", "ada", ""), "goes to quarantine"),
        (["discard", "x", "--why", "y"], ("discard", "c", "x", "ada", "y"), "e is ended"),
        (["relabel", "--success", "no"], ("relabel", "c", "", "", False, "ada", ""), "a failure"),
        (
            ["relabel", "x", "--success", "yes", "--task", "lift-can"],
            ("relabel", "c", "x", "lift-can", True, "ada", ""),
            "e: lift-any is a success",
        ),
        (["rearm"], ("rearm", "c", "ada"), "may move again"),
    ],
)
def test_the_words_reach_the_cell(
    words: list[str], asked: tuple[Any, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk()
    assert say(desk, *words) == 0
    assert desk.asked == [asked] and told in capsys.readouterr().out


def test_a_refusal_is_told_and_shows_in_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert say(Desk(ok=False, error="EpisodeMissing: none"), "discard") == 1
    assert capsys.readouterr().err == "mtopt cell: EpisodeMissing: none\n"


@pytest.mark.parametrize("message", ["", "stopped; would not outlive a crash"])
def test_a_stop_that_would_not_last_is_not_passed_over(
    message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(Desk(success=True, message=message), "emergency-stop") == int(bool(message))
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("words", [["pause"], ["relabel", "--cell", "c"], ["fly"], []])
def test_a_wrong_command_is_exit_code_2(words: list[str]) -> None:
    assert cell.run(words) == 2


def test_a_cell_is_told_with_its_faults() -> None:
    view = CellView(
        "cell1", "parked", "lift-can", episodes=3, wanted=9, faults=("bin: bin_jam: x",)
    )
    assert cell.lines(view) == [
        "cell1  parked  lift-can  3/9 episodes",
        "    bin: bin_jam: x",
    ]
