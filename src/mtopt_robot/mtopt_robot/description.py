"""The robot description: the URDF of a cell, its joint names and what its joints may do."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xacro

from mtopt_core.config import option
from mtopt_core.joints import JointLimits

from .errors import DescriptionInvalid

ARM_JOINTS = tuple(f"iiwa_joint_{index}" for index in range(1, 8))
GRIPPER_JOINTS = ("gripper_joint",)
BIN_JOINTS = ("bin_left_joint", "bin_right_joint")


@dataclass(frozen=True)
class JointDynamics:
    """How hard the joints may be driven: what a URDF has no words for."""

    arm_acceleration_rad_s2: tuple[float, ...] = option(
        [6.0, 6.0, 7.5, 7.5, 10.0, 10.0, 12.0],
        "largest acceleration of each arm joint at full speed",
        unit="rad/s^2",
        low=0.1,
        high=30.0,
    )
    arm_jerk_rad_s3: tuple[float, ...] = option(
        [60.0, 60.0, 75.0, 75.0, 100.0, 100.0, 120.0],
        "largest jerk of each arm joint at full speed",
        unit="rad/s^3",
        low=1.0,
        high=1000.0,
    )
    gripper_acceleration_m_s2: float = option(
        1.0, "largest acceleration of a finger", unit="m/s^2", low=0.01, high=20.0
    )
    gripper_jerk_m_s3: float = option(
        20.0, "largest jerk of a finger", unit="m/s^3", low=0.1, high=1000.0
    )
    bin_acceleration_rad_s2: float = option(
        4.0, "largest acceleration of a bin hinge", unit="rad/s^2", low=0.1, high=50.0
    )
    bin_jerk_rad_s3: float = option(
        40.0, "largest jerk of a bin hinge", unit="rad/s^3", low=1.0, high=1000.0
    )


@dataclass(frozen=True)
class RobotDescription:
    """One cell's URDF, with the prefix that its names carry ("" or "<cell>_")."""

    urdf: str
    prefix: str = ""
    dynamics: JointDynamics = JointDynamics()

    @classmethod
    def expand(
        cls,
        path: str | Path,
        arguments: Mapping[str, str] | None = None,
        dynamics: JointDynamics = JointDynamics(),
    ) -> RobotDescription:
        """The description that a xacro file gives for these arguments.

        The argument `cell` also sets the prefix. Raises DescriptionInvalid.
        """
        given = dict(arguments or {})
        if not Path(path).is_file():
            raise DescriptionInvalid(f"no robot description at {path}")
        try:
            urdf = xacro.process_file(str(path), mappings=given).toxml()
        except Exception as error:  # xacro raises whatever its expressions do
            raise DescriptionInvalid(f"{path} with {given}: {error}") from error
        cell = given.get("cell", "")
        return cls(urdf, f"{cell}_" if cell else "", dynamics)

    def name(self, plain: str) -> str:
        """A joint's or link's name in this cell."""
        return self.prefix + plain

    def names(self, plain: tuple[str, ...]) -> tuple[str, ...]:
        """Several names in this cell."""
        return tuple(self.name(item) for item in plain)

    @cached_property
    def arm_limits(self) -> JointLimits:
        """Limits of the seven arm joints; raises DescriptionInvalid."""
        known = self.dynamics
        return self._limits(ARM_JOINTS, known.arm_acceleration_rad_s2, known.arm_jerk_rad_s3)

    @cached_property
    def gripper_limits(self) -> JointLimits:
        """Limits of the finger joint, in metres where names say radians."""
        known = self.dynamics
        acceleration, jerk = (known.gripper_acceleration_m_s2,), (known.gripper_jerk_m_s3,)
        return self._limits(GRIPPER_JOINTS, acceleration, jerk)

    @cached_property
    def bin_limits(self) -> JointLimits:
        """Limits of the hinges of the left and the right bin."""
        known = self.dynamics
        acceleration, jerk = (known.bin_acceleration_rad_s2,) * 2, (known.bin_jerk_rad_s3,) * 2
        return self._limits(BIN_JOINTS, acceleration, jerk)

    def _limits(
        self, plain: tuple[str, ...], acceleration: tuple[float, ...], jerk: tuple[float, ...]
    ) -> JointLimits:
        names = self.names(plain)
        if not len(acceleration) == len(jerk) == len(names):
            sizes = f"{len(acceleration)} accelerations and {len(jerk)} jerks"
            raise DescriptionInvalid(f"{len(names)} joints {', '.join(names)} got {sizes}")
        lower, upper, speed, effort = np.array([self._limit(name) for name in names]).T
        return JointLimits(
            names, lower, upper, speed, np.array(acceleration), np.array(jerk), effort
        )

    def _limit(self, name: str) -> tuple[float, float, float, float]:
        """(lower, upper, velocity, effort) of one joint, checked."""
        limit = self._joint(name).find("limit")
        if limit is None:
            raise DescriptionInvalid(f"joint {name} has no limit element")
        keys = ("lower", "upper", "velocity", "effort")
        try:
            lower, upper, speed, effort = (float(limit.attrib[key]) for key in keys)
        except (KeyError, ValueError) as error:
            wanted = ", ".join(keys)
            raise DescriptionInvalid(f"limits of joint {name} need {wanted}: {error}") from error
        if not (lower < upper and speed > 0.0 and effort > 0.0):
            found = f"lower {lower:g}, upper {upper:g}, velocity {speed:g}, effort {effort:g}"
            raise DescriptionInvalid(f"limits of joint {name} leave it no motion: {found}")
        return lower, upper, speed, effort

    def _joint(self, name: str) -> ElementTree.Element:
        joint = self._joints.get(name)
        if joint is None:
            known = ", ".join(self._joints) or "none"
            raise DescriptionInvalid(f"the description has no joint {name}; joints: {known}")
        return joint

    @cached_property
    def _joints(self) -> dict[str, ElementTree.Element]:
        try:
            root = ElementTree.fromstring(self.urdf)
        except ElementTree.ParseError as error:
            raise DescriptionInvalid(f"the description is no XML: {error}") from error
        return {joint.get("name", ""): joint for joint in root.findall("joint")}
