"""How far the arm reaches: its wrist's centre stays in a thick shell about its shoulder.

Both lie on the axes that pass through them (joints 1 to 3, joints 5 to 7), so their
distance is the elbow's doing alone: a straight elbow gives the outer radius, one bent to
its limit the inner. The shell is exact, whatever the tool's orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtopt_core.geometry import Transform
from mtopt_core.joints import Vector


@dataclass(frozen=True, eq=False)
class Reach:
    """The shell, in the base frame, and the wrist's centre in the tool frame, each (3,)."""

    shoulder_m: Vector
    wrist_in_tool_m: Vector
    inner_m: float
    outer_m: float

    def distance_m(self, T_base_tool: Transform) -> float:
        """How far from the shoulder a pose puts the wrist's centre."""
        return float(np.linalg.norm(self._arm(T_base_tool)))

    def holds(self, T_base_tool: Transform) -> bool:
        """Whether a pose is within reach, as far as the elbow alone decides."""
        return self.inner_m <= self.distance_m(T_base_tool) <= self.outer_m

    def bring_in(self, T_base_tool: Transform) -> Transform:
        """The nearest pose of the same orientation that is within reach."""
        arm = self._arm(T_base_tool)
        distance = max(float(np.linalg.norm(arm)), 1e-9)
        # A hair inside, so that what is brought in is held.
        wanted = float(np.clip(distance, self.inner_m + 1e-9, self.outer_m - 1e-9))
        near = T_base_tool.copy()
        near[:3, 3] += arm * (wanted / distance - 1.0)
        return near

    def _arm(self, T_base_tool: Transform) -> Vector:
        wrist = T_base_tool[:3, :3] @ self.wrist_in_tool_m + T_base_tool[:3, 3]
        return wrist - self.shoulder_m
