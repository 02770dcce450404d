"""Where things are in a cell: the pair of bins, the box the tool may be in, home.

Everything in metres and radians in the arm's base frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import from_mapping, option
from .errors import ConfigError


class Bin(StrEnum):
    """The two bins: objects wait in the right one, the plate lies in the left one."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class BinGeometry:
    """A pair of equal open boxes on one table, mirrored about the hinges at y = 0."""

    floor_z_m: float = option(0.02, "height of the bin floors", unit="m")
    inner_size_m: tuple[float, float, float] = option(
        [0.36, 0.28, 0.10], "inner length (x), width (y) and depth", unit="m", low=0.02, high=2.0
    )
    left_center_m: tuple[float, float] = option([0.58, 0.16], "centre of the left bin", unit="m")
    right_center_m: tuple[float, float] = option([0.58, -0.16], "centre of the right bin", unit="m")
    wall_m: float = option(0.008, "thickness of walls and floor", unit="m", low=0.001, high=0.05)
    left_tip_rad: float = option(2.6, "furthest turn of the left bin", unit="rad", low=0, high=3.0)
    right_tip_rad: float = option(
        0.5, "furthest turn of the right bin", unit="rad", low=0, high=3.0
    )

    def center_m(self, which: Bin) -> NDArray[np.float64]:
        """Centre of a bin's floor, (3,)."""
        x, y = self.left_center_m if which is Bin.LEFT else self.right_center_m
        return np.array([x, y, self.floor_z_m])

    def holds(self, which: Bin, position_m: NDArray[np.float64], margin_m: float = 0.0) -> bool:
        """Whether a point is above a bin's floor and between its walls, less a margin."""
        return bool(self.holding(which, np.asarray(position_m)[None], margin_m)[0])

    def holding(
        self, which: Bin, positions_m: NDArray[np.float64], margin_m: float = 0.0
    ) -> NDArray[np.bool_]:
        """The same for many points (N, 3) at once, (N,)."""
        offsets = np.abs(positions_m[:, :2] - self.center_m(which)[:2])
        half = np.array(self.inner_size_m[:2]) / 2.0 - margin_m
        above = positions_m[:, 2] >= self.floor_z_m - self.wall_m
        inside: NDArray[np.bool_] = (offsets <= half).all(axis=1) & above
        return inside

    @property
    def rim_z_m(self) -> float:
        """Height of the upper edge of the walls."""
        return self.floor_z_m + self.inner_size_m[2]


@dataclass(frozen=True)
class ToolBox:
    """The box that the point between the finger tips never leaves under a policy."""

    min_m: tuple[float, float, float] = option([0.40, -0.31, 0.025], "lower corner", unit="m")
    max_m: tuple[float, float, float] = option([0.76, 0.31, 0.40], "upper corner", unit="m")

    def clip(self, position_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest point of the box."""
        return np.clip(position_m, self.min_m, self.max_m)

    def contains(self, position_m: NDArray[np.float64], slack_m: float = 1e-9) -> bool:
        """Whether a point is in the box, up to a slack."""
        return bool(np.all(np.abs(self.clip(position_m) - position_m) <= slack_m))


@dataclass(frozen=True)
class _Poses:
    """The two entries of the file that stand on their own."""

    hover_z_m: float = option(0.25, "tool height at the start of an episode", unit="m")
    home_q_rad: tuple[float, float, float, float, float, float, float] = option(
        [0.0] * 7, "joints of the home pose", unit="rad", low=-math.pi, high=math.pi
    )


def _tool_box(values: Any, source: str) -> ToolBox:
    ends = ("min", "max")
    if not isinstance(values, Mapping) or set(values) != set(ends):
        raise ConfigError(source, "tool_box_m", values, f"fields are {', '.join(ends)}")
    corners = {f"{end}_m": values[end] for end in ends}
    return from_mapping(ToolBox, corners, f"{source}: tool_box_m")


@dataclass(frozen=True)
class Workspace:
    """A cell's geometry as one value, from config/workspace.yaml."""

    bins: BinGeometry
    tool_box: ToolBox
    hover_z_m: float
    home_q_rad: tuple[float, ...]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> Workspace:
        """Workspace of the parsed YAML; raises ConfigError."""
        fields = ("bins", "tool_box_m", "hover_z_m", "home_q_rad")
        for key in values:
            if key not in fields:
                raise ConfigError(source, key, values[key], f"fields are {', '.join(fields)}")
        for key in fields:
            if key not in values:
                raise ConfigError(source, key, None, "is missing")
        poses = {key: values[key] for key in ("hover_z_m", "home_q_rad")}
        rest = from_mapping(_Poses, poses, source)
        made = cls(
            bins=from_mapping(BinGeometry, values["bins"], f"{source}: bins"),
            tool_box=_tool_box(values["tool_box_m"], source),
            hover_z_m=rest.hover_z_m,
            home_q_rad=rest.home_q_rad,
        )
        made._check(source)
        return made

    def _check(self, source: str) -> None:
        box = self.tool_box
        if not np.all(np.array(box.min_m) < np.array(box.max_m)):
            raise ConfigError(source, "tool_box_m", (box.min_m, box.max_m), "min must be below max")
        if not self.bins.rim_z_m < self.hover_z_m <= box.max_m[2]:
            allowed = f"must be above the rims ({self.bins.rim_z_m:g} m) and inside tool_box_m"
            raise ConfigError(source, "hover_z_m", self.hover_z_m, allowed)

    def hover_point(
        self, which: Bin, rng: np.random.Generator, margin_m: float = 0.05
    ) -> NDArray[np.float64]:
        """A random point (3,) at hover height above a bin, away from its walls by a margin.

        Above the middle of a bin that is narrower than the margins.
        """
        half = np.maximum(np.array(self.bins.inner_size_m[:2]) / 2.0 - margin_m, 0.0)
        xy = self.bins.center_m(which)[:2] + rng.uniform(-half, half)
        return self.tool_box.clip(np.array([xy[0], xy[1], self.hover_z_m]))
