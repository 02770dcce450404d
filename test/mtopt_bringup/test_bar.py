"""What a long job shows where there is no terminal."""

from __future__ import annotations

import pytest

from mtopt_bringup.bar import Bar


def test_lines_come_when_they_are_due(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("working", 9, quiet=False, line_s=0.0) as bar:
        bar.begin(2)
        bar.at(3, "well")
        bar.begin(0, "resting", total=4)
        bar.at(1)
    assert capsys.readouterr().out.splitlines() == ["3 of 9: well", "1 of 4"]


def test_lines_wait_and_words_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("working", 9, quiet=False, line_s=1e9) as bar:
        bar.at(3, "well")
        bar.say("a word")
    assert capsys.readouterr().out == "a word\n"


def test_a_quiet_one_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("working", 9, quiet=True, line_s=0.0) as bar:
        bar.at(3, "well")
        bar.say("a word")
    told = capsys.readouterr()
    assert told.out == told.err == ""
