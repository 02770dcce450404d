"""Where to pinch the cloth and where to let go of it over an object, knowing the true scene.

As in `grasp`: no policy may use this; it seeds training and tells tests what can be done.
"""

from __future__ import annotations

import numpy as np

from mtopt_core.geometry import Transform, pose_tool_down

from .cloud import cloud
from .errors import UnknownObject
from .workcell import Workcell

_RELEASE_ABOVE_M = 0.030  # of the object's highest point


def pinch(cell: Workcell, yaw_rad: float = 0.0) -> Transform:
    """Tool-down pose at which closing takes the cloth by its middle; raises UnknownObject."""
    if cell.cloth is None:
        raise UnknownObject("this cell has no cloth")
    center = cell.cloth.center(cell.data)
    return _reachable(cell, center[:2], cell.workspace.bins.floor_z_m, yaw_rad)


def release_over(cell: Workcell, name: str, yaw_rad: float = 0.0) -> Transform:
    """Tool-down pose at which opening lets the cloth fall over an object; raises UnknownObject."""
    if name not in cell.kinds:
        raise UnknownObject(f"no object {name!r}; there are {', '.join(cell.kinds)}")
    T = cell.pose_of(name)
    points = cloud(cell.kinds[name]) @ T[:3, :3].T + T[:3, 3]
    middle = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2.0
    return _reachable(cell, middle, float(points[:, 2].max()) + _RELEASE_ABOVE_M, yaw_rad)


def _reachable(cell: Workcell, xy_m: np.ndarray, z_m: float, yaw_rad: float) -> Transform:
    point = cell.workspace.tool_box.clip(np.array([xy_m[0], xy_m[1], z_m]))
    return pose_tool_down(point, yaw_rad)
