"""The newest image of each camera, for a thread that waits until one is new enough."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from mtopt_core.cell import CellFault, EndReason

from .cell_time import WALL, CellTime

_S = 1_000_000_000
_RESTARTED_NS = 1_000_000_000  # a stamp so much older is no late message but a new clock


def supersedes(stamp_ns: int, known_ns: int) -> bool:
    """Whether a message takes the place of a known one: newer, or of a clock that began anew."""
    return stamp_ns > known_ns or stamp_ns < known_ns - _RESTARTED_NS


@dataclass(frozen=True)
class Frame:
    """One serialized image message and its stamp in the cell's clock."""

    stamp_ns: int
    payload: bytes


class NewestFrames:
    """Filled by callbacks, emptied by a thread that waits, for seconds of the cell."""

    def __init__(
        self, cameras: tuple[str, ...], abort: threading.Event, cell_time: CellTime = WALL
    ) -> None:
        self._newest: dict[str, Frame | None] = dict.fromkeys(cameras)
        self._abort, self._time = abort, cell_time
        self._changed = threading.Condition()

    def put(self, camera: str, frame: Frame) -> None:
        """A newer frame of a camera; an older one is dropped."""
        with self._changed:
            known = self._newest[camera]
            if known is None or supersedes(frame.stamp_ns, known.stamp_ns):
                self._newest[camera] = frame
                self._changed.notify_all()

    def newest(self, camera: str) -> Frame | None:
        """The newest frame of a camera, None before the first."""
        with self._changed:
            return self._newest[camera]

    def wait(self, cameras: tuple[str, ...], not_before_ns: int, wait_s: float) -> list[Frame]:
        """Frames of some cameras, none older than asked; raises CellFault camera_fault."""
        return self.in_step(cameras, not_before_ns, wait_s, math.inf)

    def in_step(
        self, cameras: tuple[str, ...], not_before_ns: int, wait_s: float, max_skew_s: float
    ) -> list[Frame]:
        """The same, and none taken more than `max_skew_s` before another: who lags is waited for.

        Raises CellFault camera_fault.
        """
        deadline = self._time.now_s() + wait_s
        with self._changed:
            while True:
                frames = {camera: self._newest[camera] for camera in cameras}
                wrong = _late(frames, not_before_ns) or _out_of_step(frames, max_skew_s)
                if not wrong:
                    return [frame for frame in frames.values() if frame is not None]
                if self._abort.is_set():
                    raise CellFault(EndReason.STOPPED, "told to stop while waiting for images")
                left_s = deadline - self._time.now_s()
                if left_s <= 0.0:
                    raise CellFault(EndReason.CAMERA_FAULT, f"{wrong} within {wait_s:g} s")
                self._changed.wait(min(left_s, 0.1))


def _late(frames: Mapping[str, Frame | None], not_before_ns: int) -> str:
    late = [
        camera
        for camera, frame in frames.items()
        if frame is None or frame.stamp_ns < not_before_ns
    ]
    return f"no new image of {', '.join(late)}" if late else ""


def _out_of_step(frames: Mapping[str, Frame | None], max_skew_s: float) -> str:
    stamps = {camera: frame.stamp_ns for camera, frame in frames.items() if frame is not None}
    newest = max(stamps.values())
    behind = {camera: (newest - stamp) / _S for camera, stamp in stamps.items()}
    lags = [f"{camera} by {lag_s:.3g} s" for camera, lag_s in behind.items() if lag_s > max_skew_s]
    return f"no images in step, at most {max_skew_s:g} s apart: {', '.join(lags)}" if lags else ""
