"""The files that several nodes read: geometry, action bounds, tasks, the robot's description."""

from __future__ import annotations

from pathlib import Path

from mtopt_core.errors import ConfigError
from mtopt_data.yamlfile import read_yaml
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.description import RobotDescription
from mtopt_robot.errors import DescriptionInvalid


def description(path: str, prefix: str = "") -> RobotDescription:
    """The description with a prefix, as cell1_, before its names; raises DescriptionInvalid."""
    if prefix and not prefix.endswith("_"):
        raise DescriptionInvalid(f"joint_prefix = {prefix!r}: must end with _, as cell1_")
    return RobotDescription.expand(path, {"cell": prefix.removesuffix("_")})


def calibrations(
    measured: str, nominal: str, description: RobotDescription, cameras: tuple[str, ...]
) -> tuple[CameraCalibration, ...]:
    """The cameras' calibration: measured where there is a file, else as designed.

    Raises ConfigError, DataError or RobotError.
    """
    path = measured or nominal
    known = read_yaml(Path(path))
    for camera in cameras:
        if camera not in known:
            raise ConfigError(path, camera, None, f"needs the cameras {', '.join(cameras)}")
    if measured:
        return tuple(CameraCalibration.from_mapping(c, known[c], path) for c in cameras)
    return tuple(
        CameraCalibration.of_description(
            description, c, known[c]["width_px"], known[c]["height_px"], known[c]["fov_y_rad"]
        )
        for c in cameras
    )
