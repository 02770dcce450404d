"""The pictures of the documents come from one command."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from mtopt_sim.pictures.command import main

ROOT = Path(__file__).resolve().parents[3]


def test_the_cell_is_four_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cell", "--root", str(ROOT), "--out", str(tmp_path / "images")]) == 0
    written = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name for path in written] == ["overhead.png", "left.png", "right.png", "cell.png"]
    assert cv2.imread(str(written[-1])).shape == (800, 1200, 3)
    assert all(20_000 < path.stat().st_size < 400_000 for path in written)


def test_a_wrong_root_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_unknown_picture_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["sunset"])
    assert stop.value.code == 2
    assert "'sunset': must be one of cell, cem, episode, variation" in capsys.readouterr().err
