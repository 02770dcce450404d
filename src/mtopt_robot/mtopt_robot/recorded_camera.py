"""What an episode file has of a camera: its images and its calibration."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from mtopt_core.geometry import Transform, rotation_of, transform
from mtopt_data.reader import EpisodeReader

from .calibration import CameraCalibration

EXTRINSICS = "camera/extrinsics"


def recorded_camera(reader: EpisodeReader, cell: str, camera: str) -> CameraCalibration | None:
    """Where a cell's camera stood and what its lens was like; None where the file lacks either.

    Raises DataError for a damaged file.
    """
    info = _first(reader, f"/{cell}/camera/{camera}/camera_info")
    extrinsics = _first(reader, f"/{cell}/{EXTRINSICS}")
    if info is None or extrinsics is None or camera not in extrinsics.cameras:
        return None
    return CameraCalibration(
        camera,
        info.width,
        info.height,
        np.array(info.k, dtype=np.float64).reshape(3, 3),
        np.resize(np.array([*info.d, 0, 0, 0, 0, 0], dtype=np.float64), 5),
        recorded_pose(extrinsics.poses[list(extrinsics.cameras).index(camera)]),
    )


def recorded_jpegs(
    reader: EpisodeReader, topic: str, stamps_ns: Collection[int]
) -> dict[int, bytes]:
    """The compressed images of a topic that have one of these stamps, by stamp.

    Raises DataError for a damaged file.
    """
    wanted = set(stamps_ns)
    found = ((recorded_ns(i.message.header.stamp), i.message) for i in reader.decoded([topic]))
    return {stamp_ns: bytes(message.data) for stamp_ns, message in found if stamp_ns in wanted}


def recorded_ns(stamp: Any) -> int:
    """The nanoseconds of a recorded builtin_interfaces/Time."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def recorded_pose(message: Any) -> Transform:
    """The transform that a recorded geometry_msgs/Pose stands for."""
    turn, place = message.orientation, message.position
    rotation = rotation_of(np.array([turn.x, turn.y, turn.z, turn.w]))
    return transform(rotation, np.array([place.x, place.y, place.z]))


def _first(reader: EpisodeReader, topic: str) -> Any:
    if topic not in reader.channels:
        return None
    return next((item.message for item in reader.decoded([topic])), None)
