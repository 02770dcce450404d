"""Straight lines of the tool as joint paths.

A joint-space line bends the tool's way; knots solved on the line straighten it. As few
knots are taken as keep the tool within a tolerance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from mtopt_core.config import option
from mtopt_core.geometry import Transform
from mtopt_core.joints import Vector

from .errors import UnreachableTarget
from .kinematics import ArmKinematics
from .path import JointPath

_PROBES = np.array([0.25, 0.5, 0.75])  # where between two knots the way is looked at


@dataclass(frozen=True)
class LineConfig:
    """How straight a line is."""

    tolerance_m: float = option(
        0.005, "furthest the tool may be from the line", unit="m", low=1e-4, high=0.1
    )
    tilt_tolerance_rad: float = option(
        0.05, "furthest the tool may turn off its orientation", unit="rad", low=1e-3, high=0.5
    )
    most_segments: int = option(16, "most pieces a line is cut into", low=1, high=128)
    joint_span_rad: float = option(
        2.5, "most any joint may move on one line", unit="rad", low=0.1, high=6.0
    )


class StraightLine:
    """Lines of one arm."""

    def __init__(self, kinematics: ArmKinematics, config: LineConfig = LineConfig()) -> None:
        self.kinematics = kinematics
        self.config = config

    def path(self, q_start_rad: Vector, q_goal_rad: Vector) -> JointPath:
        """The way from one joint position (7,) to another, straight for the tool.

        Position and orientation go at even rates. Raises UnreachableTarget or NoSolution.
        """
        self._check_span(q_start_rad, q_goal_rad)
        line = _Line(self.kinematics.forward(q_start_rad), self.kinematics.forward(q_goal_rad))
        segments = 1
        while segments <= self.config.most_segments:
            path = JointPath(self._knots(line, q_start_rad, q_goal_rad, segments))
            off_m, off_rad = self._strays(line, path, segments)
            if off_m <= self.config.tolerance_m and off_rad <= self.config.tilt_tolerance_rad:
                return path
            segments *= 2
        raise UnreachableTarget(
            f"the way would leave the straight line by {off_m:.4f} m and {off_rad:.3f} rad, "
            f"bounds {self.config.tolerance_m:g} m and {self.config.tilt_tolerance_rad:g} rad"
        )

    def _knots(self, line: _Line, start: Vector, goal: Vector, segments: int) -> np.ndarray:
        # Each knot descends from the joint-space line, so neighbours share one elbow.
        inner = [
            self.kinematics.nearest(line.at(s), start + s * (goal - start))
            for s in (k / segments for k in range(1, segments))
        ]
        return np.array([start, *inner, goal])

    def _strays(self, line: _Line, path: JointPath, segments: int) -> tuple[float, float]:
        """How far (m, rad) the tool leaves the line between the knots."""
        s = ((np.arange(segments)[:, None] + _PROBES) / segments).ravel()
        worst_m = worst_rad = 0.0
        for at, q in zip(s, path.at(s)[0], strict=True):
            off_m, off_rad = line.distance(self.kinematics.forward(q), float(at))
            worst_m, worst_rad = max(worst_m, off_m), max(worst_rad, off_rad)
        return worst_m, worst_rad

    def _check_span(self, start: Vector, goal: Vector) -> None:
        span = np.abs(goal - start)
        worst = int(np.argmax(span))
        if span[worst] > self.config.joint_span_rad:
            name, bound = self.kinematics.limits.names[worst], self.config.joint_span_rad
            raise UnreachableTarget(
                f"{name} would turn {span[worst]:.2f} rad on one line, bound {bound:g} rad"
            )


class _Line:
    """The tool's straight way between two poses: even in position, even about one axis."""

    def __init__(self, T_start: Transform, T_goal: Transform) -> None:
        self.T_start = T_start
        self.way_m = T_goal[:3, 3] - T_start[:3, 3]
        self.length_m = float(np.linalg.norm(self.way_m))
        self.turn_rad = pin.log3(T_goal[:3, :3] @ T_start[:3, :3].T)

    def at(self, s: float) -> Transform:
        T = self.T_start.copy()
        T[:3, :3] = pin.exp3(s * self.turn_rad) @ self.T_start[:3, :3]
        T[:3, 3] += s * self.way_m
        return T

    def distance(self, T: Transform, s: float) -> tuple[float, float]:
        """How far a pose is from the line (m), and its z axis from the line's at s (rad)."""
        off = T[:3, 3] - self.T_start[:3, 3]
        if self.length_m > 0.0:
            along = float(off @ self.way_m) / self.length_m**2
            off = off - min(1.0, max(0.0, along)) * self.way_m
        cosine = float(T[:3, 2] @ self.at(s)[:3, 2])
        return float(np.linalg.norm(off)), math.acos(min(1.0, max(-1.0, cosine)))
