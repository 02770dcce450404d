"""Seconds of a cell: beside a clock that is slow, fast, in bursts, set back, and dead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mtopt_robot.camera_watch import CameraWatch
from mtopt_ros.cell_time import STANDS_S, CellTime

CAMERAS = ("overhead", "left", "right")


class Machine:
    """A wall clock, and a cell whose clock goes `speed` times as fast."""

    def __init__(self, speed: float) -> None:
        self.speed, self.wall_s, self.cell_s = speed, 1000.0, 50.0
        self.time = CellTime(lambda: round(self.cell_s * 1e9), lambda: self.wall_s)

    def go(self, wall_s: float, tick_s: float = 0.05) -> Iterator[float]:
        """So much time goes by; a stop at each tick of the wall."""
        for _ in range(round(wall_s / tick_s)):
            self.wall_s += tick_s
            self.cell_s += tick_s * self.speed
            yield self.time.now_s()

    def pass_by(self, wall_s: float, tick_s: float = 0.05) -> float:
        before_s = self.time.now_s()
        for _ in self.go(wall_s, tick_s):
            pass
        return self.time.now_s() - before_s


@pytest.mark.parametrize(
    ("speed", "passed_s"), [(1.0, 10.0), (0.1, 1.0), (0.004, 0.04), (12.5, 10.0)]
)
def test_it_goes_as_the_slower_of_both_clocks(speed: float, passed_s: float) -> None:
    assert Machine(speed).pass_by(10.0) == pytest.approx(passed_s, abs=0.02)


@pytest.mark.parametrize("tick_s", [0.001, 0.2, 4.0])
def test_how_often_it_is_asked_makes_no_difference(tick_s: float) -> None:
    assert Machine(0.25).pass_by(8.0, tick_s) == pytest.approx(2.0, abs=0.01)


def test_a_clock_that_comes_in_bursts_goes_as_fast_as_an_even_one() -> None:
    machine = Machine(0.0)
    before_s = machine.time.now_s()
    for _ in range(20):
        machine.pass_by(0.2)
        machine.cell_s += 0.2
    machine.pass_by(0.05)
    assert machine.time.now_s() - before_s == pytest.approx(4.0, abs=0.21)


def test_a_clock_that_stands_still_counts_all_at_once_when_it_counts_as_dead() -> None:
    machine = Machine(1.0)
    machine.pass_by(3.0)
    machine.speed = 0.0
    assert machine.pass_by(STANDS_S - 0.1) == pytest.approx(0.0, abs=0.06)
    assert machine.time.standing_s == 0.0
    assert machine.pass_by(0.2) == pytest.approx(STANDS_S + 0.1)
    assert machine.time.standing_s == pytest.approx(STANDS_S + 0.1)
    assert machine.pass_by(5.0) == pytest.approx(5.0)
    machine.speed = 0.5
    assert machine.pass_by(4.0) == pytest.approx(2.0, abs=0.06)
    assert machine.time.standing_s == 0.0


def test_a_clock_that_is_set_back_is_no_dead_one() -> None:
    machine = Machine(1.0)
    machine.pass_by(1.0)
    machine.cell_s = 0.0
    assert 0.0 <= machine.pass_by(2.0) == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize(("speed", "pace"), [(1.0, 1.0), (0.2, 0.2), (9.0, 1.0), (0.01, 0.05)])
def test_the_pace_is_that_of_late(speed: float, pace: float) -> None:
    machine = Machine(1.0)
    assert machine.time.pace == 1.0
    machine.pass_by(20.0)
    machine.speed = speed
    machine.pass_by(6.0)
    assert machine.time.pace == pytest.approx(pace, rel=0.1)


def test_without_a_cell_it_is_the_wall_clock() -> None:
    wall_s = [5.0]
    time = CellTime(wall_s=lambda: wall_s[0])
    before_s, wall_s[0] = time.now_s(), 12.5
    assert time.now_s() - before_s == 7.5 and time.pace == 1.0 and time.standing_s == 0.0


class Cameras:
    """Three cameras at 10 Hz of the cell's clock, and who watches them every 0.2 s of the wall."""

    def __init__(self, speed: float) -> None:
        self.machine = Machine(speed)
        self.watch = CameraWatch(CAMERAS, 1.0, 0.3)
        self._due_s, self._look_s = 0.0, 0.0

    def run(self, wall_s: float, cameras: tuple[str, ...] = CAMERAS) -> tuple[str, float]:
        """The first fault and the wall time until it was told; the whole time if there is none."""
        began_s = self.machine.wall_s
        for now_s in self.machine.go(wall_s, 0.01):
            if self.machine.cell_s >= self._due_s:
                self._due_s = self.machine.cell_s + 0.1
                for camera in cameras:
                    self.watch.saw(camera, round(self.machine.cell_s * 1e9), now_s)
            if self.machine.wall_s >= self._look_s:
                self._look_s = self.machine.wall_s + 0.2
                found = self.watch.fault(now_s)
                if found:
                    return found, self.machine.wall_s - began_s
        return "", wall_s


@pytest.mark.parametrize("speed", [0.02, 0.3, 1.0, 10.0])
def test_cameras_that_keep_their_cells_time_are_well_at_any_speed(speed: float) -> None:
    assert Cameras(speed).run(60.0) == ("", 60.0)


@pytest.mark.parametrize(("speed", "within_s"), [(1.0, 1.0), (10.0, 1.0), (0.2, 2.8)])
def test_a_camera_that_falls_silent_is_named_at_any_speed(speed: float, within_s: float) -> None:
    cameras = Cameras(speed)
    cameras.run(5.0)
    fault, after_s = cameras.run(10.0, ("overhead", "left"))
    assert "the right camera is" in fault and after_s < within_s


@pytest.mark.parametrize(("speed", "within_s"), [(1.0, 1.7), (10.0, 1.7), (0.5, 2.7)])
def test_cameras_that_all_fall_silent_are_named_at_any_speed(speed: float, within_s: float) -> None:
    cameras = Cameras(speed)
    cameras.run(5.0)
    fault, after_s = cameras.run(10.0, ())
    assert "no image of the overhead camera" in fault and 1.0 < after_s < within_s


def test_cameras_whose_clock_dies_are_named_in_time_and_well_when_it_goes_on() -> None:
    cameras = Cameras(1.0)
    cameras.run(5.0)
    cameras.machine.speed = 0.0
    fault, after_s = cameras.run(10.0)
    assert "no image of the overhead camera" in fault and after_s < 3.2
    cameras.machine.speed = 1.0
    cameras.run(0.4)
    assert cameras.run(5.0) == ("", 5.0)


def test_who_could_not_look_does_not_blame_the_cameras() -> None:
    watch = CameraWatch(CAMERAS, 1.0, 0.3)
    watch.fault(10.0)
    for camera in CAMERAS:
        watch.saw(camera, 1, 10.0)
    assert watch.fault(13.0) == ""  # the images of three seconds lie in its queue
    for camera in CAMERAS:
        watch.saw(camera, 2, 13.0)
    assert watch.fault(13.2) == ""
