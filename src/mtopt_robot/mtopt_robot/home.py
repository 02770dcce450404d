"""The way home, and to a point above a bin: up first, then across.

`WayHome` is the interface, and whatever keeps it plans nothing that touches: `LiftAndCross`
refuses where its simple way does not do, `FirstWay` then asks the next.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mtopt_core.geometry import Transform, pose_tool_down, wrap_angle
from mtopt_core.guard import Guard
from mtopt_core.joints import JointState, JointTrajectory, Vector
from mtopt_core.workspace import Workspace

from .clearance import BinClearance
from .collision import CollisionModel
from .errors import NoSolution, UnreachableTarget
from .kinematics import ArmKinematics
from .line import StraightLine
from .motion import MotionPlanner, joined
from .path import JointPath

_LOOK_RAD = 0.05  # spacing of the looks along a joint-space way


@dataclass(frozen=True, eq=False)
class WayPlan:
    """A motion to a resting place; no trajectory if the arm is there."""

    arm: JointTrajectory | None
    q_goal_rad: Vector
    T_base_goal: Transform


class WayHome(Protocol):
    """Ways that are safe from wherever the arm is; joints (7,) are the last commanded or,
    after a stop, the measured ones. Raise UnreachableTarget, NoSolution or GuardRefusal."""

    def plan_home(self, q_from_rad: Vector, state: JointState, now_ns: int) -> WayPlan:
        """To the home position."""
        ...

    def plan_hover(
        self,
        position_m: Vector,
        yaw_rad: float,
        q_from_rad: Vector,
        state: JointState,
        now_ns: int,
    ) -> WayPlan:
        """To a tool-down pose at a point (3,) above the rims of the bins.

        The gripper looks the same turned by half, so the yaw nearer to home's is taken.
        """
        ...


@dataclass(frozen=True, eq=False)
class RestingPlaces:
    """Where ways lead to."""

    kinematics: ArmKinematics
    workspace: Workspace
    clearance: BinClearance

    @property
    def home_q_rad(self) -> Vector:
        """The home position (7,)."""
        return self.kinematics.home_q_rad

    def hover_q_rad(self, position_m: Vector, yaw_rad: float) -> Vector:
        """Joints (7,) of a hover, see WayHome; raises UnreachableTarget or NoSolution."""
        kept = self.workspace.tool_box.clip(np.asarray(position_m, np.float64))
        if kept[2] < self.clearance.free_z_m:
            bound = self.clearance.free_z_m
            raise UnreachableTarget(f"hover height {kept[2]:.3f} m, must be {bound:.3f} m or more")
        home_yaw = self.kinematics.home_yaw_rad
        turn = np.remainder(yaw_rad - home_yaw + np.pi / 2, np.pi) - np.pi / 2
        T_base_goal = pose_tool_down(kept, wrap_angle(home_yaw + float(turn)))
        return self.kinematics.inverse(T_base_goal, self.kinematics.home_q_rad)


@dataclass(frozen=True, eq=False)
class FirstWay:
    """The way of the first planner that finds one; what they all lack is said by the last."""

    planners: tuple[WayHome, ...]

    def plan_home(self, q_from_rad: Vector, state: JointState, now_ns: int) -> WayPlan:
        """See WayHome."""
        return self._first(lambda planner: planner.plan_home(q_from_rad, state, now_ns))

    def plan_hover(
        self,
        position_m: Vector,
        yaw_rad: float,
        q_from_rad: Vector,
        state: JointState,
        now_ns: int,
    ) -> WayPlan:
        """See WayHome."""
        return self._first(
            lambda planner: planner.plan_hover(position_m, yaw_rad, q_from_rad, state, now_ns)
        )

    def _first(self, plan: Callable[[WayHome], WayPlan]) -> WayPlan:
        for planner in self.planners[:-1]:
            # What the guard refuses, it refuses whoever asks.
            with suppress(NoSolution, UnreachableTarget):
                return plan(planner)
        return plan(self.planners[-1])


@dataclass(frozen=True, eq=False)
class LiftAndCross:
    """Straight up to hover height, then across above the bins."""

    places: RestingPlaces
    line: StraightLine
    motion: MotionPlanner
    guard: Guard
    collision: CollisionModel

    def plan_home(self, q_from_rad: Vector, state: JointState, now_ns: int) -> WayPlan:
        """See WayHome."""
        return self._plan(q_from_rad, self.places.home_q_rad, state, now_ns)

    def plan_hover(
        self,
        position_m: Vector,
        yaw_rad: float,
        q_from_rad: Vector,
        state: JointState,
        now_ns: int,
    ) -> WayPlan:
        """See WayHome."""
        q_goal = self.places.hover_q_rad(position_m, yaw_rad)
        return self._plan(q_from_rad, q_goal, state, now_ns)

    @property
    def kinematics(self) -> ArmKinematics:
        """The arm's."""
        return self.places.kinematics

    @property
    def free_z_m(self) -> float:
        """The tool height from which the walls of the bins are no obstacle."""
        return self.places.clearance.free_z_m

    def _plan(self, q_from: Vector, q_goal: Vector, state: JointState, now_ns: int) -> WayPlan:
        T_base_goal = self.kinematics.forward(q_goal)
        parts = []
        lift = self._lift(q_from)
        if lift is not None:
            parts.append(self.motion.along(lift))
        q_up = q_from if lift is None else lift.knots_rad[-1]
        parts.append(self.motion.along(self._across(q_up, q_goal)))
        whole = joined(parts)
        if len(whole.t_s) < 2:
            return WayPlan(None, q_goal, T_base_goal)
        touched = self.collision.touched_on(whole.q_rad, self.collision.around(state))
        if touched:
            raise UnreachableTarget(f"up and across touches: {spoken(touched)}")
        return WayPlan(self.guard.admit_trajectory(whole, state, now_ns), q_goal, T_base_goal)

    def _lift(self, q_from: Vector) -> JointPath | None:
        """Straight up to hover height; none where the arm is that high, or free and cramped."""
        T_base_up = self.kinematics.forward(q_from)
        height = float(T_base_up[2, 3])
        if height >= self.places.workspace.hover_z_m - 1e-6:
            return None
        T_base_up[2, 3] = self.places.workspace.hover_z_m
        T_base_up = self.kinematics.reach.bring_in(T_base_up)
        try:
            return self.line.path(q_from, self.kinematics.nearest(T_base_up, q_from))
        except (NoSolution, UnreachableTarget) as error:
            if height >= self.free_z_m:
                return None
            bound = self.free_z_m
            raise UnreachableTarget(
                f"no way up from {height:.3f} m to the rims' {bound:.3f} m: {error}"
            ) from error

    def _across(self, q_from: Vector, q_goal: Vector) -> JointPath:
        """Straight in joint space if that stays above the rims, else straight for the tool."""
        direct = JointPath(np.array([q_from, q_goal]))
        looks = 2 + int(np.abs(q_goal - q_from).max() / _LOOK_RAD)
        lowest = min(
            float(self.kinematics.forward(q)[2, 3])
            for q in direct.at(np.linspace(0.0, 1.0, looks))[0]
        )
        if lowest >= self.free_z_m:
            return direct
        return self.line.path(q_from, q_goal)


def spoken(pairs: tuple[tuple[str, str], ...]) -> str:
    """Pairs of links in words."""
    return ", ".join(" and ".join(pair) for pair in pairs)
