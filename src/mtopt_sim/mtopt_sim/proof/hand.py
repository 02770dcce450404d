"""An arm that knows the true scene: it goes, grips and carries where it is told to.

The motions are those of the product: straight lines of the tool, timed within the joints'
limits. Only the episode loop's watch over the arm is left out.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from mtopt_core.geometry import Transform, pose_tool_down, wrap_angle, yaw_of
from mtopt_core.workspace import Bin
from mtopt_robot.arm import Arm
from mtopt_robot.clearance import BinClearance
from mtopt_robot.errors import NoSolution

from ..follower import TrajectoryPoints
from ..grasp import Grasp, grasps
from ..workcell import Workcell

_GRIP_S = 0.4  # time in which the fingers close or open
_REST_S = 0.3  # and in which they come to rest
_LIFTED_M = 0.10  # height above the floor from which an object counts as lifted
_MOST_TURN_RAD = 2.0  # either way from the yaw of home


@dataclass(frozen=True, eq=False)
class Hand:
    """The arm and gripper of one cell."""

    cell: Workcell
    arm: Arm

    def best(self, name: str) -> Grasp | None:
        """The best grasp of an object, none if no grasp of it is good and in reach."""
        found = grasps(self.cell, name, BinClearance(self.cell.workspace.bins))
        return next((grasp for grasp in found if grasp.good and self.reaches(grasp)), None)

    def reaches(self, grasp: Grasp) -> bool:
        """Whether the fingers get to a grasp and up again without touching a wall."""
        return self.clear(grasp.T_base_tool)

    def clear(self, T_base_tool: Transform) -> bool:
        """The same for a pose.

        The farthest corners of the right bin are a few millimetres out of the arm's reach.
        """
        bins = self.cell.workspace.bins
        if not BinClearance(bins).clear(T_base_tool[:3, 3], yaw_of(T_base_tool)):
            return False
        above, start = self._above(T_base_tool), self.cell.commanded("arm")
        try:
            self.arm.kinematics.inverse(T_base_tool, self.arm.kinematics.inverse(above, start))
        except NoSolution:
            return False
        return True

    def go(self, T_base_tool: Transform) -> None:
        """To a tool-down pose on a straight line."""
        start = self.cell.commanded("arm")
        path = self.arm.steps.line.path(start, self.arm.kinematics.inverse(T_base_tool, start))
        self.cell.follow("arm", TrajectoryPoints.of(self.arm.motion.along(path)))
        self.cell.finish()

    def squeeze(self, finger_m: float) -> None:
        """The fingers to a travel; they stop early at what is between them."""
        names = (self.cell.description.name("gripper_joint"),)
        goal = np.array([[finger_m]], dtype=np.float64)
        self.cell.follow("gripper", TrajectoryPoints(names, np.array([_GRIP_S]), goal))
        self.cell.advance(_GRIP_S + _REST_S)

    def pick(self, T_base_tool: Transform) -> None:
        """Down from above, close, up again."""
        above = self._above(T_base_tool)
        self.go(above)
        self.go(T_base_tool)
        self.squeeze(0.0)
        self.go(above)

    def _above(self, T_base_tool: Transform) -> Transform:
        above = T_base_tool.copy()
        above[2, 3] = self.cell.workspace.hover_z_m
        return above

    def holds(self, name: str) -> bool:
        """Whether an object is in the gripper and off the floor."""
        truth, floor_m = self.cell.truth(), self.cell.workspace.bins.floor_z_m
        thing = next(known for known in truth.objects if known.name == name)
        return thing.held and thing.position_m[2] - floor_m >= _LIFTED_M

    def carry(self, duration_s: float, seed: int) -> None:
        """From one random pose above the bins to the next at the arm's usual speed.

        Of the far corners the highest are out of reach: another pose is drawn then.
        """
        rng = np.random.default_rng((seed, 7))
        workspace = self.cell.workspace
        end_ns = self.cell.now_ns + round(duration_s * 1e9)
        yaw = yaw_of(self.cell.pose_of(self.cell.description.name("tool")))
        home_yaw = self.arm.kinematics.home_yaw_rad
        while self.cell.now_ns < end_ns:
            position = workspace.hover_point(tuple(Bin)[rng.integers(2)], rng)
            position[2] = rng.uniform(workspace.hover_z_m, workspace.tool_box.max_m[2])
            turned = wrap_angle(yaw - home_yaw) + rng.uniform(-1.0, 1.0)
            yaw = home_yaw + float(np.clip(turned, -_MOST_TURN_RAD, _MOST_TURN_RAD))
            with suppress(NoSolution):
                self.go(pose_tool_down(position, yaw))


def shifted(grasp: Grasp, along_m: float = 0.0, across_m: float = 0.0, up_m: float = 0.0) -> Grasp:
    """A worse grasp: off along the fingers' width, across their gap, or too high."""
    T = grasp.T_base_tool.copy()
    yaw = yaw_of(T)
    T[:2, 3] += along_m * np.array([np.cos(yaw), np.sin(yaw)])
    T[:2, 3] += across_m * np.array([-np.sin(yaw), np.cos(yaw)])
    T[2, 3] += up_m
    return replace(grasp, T_base_tool=T)
