"""Where the fingers may be between the walls of the bins.

Below the rims (and a margin above them) the fingers must be inside one bin, clear of its
walls; how far depends on the tool's yaw, since open fingers are long one way and narrow
the other. Above the rims everything is free.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mtopt_core.config import option
from mtopt_core.joints import Vector
from mtopt_core.workspace import Bin, BinGeometry


@dataclass(frozen=True)
class ClearanceConfig:
    """The room that the fingers take."""

    finger_span_m: float = option(
        0.048, "half the room of open fingers along the tool's y", unit="m", low=0.0, high=0.13
    )
    finger_width_m: float = option(
        0.012, "half the room of the fingers along the tool's x", unit="m", low=0.0, high=0.13
    )
    rim_m: float = option(
        0.02, "height above the rims from which the tool is free", unit="m", low=0.0, high=0.2
    )


@dataclass(frozen=True)
class BinClearance:
    """The room between one pair of bins' walls."""

    bins: BinGeometry
    config: ClearanceConfig = ClearanceConfig()

    @property
    def free_z_m(self) -> float:
        """The tool height from which the walls are no obstacle."""
        return self.bins.rim_z_m + self.config.rim_m

    def room(self, which: Bin, *yaws_rad: float) -> tuple[Vector, Vector]:
        """Lower and upper (x, y) of the tool inside a bin, for all of these yaws."""
        reach = np.max([self._reach(yaw) for yaw in yaws_rad], axis=0)
        center = self.bins.center_m(which)[:2]
        half = np.maximum(np.array(self.bins.inner_size_m[:2]) / 2.0 - reach, 0.0)
        return center - half, center + half

    def keep(
        self, start_m: Vector, goal_m: Vector, yaw_start_rad: float, yaw_goal_rad: float
    ) -> Vector:
        """The goal (3,) bent so that the straight way to it stays clear of the walls.

        A low start keeps to the bin it is in. From above, a low goal is moved into the
        nearer bin, and raised if the way down would cross a wall.
        """
        free = self.free_z_m
        if min(start_m[2], goal_m[2]) >= free:
            return goal_m
        within = start_m if start_m[2] < free else goal_m
        mid_yaw = (yaw_start_rad + yaw_goal_rad) / 2.0
        low, high = self.room(self._nearer(within), yaw_start_rad, mid_yaw, yaw_goal_rad)
        kept = np.array([*np.clip(goal_m[:2], low, high), goal_m[2]])
        if start_m[2] >= free:
            enters = _entry(start_m[:2], kept[:2], low, high)
            if start_m[2] + enters * (kept[2] - start_m[2]) < free:
                kept[2] = start_m[2] - (start_m[2] - free) / enters
        return kept

    def clear(self, position_m: Vector, yaw_rad: float, slack_m: float = 1e-9) -> bool:
        """Whether fingers at a point (3,) touch no wall, up to a slack."""
        if position_m[2] >= self.free_z_m - slack_m:
            return True
        low, high = self.room(self._nearer(position_m), yaw_rad)
        xy = position_m[:2]
        return bool(np.all(xy >= low - slack_m) and np.all(xy <= high + slack_m))

    def _reach(self, yaw_rad: float) -> Vector:
        """How far (x, y) the fingers stand out from the tool."""
        s, c = abs(math.sin(yaw_rad)), abs(math.cos(yaw_rad))
        span, width = self.config.finger_span_m, self.config.finger_width_m
        return np.array([span * s + width * c, span * c + width * s])

    def _nearer(self, position_m: Vector) -> Bin:
        away = {
            which: float(np.linalg.norm(position_m[:2] - self.bins.center_m(which)[:2]))
            for which in Bin
        }
        return min(away, key=lambda which: away[which])


def _entry(start: Vector, goal: Vector, low: Vector, high: Vector) -> float:
    """The share of the way from start to goal (inside) after which it stays in a rectangle."""
    enters = 0.0
    for a, b, lower, upper in zip(start, goal, low, high, strict=True):
        if a < lower:
            enters = max(enters, (lower - a) / (b - a))
        elif a > upper:
            enters = max(enters, (upper - a) / (b - a))
    return float(enters)
