"""Rigid transforms as 4x4 arrays, and the tool-down poses that this robot works in.

`T_a_b` maps points of frame b into frame a, so `T_base_tool @ T_tool_object` is
`T_base_object`. Base frame: x forward, y left, z up (REP-103). The tool's z axis points
out of the gripper: tool-down means that it points at the floor.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Transform = NDArray[np.float64]
Point = NDArray[np.float64]


def rotation_z(yaw_rad: float) -> NDArray[np.float64]:
    """A turn about z, (3, 3)."""
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def transform(rotation: NDArray[np.float64], position_m: Point) -> Transform:
    """A transform of a (3, 3) rotation and a (3,) position."""
    T = np.eye(4)
    T[:3, :3] = rotation
    T[:3, 3] = position_m
    return T


def invert(T_a_b: Transform) -> Transform:
    """`T_b_a`."""
    R = T_a_b[:3, :3]
    return transform(R.T, -R.T @ T_a_b[:3, 3])


# Half a turn about x: the tool's z looks down, its x along the base's x, its y to the right.
_DOWN = np.diag([1.0, -1.0, -1.0])


def pose_tool_down(position_m: Point, yaw_rad: float) -> Transform:
    """`T_base_tool` of a tool that points straight down, turned by yaw about the base's z."""
    return transform(rotation_z(yaw_rad) @ _DOWN, np.asarray(position_m, dtype=np.float64))


def yaw_of(T_base_tool: Transform) -> float:
    """The yaw of a tool-down pose about the base's z, in (-pi, pi]."""
    return wrap_angle(math.atan2(T_base_tool[1, 0], T_base_tool[0, 0]))


def tilt_of(T_base_tool: Transform) -> float:
    """The angle between the tool's z and straight down, in radians."""
    return math.acos(float(np.clip(-T_base_tool[2, 2], -1.0, 1.0)))


def wrap_angle(angle_rad: float) -> float:
    """The same angle in (-pi, pi]."""
    wrapped = math.remainder(angle_rad, 2.0 * math.pi)
    return math.pi if wrapped == -math.pi else wrapped


def quaternion_xyzw(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unit quaternion (x, y, z, w) of a (3, 3) rotation, with w >= 0."""
    # Bar-Itzhack: the eigenvector of the largest eigenvalue is well conditioned everywhere.
    r = rotation
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0.0, 0.0, 0.0],
            [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], 0.0, 0.0],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], 0.0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], np.trace(r)],
        ]
    )
    _, vectors = np.linalg.eigh(k / 3.0, UPLO="L")
    q = vectors[:, -1]
    return q if q[3] >= 0.0 else -q


def rotation_of(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (3, 3) rotation of a quaternion (x, y, z, w), which need not be normalised."""
    x, y, z, w = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
