"""The newest image of each camera, for a thread that waits."""

from __future__ import annotations

import threading
import time

import pytest

from mtopt_core.cell import CellFault, EndReason
from mtopt_ros.frames import Frame, NewestFrames

CAMERAS = ("overhead", "left", "right")
S = 1_000_000_000


@pytest.fixture
def abort() -> threading.Event:
    return threading.Event()


@pytest.fixture
def frames(abort: threading.Event) -> NewestFrames:
    return NewestFrames(CAMERAS, abort)


def frame(stamp_ns: int) -> Frame:
    return Frame(stamp_ns, str(stamp_ns).encode())


def test_frames_that_are_there_come_in_the_order_asked(frames: NewestFrames) -> None:
    for index, camera in enumerate(CAMERAS):
        frames.put(camera, frame(10 + index))
    asked = ("right", "overhead")
    assert [found.stamp_ns for found in frames.wait(asked, 10, 0.0)] == [12, 10]


def test_the_newest_is_kept_and_an_older_one_dropped(frames: NewestFrames) -> None:
    for stamp in (20, 30, 25):
        frames.put("left", frame(stamp))
    (found,) = frames.wait(("left",), 0, 0.0)
    assert found == frame(30)


def test_an_image_as_old_as_asked_is_new_enough_and_an_older_one_is_not(
    frames: NewestFrames,
) -> None:
    frames.put("left", frame(20))
    assert frames.wait(("left",), 20, 0.0) == [frame(20)]
    with pytest.raises(CellFault) as caught:
        frames.wait(("left",), 21, 0.0)
    assert caught.value.reason is EndReason.CAMERA_FAULT


def test_a_fault_names_the_cameras_that_are_late_and_no_others(frames: NewestFrames) -> None:
    frames.put("overhead", frame(50))
    frames.put("left", frame(10))
    with pytest.raises(CellFault, match=r"no new image of left, right within 0\.02 s") as caught:
        frames.wait(CAMERAS, 40, 0.02)
    assert caught.value.reason is EndReason.CAMERA_FAULT


def test_a_waiting_thread_is_woken_by_a_frame_that_is_new_enough(frames: NewestFrames) -> None:
    frames.put("left", frame(10))
    found: list[Frame] = []
    waiter = threading.Thread(target=lambda: found.extend(frames.wait(("left",), 30, 20.0)))
    waiter.start()
    frames.put("left", frame(20))
    frames.put("left", frame(31))
    waiter.join(20.0)
    assert found == [frame(31)]


def test_an_abort_ends_the_wait_as_stopped(frames: NewestFrames, abort: threading.Event) -> None:
    reasons: list[EndReason] = []

    def wait() -> None:
        try:
            frames.wait(("left",), 0, 60.0)
        except CellFault as fault:
            reasons.append(fault.reason)

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.01)
    abort.set()
    waiter.join(20.0)
    assert reasons == [EndReason.STOPPED]


def test_a_clock_that_began_anew_is_believed(frames: NewestFrames) -> None:
    """Else the last frame of a simulator that died would count as the newest for ever."""
    frames.put("left", frame(500 * S))
    frames.put("left", frame(1 * S))
    assert frames.wait(("left",), 1 * S, 0.0) == [frame(1 * S)]


def test_views_in_step_are_given_as_they_are(frames: NewestFrames) -> None:
    for camera, stamp in zip(CAMERAS, (30, 31, 32), strict=True):
        frames.put(camera, frame(stamp))
    found = frames.in_step(CAMERAS, 30, 0.0, 2e-9)
    assert [one.stamp_ns for one in found] == [30, 31, 32]


def test_views_out_of_step_are_a_camera_fault_that_says_who_lags(frames: NewestFrames) -> None:
    for camera, stamp in zip(CAMERAS, (3 * S, 3 * S, 2 * S), strict=True):
        frames.put(camera, frame(stamp))
    with pytest.raises(CellFault, match=r"at most 0.5 s apart: right by 1 s") as caught:
        frames.in_step(CAMERAS, 0, 0.0, 0.5)
    assert caught.value.reason is EndReason.CAMERA_FAULT


def test_the_view_that_lags_is_waited_for(frames: NewestFrames) -> None:
    for camera, stamp in zip(CAMERAS, (3 * S, 3 * S, 2 * S), strict=True):
        frames.put(camera, frame(stamp))
    late = threading.Timer(0.1, lambda: frames.put("right", frame(3 * S)))
    late.start()
    found = frames.in_step(CAMERAS, 0, 30.0, 0.5)
    late.join()
    assert [one.stamp_ns for one in found] == [3 * S] * 3


def test_a_view_older_than_asked_is_not_in_step_with_anything(frames: NewestFrames) -> None:
    for camera, stamp in zip(CAMERAS, (20, 20, 19), strict=True):
        frames.put(camera, frame(stamp))
    with pytest.raises(CellFault, match="right"):
        frames.in_step(CAMERAS, 20, 0.0, 1.0)


def test_whoever_is_stopped_does_not_wait_for_the_views(
    frames: NewestFrames, abort: threading.Event
) -> None:
    for camera, stamp in zip(CAMERAS, (3 * S, 3 * S, 2 * S), strict=True):
        frames.put(camera, frame(stamp))
    abort.set()
    started_s = time.monotonic()
    with pytest.raises(CellFault) as caught:
        frames.in_step(CAMERAS, 0, 60.0, 0.5)
    assert caught.value.reason is EndReason.STOPPED
    assert time.monotonic() - started_s < 30.0
