"""Where to grasp an object from above, knowing the true scene.

No policy may use this: it seeds training with picks that are better than blind, and tells tests
what the gripper can do at its best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.geometry import Transform, pose_tool_down
from mtopt_robot.clearance import BinClearance

from .cloud import Points, cloud
from .workcell import Workcell

_APERTURE_M = 0.070
_FINGER_M = (0.013, 0.013)  # half width along the tool's x, thickness along its y, with a margin
_TIP_BELOW_M = 0.012  # how far below the object's middle the tips go
_SPARE_M = 0.003  # room beside each finger when the gripper comes down
_YAWS = np.linspace(-math.pi / 2, math.pi / 2, 36, endpoint=False)
_SLICES_M = (0.0, -0.012, 0.012, -0.024, 0.024)
_PATCH_M = 0.002  # what lies this close to the outermost point touches the finger
_WIDEST_M = 0.055  # leaves 7 mm beside each finger: an object that is a bit off is not struck
_MOST_OBLIQUE = 0.2  # well inside the friction cone of the fingers
_BESIDE_M = 0.008  # least that the object goes on to either side of the fingers' middle
_WORSE_M = 0.1  # costs more than any width


@dataclass(frozen=True, eq=False)
class Grasp:
    """A tool-down pose to close at; `width_m` between the fingers, `free` of other things.

    `oblique` is how far the two touched patches are from facing each other along the closing
    direction, as a tangent: zero is a grasp between parallel faces.
    """

    T_base_tool: Transform
    width_m: float
    free: bool
    oblique: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing is in the way and the fingers press against each other."""
        return self.free and self.width_m <= _WIDEST_M and self.oblique <= _MOST_OBLIQUE


def grasps(cell: Workcell, name: str, clearance: BinClearance) -> list[Grasp]:
    """Ways to grasp an object, the best first; empty if none of its sides fits the gripper."""
    own = surface(cell, name)
    others = [surface(cell, other) for other in cell.object_names if other != name]
    around = np.vstack(others) if others else np.empty((0, 3))
    middle_z = (own[:, 2].min() + own[:, 2].max()) / 2.0
    tip_z = max(middle_z - _TIP_BELOW_M, cell.workspace.tool_box.min_m[2])
    center = np.append(cell.data.body(name).xipos[:2], tip_z)
    own, around = own[own[:, 2] > tip_z - 0.003], around[around[:, 2] > tip_z - 0.005] - center
    found = []
    for yaw in _YAWS:
        along = np.array([math.cos(yaw), math.sin(yaw)])
        across = np.array([-along[1], along[0]])
        for offset in _SLICES_M:
            grasp = _slice(own - center, around, along, across, offset)
            if grasp is None:
                continue
            shift, width, free, oblique = grasp
            position = center.copy()
            position[:2] += offset * along + shift * across
            free = free and clearance.clear(position, float(yaw))
            made = Grasp(pose_tool_down(position, float(yaw)), width, free, oblique)
            cost = width + 3.0 * abs(offset) + 0.05 * oblique
            cost += 0.0 if made.good else _WORSE_M
            found.append((cost, made))
    found.sort(key=lambda pair: pair[0])
    return [grasp for _, grasp in found]


def _slice(
    own: Points, around: Points, along: Points, across: Points, offset: float
) -> tuple[float, float, bool, float] | None:
    """(middle, width, free, oblique) of what lies between the fingers, as they close on it."""
    half_width, thickness = _FINGER_M
    beyond = own[:, :2] @ along - offset
    if beyond.min() > -_BESIDE_M or beyond.max() < _BESIDE_M:
        return None
    between = own[np.abs(beyond) <= half_width]
    if len(between) < 4:
        return None
    reach = between[:, :2] @ across
    low, high = float(reach.min()), float(reach.max())
    if high - low > _APERTURE_M - 2.0 * _SPARE_M:
        return None
    middle = (low + high) / 2.0
    beside = around[np.abs(around[:, :2] @ along - offset) <= half_width][:, :2] @ across - middle
    half = _APERTURE_M / 2.0
    struck = (np.abs(beside) > half - _SPARE_M) & (np.abs(beside) < half + thickness)
    also = np.abs(beside) <= half - _SPARE_M
    oblique = max(_oblique(between, reach, along), _slant(between[:, :2] @ along - offset, reach))
    return middle, high - low, not bool(struck.any() or also.any()), oblique


def _oblique(between: Points, reach: NDArray[np.float64], along: Points) -> float:
    """Tangent of the angle from the closing direction to the line between what is touched."""
    low, high = reach <= reach.min() + _PATCH_M, reach >= reach.max() - _PATCH_M
    line = between[high].mean(axis=0) - between[low].mean(axis=0)
    aside = math.hypot(float(line[:2] @ along), float(line[2]))
    return aside / max(float(reach[high].mean() - reach[low].mean()), 1e-6)


def _slant(beyond: NDArray[np.float64], reach: NDArray[np.float64]) -> float:
    """Half the tangent at which an outline runs to or from the finger: much of it at a corner."""
    near, far = reach[beyond < 0.0], reach[beyond >= 0.0]
    if not (len(near) and len(far)):
        return math.inf
    rise = max(abs(near.max() - far.max()), abs(near.min() - far.min()))
    return float(rise) / (2.0 * _FINGER_M[0])


def surface(cell: Workcell, name: str) -> Points:
    """Points (N, 3) on an object where it is now, base frame."""
    pose = cell.pose_of(name)
    points: Points = cloud(cell.kinds[name]) @ pose[:3, :3].T + pose[:3, 3]
    return points
