"""The true state of a cell's scene, known where a simulator or a person tells it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from .geometry import Point, Transform, invert


class Section(StrEnum):
    """The three compartments of the divided plate, in the plate's own frame."""

    BOTTOM = "bottom"
    TOP_RIGHT = "top-right"
    TOP_LEFT = "top-left"


@dataclass(frozen=True, eq=False)
class ObjectTruth:
    """One object: its centre in the base frame, and whether the gripper holds it clear.

    `covered` is the share of it, 0 to 1, that a cloth hides from straight above.
    """

    name: str
    category: str
    position_m: Point
    held: bool
    covered: float = 0.0


@dataclass(frozen=True, eq=False)
class PlateTruth:
    """The plate: its centre and heading (z up, y towards the top), and its radius."""

    T_base_plate: Transform
    radius_m: float
    thickness_m: float = 0.012

    def section_at(self, position_m: Point) -> Section | None:
        """The compartment below a base-frame point, None beside the plate."""
        x, y, _ = (invert(self.T_base_plate) @ np.append(position_m, 1.0))[:3]
        if math.hypot(x, y) > self.radius_m:
            return None
        if y < 0.0:
            return Section.BOTTOM
        return Section.TOP_RIGHT if x > 0.0 else Section.TOP_LEFT

    def height_over(self, position_m: Point) -> float:
        """How far a base-frame point is above the plate's own plane, in metres."""
        return float((invert(self.T_base_plate) @ np.append(position_m, 1.0))[2])


@dataclass(frozen=True, eq=False)
class SceneTruth:
    """Everything that a success rule may look at, at one moment.

    `put_back` names what left the cell since the bins were last reset and was put back.
    """

    stamp_ns: int
    objects: tuple[ObjectTruth, ...]
    plate: PlateTruth | None
    T_base_tool: Transform
    gripper_closed: bool
    put_back: tuple[str, ...] = ()

    @property
    def held(self) -> tuple[ObjectTruth, ...]:
        """The objects in the gripper."""
        return tuple(thing for thing in self.objects if thing.held)
