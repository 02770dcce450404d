"""What a camera cannot see need not be drawn: bounding spheres against its four side planes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.geometry import Transform

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frustum:
    """A pinhole's view from `T_world_optical` (z forward, x right, y down)."""

    T_world_optical: Transform
    fov_y_rad: float
    height_px: int
    width_px: int

    def sees(self, centers_m: Points, radii_m: Points) -> NDArray[np.bool_]:
        """Which spheres (N, 3), (N,) may be seen; a radius of 0 is that of an endless thing."""
        local = (centers_m - self.T_world_optical[:3, 3]) @ self.T_world_optical[:3, :3]
        along, seen = local[:, 2], local[:, 2] > -radii_m
        for axis, slope in enumerate(self._slopes):
            # Distance from the two side planes, whose normals are (+-1, -slope) / length.
            outside = (np.abs(local[:, axis]) - slope * along) / math.hypot(1.0, slope)
            seen &= outside < radii_m
        return seen | (radii_m == 0.0)

    def covers(self, center_m: Points, half_m: Points) -> bool:
        """Whether a level rectangle at a point (3,), of half sides (2,), fills the whole view."""
        x, y = self._slopes
        rays = np.array([(i * x, j * y, 1.0) for i in (-1, 1) for j in (-1, 1)])
        rays = rays @ self.T_world_optical[:3, :3].T
        drop = self.T_world_optical[2, 3] - center_m[2]
        if drop <= 0.0 or np.any(rays[:, 2] >= 0.0):
            return False
        # Where the corners' rays meet the plane; between them the view is convex.
        feet = self.T_world_optical[:2, 3] - rays[:, :2] * (drop / rays[:, 2:])
        return bool(np.all(np.abs(feet - center_m[:2]) < half_m))

    @property
    def _slopes(self) -> tuple[float, float]:
        down = math.tan(self.fov_y_rad / 2.0)
        return down * self.width_px / self.height_px, down
