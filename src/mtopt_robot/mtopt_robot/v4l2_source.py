"""A camera under Linux, through Video4Linux."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2

from mtopt_core.config import option

from .camera_source import Clock, Frame
from .errors import CameraLost, CameraUnavailable
from .jpeg import rgb_of_bgr

_MANUAL_EXPOSURE = 1.0  # V4L2_EXPOSURE_MANUAL
_MOTION_JPEG = cv2.VideoWriter.fourcc(*"MJPG")


@dataclass(frozen=True)
class V4l2Config:
    """Which camera, and how it takes images."""

    device: str = option("/dev/video0", "device file of the camera")
    width_px: int = option(640, "width of an image", unit="px", low=16, high=4096)
    height_px: int = option(480, "height of an image", unit="px", low=16, high=4096)
    rate_hz: float = option(10.0, "images a second", unit="Hz", low=0.1, high=240.0)
    exposure_us: float = option(
        0.0, "exposure time; 0 leaves it to the camera", unit="us", low=0.0, high=1e6
    )


class V4l2Source:
    """A CameraSource over a device file."""

    def __init__(self, config: V4l2Config, clock: Clock = time.time_ns) -> None:
        self.config = config
        self._clock = clock
        self._camera: cv2.VideoCapture | None = None

    def open(self) -> None:
        """See CameraSource."""
        self.close()
        if not Path(self.config.device).is_char_device():
            raise CameraUnavailable(f"no camera at {self.config.device}; {_present()}")
        camera = cv2.VideoCapture(self.config.device, cv2.CAP_V4L2)
        try:
            self._set_up(camera)
        except CameraUnavailable:
            camera.release()
            raise
        self._camera = camera

    def read(self) -> Frame:
        """See CameraSource. The stamp is taken when the driver hands the image over."""
        if self._camera is None:
            raise CameraLost(f"camera {self.config.device} is not open")
        grabbed = self._camera.grab()
        stamp_ns = self._clock()
        got, image = self._camera.retrieve() if grabbed else (False, None)
        if not got or image is None:
            raise CameraLost(f"camera {self.config.device} gives no more images; {_present()}")
        return Frame(rgb_of_bgr(image), stamp_ns)

    def close(self) -> None:
        """See CameraSource."""
        if self._camera is not None:
            self._camera.release()
            self._camera = None

    def _set_up(self, camera: cv2.VideoCapture) -> None:
        config = self.config
        if not camera.isOpened():
            raise CameraUnavailable(
                f"camera {config.device} can't be opened: busy, or no camera; {_present()}"
            )
        camera.set(cv2.CAP_PROP_FOURCC, _MOTION_JPEG)
        camera.set(cv2.CAP_PROP_FRAME_WIDTH, config.width_px)
        camera.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height_px)
        camera.set(cv2.CAP_PROP_FPS, config.rate_hz)
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old images are of no use
        if config.exposure_us > 0.0:
            camera.set(cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL_EXPOSURE)
            # V4L2 counts exposure in units of 100 us.
            if not camera.set(cv2.CAP_PROP_EXPOSURE, config.exposure_us / 100.0):
                raise CameraUnavailable(
                    f"camera {config.device} takes no exposure of {config.exposure_us:g} us"
                )
        size = (
            int(camera.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(camera.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        if size != (config.width_px, config.height_px):
            asked = f"{config.width_px}x{config.height_px} px"
            raise CameraUnavailable(
                f"camera {config.device} gives {size[0]}x{size[1]} px in place of {asked}"
            )


def present_devices() -> tuple[str, ...]:
    """The video devices of this machine."""
    return tuple(sorted(str(path) for path in Path("/dev").glob("video*")))


def _present() -> str:
    devices = present_devices()
    return f"devices here: {', '.join(devices)}" if devices else "there is no /dev/video* here"
