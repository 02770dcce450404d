"""A recorded video in place of a camera."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2

from mtopt_core.config import option

from .camera_source import Clock, Frame
from .errors import CameraLost, CameraUnavailable
from .jpeg import rgb_of_bgr


@dataclass(frozen=True)
class VideoConfig:
    """Which video, and what happens at its end."""

    path: str = option("", "path of the video")
    loop: bool = option(True, "start again at the end; otherwise the camera is lost there")


class VideoFileSource:
    """A CameraSource over a file; images come as fast as they are asked for."""

    def __init__(self, config: VideoConfig, clock: Clock = time.time_ns) -> None:
        self.config = config
        self._clock = clock
        self._video: cv2.VideoCapture | None = None

    def open(self) -> None:
        """See CameraSource."""
        self.close()
        path = Path(self.config.path)
        if not path.is_file():
            raise CameraUnavailable(f"no video at {str(path)!r}; {_beside(path)}")
        video = cv2.VideoCapture(str(path))
        if not video.isOpened() or not video.grab():
            video.release()
            raise CameraUnavailable(f"{path} is no video that can be read")
        video.set(cv2.CAP_PROP_POS_FRAMES, 0)
        self._video = video

    def read(self) -> Frame:
        """See CameraSource. The stamp is the time of reading."""
        if self._video is None:
            raise CameraLost(f"video {self.config.path} is not open")
        got, image = self._video.read()
        if not got and self.config.loop:
            self._video.set(cv2.CAP_PROP_POS_FRAMES, 0)
            got, image = self._video.read()
        if not got:
            raise CameraLost(f"video {self.config.path} has ended")
        return Frame(rgb_of_bgr(image), self._clock())

    def close(self) -> None:
        """See CameraSource."""
        if self._video is not None:
            self._video.release()
            self._video = None


def _beside(path: Path) -> str:
    """What does stand in the folder that was named."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    names = sorted(item.name for item in path.parent.iterdir() if item.is_file())[:20]
    return f"files there: {', '.join(names) or 'none'}"
