"""The animation: a real success, at even intervals of the cell's time, without a hand in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mtopt_core.action import Action
from mtopt_core.observation import Image
from mtopt_sim.cell import SimCell
from mtopt_sim.pictures import footage
from mtopt_sim.pictures.footage import FPS, Film, NothingWorkedOut, Stage, save

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "docs" / "images" / footage.NAME


class Passer:
    """A visitor who sees a grey wall."""

    def image(self) -> Image:
        return np.full((300, 400, 3), 127, np.uint8)


def test_frames_come_at_even_intervals_of_the_cells_time(cell: SimCell) -> None:
    film, plain = Film(cell, Passer(), pace=0.24), cell.workcell.step
    began_ns = cell.workcell.now_ns
    try:
        cell.workcell.step = film.roll(plain)
        cell.act(Action((0.05, 0.0, -0.05)))
        cell.workcell.advance(0.5)  # at rest, many physics steps are made at once
    finally:
        cell.workcell.step = plain
    passed_s = (cell.workcell.now_ns - began_ns) * 1e-9
    assert len(film.frames) == pytest.approx(passed_s * FPS / 0.24, abs=1.0)
    assert len(film.frames) > 20


def test_what_is_filmed_happens_as_if_nobody_looked(cell: SimCell) -> None:
    ends = []
    for filmed in (False, True):
        cell.restart(3)
        plain = cell.workcell.step
        if filmed:
            cell.workcell.step = Film(cell, Passer()).roll(plain)
        try:
            cell.act(Action((0.02, -0.05, -0.08)))
        finally:
            cell.workcell.step = plain
        ends.append((cell.workcell.now_ns, cell.workcell.data.qpos.copy()))
    assert ends[0][0] == ends[1][0]
    assert np.array_equal(ends[0][1], ends[1][1])


def test_the_policys_camera_and_the_caption_are_in_the_picture(cell: SimCell) -> None:
    film = Film(cell, Passer(), caption="lift-any")
    film.pause(0.5)
    wall, picture = Passer().image(), film.frames[0]
    assert len(film.frames) == 1 + round(0.5 * FPS)
    assert picture[20:140, 240:380].std() > 20.0  # the camera's view, upper right
    assert (picture[-20:, :100] < 100).any()  # ink on the band below
    assert np.array_equal(picture[:250, :190], wall[:250, :190])


def test_a_scene_is_sought_in_which_both_acts_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(ROOT)
    played: list[tuple[str, int]] = []

    def play(task, scene: int) -> bool:
        played.append((task.name, scene))
        return scene == 5 or (scene == 4 and task.name == "lift-any")

    monkeypatch.setattr(stage, "play", play)
    try:
        assert stage.find(3) == 5
        assert played == [
            ("lift-any", 3),
            ("lift-any", 4),
            ("place-any", 4),
            ("lift-any", 5),
            ("place-any", 5),
        ]
        monkeypatch.setattr(footage, "_TRIES", 2)
        with pytest.raises(NothingWorkedOut, match="scenes 6 to 7"):
            stage.find(6)
    finally:
        stage.cell.close()


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
def test_an_animation_reads_back(tmp_path: Path, name: str) -> None:
    frames = [np.full((40, 60, 3), level, np.uint8) for level in (0, 120, 250)]
    path = save(frames, tmp_path / "new" / name)
    ok, read = cv2.imreadanimation(str(path))
    assert ok
    assert [round(float(frame[..., :3].mean()), -1) for frame in read.frames] == [0, 120, 250]


def test_the_shipped_animation_is_short_and_small_and_moves() -> None:
    assert SHIPPED.stat().st_size <= 3_000_000
    ok, read = cv2.imreadanimation(str(SHIPPED))
    assert ok
    assert 10_000 <= sum(read.durations) <= 20_000  # ms
    assert all(1000 / 15 <= duration <= 1000 / 8 for duration in list(read.durations)[:20])
    first, middle = read.frames[0].astype(int), read.frames[len(read.frames) // 3].astype(int)
    assert np.abs(first - middle).mean() > 1.0
