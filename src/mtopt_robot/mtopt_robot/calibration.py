"""What is known of a camera: its lens, and where it stands.

The optical frame has z forward, x right, y down (REP-103). A calibration has a hash that
episodes carry, so that a learner can tell images of different geometry apart.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pinocchio as pin
from numpy.typing import NDArray

from mtopt_core.config import from_mapping, option
from mtopt_core.geometry import Transform, invert, quaternion_xyzw, rotation_of, transform

from .description import RobotDescription
from .errors import CalibrationInvalid, DescriptionInvalid

_DIGITS = 6  # of the hash: a micrometre, a millionth of a pixel


@dataclass(frozen=True)
class _CalibrationFile:
    """A calibration as a file holds it."""

    width_px: int = option(640, "width of the image", unit="px", low=1, high=10000)
    height_px: int = option(480, "height of the image", unit="px", low=1, high=10000)
    focal_px: tuple[float, float] = option([600.0, 600.0], "fx, fy", unit="px", low=1.0)
    center_px: tuple[float, float] = option([319.5, 239.5], "cx, cy", unit="px")
    distortion: tuple[float, ...] = option(
        [0.0, 0.0, 0.0, 0.0, 0.0], "k1, k2, p1, p2, k3 of plumb_bob"
    )
    position_m: tuple[float, float, float] = option(
        [0.0, 0.0, 1.0], "place in the arm's base frame", unit="m"
    )
    orientation_xyzw: tuple[float, float, float, float] = option(
        [1.0, 0.0, 0.0, 0.0], "turn of the optical frame in the base frame, a quaternion"
    )


@dataclass(frozen=True, eq=False)
class CameraCalibration:
    """One camera: `K` (3, 3) in pixels, `distortion` (5,) of plumb_bob, `T_base_camera` (4, 4)."""

    name: str
    width_px: int
    height_px: int
    K: NDArray[np.float64]
    distortion: NDArray[np.float64]
    T_base_camera: Transform

    def __post_init__(self) -> None:
        parts = (self.K, self.distortion, self.T_base_camera)
        shapes = tuple(part.shape for part in parts)
        if shapes != ((3, 3), (5,), (4, 4)) or not all(np.all(np.isfinite(p)) for p in parts):
            needs = "finite K (3, 3), distortion (5,), T_base_camera (4, 4)"
            raise CalibrationInvalid(f"calibration of {self.name} needs {needs}; got {shapes}")
        if not (self.K[0, 0] > 0.0 and self.K[1, 1] > 0.0):
            focal = f"{self.K[0, 0]:g}, {self.K[1, 1]:g} px"
            raise CalibrationInvalid(f"focal lengths of {self.name} are {focal}, must be above 0")

    @classmethod
    def from_mapping(cls, name: str, values: Mapping[str, Any], source: str) -> CameraCalibration:
        """A calibration of the parsed YAML; raises ConfigError or CalibrationInvalid."""
        known = from_mapping(_CalibrationFile, values, f"{source}: {name}")
        length = float(np.linalg.norm(known.orientation_xyzw))
        if not 0.99 < length < 1.01:
            raise CalibrationInvalid(
                f"{source}: {name}: orientation_xyzw has length {length:.4f}, must be 1"
            )
        (fx, fy), (cx, cy) = known.focal_px, known.center_px
        rotation = rotation_of(np.array(known.orientation_xyzw))
        return cls(
            name,
            known.width_px,
            known.height_px,
            np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]),
            np.array(known.distortion),
            transform(rotation, np.array(known.position_m)),
        )

    @classmethod
    def of_description(
        cls,
        description: RobotDescription,
        name: str,
        width_px: int,
        height_px: int,
        fov_y_rad: float,
    ) -> CameraCalibration:
        """The perfect pinhole that a simulator renders from the description's optical frame."""
        if not 0.0 < fov_y_rad < math.pi:
            raise CalibrationInvalid(
                f"field of view of {name} is {fov_y_rad:g} rad, must be 0 to pi"
            )
        focal = height_px / 2.0 / math.tan(fov_y_rad / 2.0)
        # Pixel centres are whole numbers, so the middle of the image lies between two.
        cx, cy = (width_px - 1) / 2.0, (height_px - 1) / 2.0
        K = np.array([[focal, 0.0, cx], [0.0, focal, cy], [0.0, 0.0, 1.0]])
        T_base_camera = _placed(description, f"camera_{name}_optical_frame")
        return cls(name, width_px, height_px, K, np.zeros(5), T_base_camera)

    def to_mapping(self) -> dict[str, Any]:
        """The plain values of which `from_mapping` makes the same calibration."""
        K = self.K
        return {
            "width_px": self.width_px,
            "height_px": self.height_px,
            "focal_px": [float(K[0, 0]), float(K[1, 1])],
            "center_px": [float(K[0, 2]), float(K[1, 2])],
            "distortion": self.distortion.tolist(),
            "position_m": self.T_base_camera[:3, 3].tolist(),
            "orientation_xyzw": quaternion_xyzw(self.T_base_camera[:3, :3]).tolist(),
        }

    @property
    def P_image_base(self) -> NDArray[np.float64]:
        """Maps homogeneous points of the base frame to pixels, (3, 4), distortion left aside."""
        projection: NDArray[np.float64] = self.K @ invert(self.T_base_camera)[:3]
        return projection

    def project(self, point_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixel (2,) of a point (3,) of the base frame, distortion left aside.

        Raises CalibrationInvalid for a point behind the camera.
        """
        x, y, z = self.T_base_camera[:3, :3].T @ (point_m - self.T_base_camera[:3, 3])
        if z <= 0.0:
            raise CalibrationInvalid(
                f"point is {z:.3f} m before camera {self.name}, must be above 0"
            )
        return (self.K @ np.array([x / z, y / z, 1.0]))[:2]


def calibration_hash(cameras: Iterable[CameraCalibration]) -> str:
    """A short hash of the cameras' content, the same in any order and on any machine."""
    content = {camera.name: _rounded(camera.to_mapping()) for camera in cameras}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    # Adding zero turns -0.0 into 0.0.
    return round(value, _DIGITS) + 0.0 if isinstance(value, float) else value


def _placed(description: RobotDescription, link: str) -> Transform:
    """The pose of a fixed link in the arm's base frame."""
    model = pin.buildModelFromXML(description.urdf)
    data = model.createData()
    pin.framesForwardKinematics(model, data, pin.neutral(model))
    places = []
    for name in (description.name("base_link"), description.name(link)):
        if not model.existFrame(name):
            raise DescriptionInvalid(f"the description has no link {name}")
        places.append(data.oMf[model.getFrameId(name)])
    return places[0].actInv(places[1]).homogeneous.copy()
