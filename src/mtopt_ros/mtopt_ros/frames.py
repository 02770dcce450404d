"""The newest image of each camera, for a thread that waits until one is new enough."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from mtopt_core.cell import CellFault, EndReason

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
    """Filled by callbacks, emptied by a waiting thread."""

    def __init__(self, cameras: tuple[str, ...], abort: threading.Event) -> None:
        self._newest: dict[str, Frame | None] = dict.fromkeys(cameras)
        self._abort = abort
        self._changed = threading.Condition()

    def put(self, camera: str, frame: Frame) -> None:
        """A newer frame of a camera; an older one is dropped."""
        with self._changed:
            known = self._newest[camera]
            if known is None or supersedes(frame.stamp_ns, known.stamp_ns):
                self._newest[camera] = frame
                self._changed.notify_all()

    def wait(self, cameras: tuple[str, ...], not_before_ns: int, wait_s: float) -> list[Frame]:
        """Frames of some cameras, none older than asked; raises CellFault camera_fault."""
        deadline = time.monotonic() + wait_s
        with self._changed:
            while True:
                frames = [self._newest[camera] for camera in cameras]
                late = [
                    camera
                    for camera, frame in zip(cameras, frames, strict=True)
                    if frame is None or frame.stamp_ns < not_before_ns
                ]
                if not late:
                    return [frame for frame in frames if frame is not None]
                if self._abort.is_set():
                    raise CellFault(EndReason.STOPPED, "told to stop while waiting for images")
                left_s = deadline - time.monotonic()
                if left_s <= 0.0:
                    message = f"no new image of {', '.join(late)} within {wait_s:g} s"
                    raise CellFault(EndReason.CAMERA_FAULT, message)
                self._changed.wait(min(left_s, 0.1))

    def in_step(
        self, cameras: tuple[str, ...], not_before_ns: int, wait_s: float, max_skew_s: float
    ) -> list[Frame]:
        """Frames of some cameras, none older than asked, taken within `max_skew_s` of another.

        Waits for those that lag; raises CellFault camera_fault.
        """
        deadline = time.monotonic() + wait_s
        while True:
            frames = self.wait(cameras, not_before_ns, max(deadline - time.monotonic(), 0.0))
            stamps = [frame.stamp_ns for frame in frames]
            skew_ns = max(stamps) - min(stamps)
            if skew_ns <= max_skew_s * _S:
                return frames
            if time.monotonic() >= deadline:
                apart = ", ".join(
                    f"{camera} {(max(stamps) - stamp) / _S:.3g} s"
                    for camera, stamp in zip(cameras, stamps, strict=True)
                )
                message = f"views out of step, at most {max_skew_s:g} s apart allowed: {apart} old"
                raise CellFault(EndReason.CAMERA_FAULT, message)
            self._await_other_than(frames, cameras, deadline)

    def _await_other_than(
        self, frames: list[Frame], cameras: tuple[str, ...], deadline: float
    ) -> None:
        with self._changed:
            while [self._newest[camera] for camera in cameras] == frames:
                left_s = deadline - time.monotonic()
                if left_s <= 0.0 or self._abort.is_set():
                    return
                self._changed.wait(min(left_s, 0.1))
