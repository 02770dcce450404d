"""One step of a policy, from a wish to trajectories that the guard let through.

A step starts where the arm was last COMMANDED to be, not where it is measured: the goal is
rebuilt each time as an exact tool-down pose from there, so neither tracking errors nor the
solver's leave a trace in the next step. Whoever stops the arm early starts anew from the
measured joints. The guard refuses the step if the two are too far apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mtopt_core.action import Action, Gripper
from mtopt_core.config import option
from mtopt_core.geometry import Transform, pose_tool_down, wrap_angle, yaw_of
from mtopt_core.guard import Guard
from mtopt_core.joints import JointState, JointTrajectory, Vector

from .clearance import BinClearance
from .errors import NoSolution, UnreachableTarget
from .kinematics import ArmKinematics
from .line import StraightLine
from .motion import MotionPlanner
from .path import JointPath

_FINGER_SPEED_SHARE = 0.5


@dataclass(frozen=True)
class StepConfig:
    """What a step may do beyond the guard's bounds."""

    yaw_window_rad: float = option(
        2.2, "furthest the tool may turn from home, either way", unit="rad", low=0.0, high=2.9
    )
    shortenings: int = option(
        3, "times that a step which the arm can't follow is halved", low=0, high=10
    )
    gripper_open_m: float = option(
        0.035, "travel of a finger that is open", unit="m", low=0.005, high=0.1
    )


@dataclass(frozen=True, eq=False)
class StepPlan:
    """What will be done: first the arm's motion, if any, then the gripper's.

    `sent` is the action after the guard, `q_goal_rad` (7,) and `T_base_goal` where the arm
    will be commanded to be; `shortened` says why the arm does not do all that was admitted.
    """

    sent: Action
    arm: JointTrajectory | None
    gripper: JointTrajectory | None
    q_goal_rad: Vector
    T_base_goal: Transform
    shortened: str = ""

    @property
    def gripper_goal_m(self) -> float | None:
        """The finger travel that the gripper is sent to, none if it keeps."""
        return None if self.gripper is None else float(self.gripper.q_rad[-1, 0])


@dataclass(frozen=True, eq=False)
class StepPlanner:
    """Steps of one arm and its gripper."""

    kinematics: ArmKinematics
    line: StraightLine
    arm_motion: MotionPlanner
    gripper_motion: MotionPlanner
    guard: Guard
    clearance: BinClearance
    config: StepConfig = StepConfig()

    def plan_step(
        self, action: Action, q_commanded_rad: Vector, state: JointState, now_ns: int
    ) -> StepPlan:
        """The step as it will be sent, from the last commanded joints (7,).

        Raises GuardRefusal.
        """
        T_base_start = self.kinematics.forward(q_commanded_rad)
        sent = self.admit(action, T_base_start)
        if sent.terminate:
            return StepPlan(sent, None, None, np.array(q_commanded_rad), T_base_start)
        sent, path, shortened = self._way(sent, T_base_start, q_commanded_rad)
        gripper = self._gripper(sent.gripper, state, now_ns)
        if path is None:
            return StepPlan(sent, None, gripper, np.array(q_commanded_rad), T_base_start, shortened)
        arm = self.arm_motion.along(path)
        if len(arm.t_s) > 1:
            arm = self.guard.admit_trajectory(arm, state, now_ns)
        goal = path.knots_rad[-1], _goal(T_base_start, sent)
        return StepPlan(sent, arm if len(arm.t_s) > 1 else None, gripper, *goal, shortened)

    def _way(
        self, asked: Action, T_base_start: Transform, q_start: Vector
    ) -> tuple[Action, JointPath | None, str]:
        """The action and its path; one that the arm can't follow is shortened, to nothing at last.

        The text says why it was.
        """
        why = ""
        shares = [0.5**halvings for halvings in range(self.config.shortenings + 1)]
        for share in shares if asked.moves else []:
            sent = _shortened(asked, share)
            try:
                q_goal = self.kinematics.inverse(_goal(T_base_start, sent), q_start)
                return sent, self.line.path(q_start, q_goal), why
            except (NoSolution, UnreachableTarget) as error:
                why = str(error)
        return _shortened(asked, 0.0), None, why

    def admit(self, action: Action, T_base_start: Transform) -> Action:
        """The nearest action that guard, yaw window, reach and the bins' walls allow."""
        asked = self.guard.admit_action(action, T_base_start)
        if not asked.moves:
            return asked
        start_m, yaw = T_base_start[:3, 3], yaw_of(T_base_start)
        turn = self._turn(yaw, asked.yaw_rad)
        reached = self.kinematics.reach.bring_in(
            pose_tool_down(start_m + asked.delta_m, yaw + turn)
        )
        goal_m = self.clearance.keep(start_m, reached[:3, 3], yaw, yaw + turn)
        x, y, z = (float(d) for d in goal_m - start_m)
        kept = replace(asked, delta_m=(x, y, z), yaw_rad=turn)
        return self.guard.admit_action(kept, T_base_start)

    def _turn(self, yaw_rad: float, turn_rad: float) -> float:
        """The turn that stays within the window about home's yaw."""
        from_home = wrap_angle(yaw_rad - self.kinematics.home_yaw_rad)
        window = self.config.yaw_window_rad
        low, high = min(-window, from_home), max(window, from_home)
        return min(max(from_home + turn_rad, low), high) - from_home

    def _gripper(self, wish: Gripper, state: JointState, now_ns: int) -> JointTrajectory | None:
        """From where the finger is measured to open or closed, in the limits of its joint."""
        if wish is Gripper.KEEP:
            return None
        limits = self.gripper_motion.limits
        here = state.select(limits.names).q_rad
        goal = limits.lower_rad if wish is Gripper.CLOSE else [self.config.gripper_open_m]
        inside = np.clip([here, goal], limits.lower_rad, limits.upper_rad)
        motion = self.gripper_motion.to(inside[0], inside[1])
        # Fingers yield to what they hold: their speed says less than an arm joint's.
        config = replace(self.guard.config, start_speed_share=_FINGER_SPEED_SHARE)
        guard = replace(self.guard, limits=limits, config=config)
        return guard.admit_trajectory(motion, state, now_ns)


def _goal(T_base_start: Transform, sent: Action) -> Transform:
    """The exact tool-down pose that an action leads to."""
    return pose_tool_down(T_base_start[:3, 3] + sent.delta_m, yaw_of(T_base_start) + sent.yaw_rad)


def _shortened(action: Action, share: float) -> Action:
    x, y, z = (d * share for d in action.delta_m)
    return replace(action, delta_m=(x, y, z), yaw_rad=action.yaw_rad * share)
