"""Where one camera stands and what its lens is like, as its topics say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo

from mtopt_msgs.msg import CameraExtrinsics
from mtopt_robot.calibration import CameraCalibration

from . import convert


class CameraGeometry:
    """Filled by callbacks, asked by a thread that has an image of that camera."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._info: bytes | None = None  # read when it is asked for: it comes with every image
        self._extrinsics: CameraExtrinsics | None = None

    def on_info(self, payload: bytes) -> None:
        """A serialized CameraInfo."""
        self._info = payload

    def on_extrinsics(self, message: CameraExtrinsics) -> None:
        """Where all cameras are."""
        self._extrinsics = message

    def projection(self, size_px: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Maps base-frame points to pixels of an image of (H, W), (3, 4); None while nobody has
        said it for images of that size."""
        info, placed = self._info, self._extrinsics
        if info is None or placed is None or self._camera not in placed.cameras:
            return None
        lens = deserialize_message(info, CameraInfo)
        if (lens.height, lens.width) != tuple(size_px):
            return None
        return CameraCalibration(
            self._camera,
            lens.width,
            lens.height,
            np.array(lens.k).reshape(3, 3),
            np.zeros(5),
            convert.pose(placed.poses[list(placed.cameras).index(self._camera)]),
        ).P_image_base
