"""Driving one arm: what it was last sent, how that goes, and when it must not move.

The driver decides and never speaks: whoever owns it puts its trajectories on the wire and
feeds it what is measured. An emergency stop is latched here, and only `rearm` clears it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.geometry import Transform
from mtopt_core.joints import JointLimits, JointState, JointTrajectory, Vector

from .arm import Arm
from .convergence import ConvergenceConfig, Progress, Verdict, freshness, watch, watch_gripper
from .errors import RobotError
from .home import WayPlan
from .step import StepPlan


class ArmStopped(RobotError):
    """A command while the emergency stop is latched, or before anything was measured."""

    def __init__(self, reason: EndReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Motion:
    """A trajectory on its way, of the arm or of the gripper."""

    sent: JointTrajectory
    started_ns: int
    gripper: bool


class ArmDriver:
    """One arm and its gripper."""

    def __init__(
        self, arm: Arm, limits: JointLimits, config: ConvergenceConfig = ConvergenceConfig()
    ) -> None:
        self.arm, self.limits, self.config = arm, limits, config
        self.stopped = False
        self.motion: Motion | None = None
        self._state: JointState | None = None
        self._q_commanded: Vector | None = None
        self._gripper_closed: bool | None = None

    def measured(self, state: JointState) -> None:
        """The newest measurement of all joints."""
        self._state = state

    @property
    def gripper_closed(self) -> bool:
        """What the gripper was last told; before that, whether it is measured to be closed."""
        if self._gripper_closed is not None:
            return self._gripper_closed
        if self._state is None:
            return False
        open_m = self.arm.steps.config.gripper_open_m
        finger = self.arm.steps.gripper_motion.limits.names
        return bool(self._state.select(finger).q_rad[0] < 0.5 * open_m)

    @property
    def T_base_tool(self) -> Transform:
        """Where the tool is measured to be; raises ArmStopped before the first measurement."""
        return self.arm.kinematics.forward(self._here().select(self.limits.names).q_rad)

    def plan_step(self, action: Action, now_ns: int) -> StepPlan:
        """A guarded step from where the arm was last sent; raises MtoptError."""
        state = self._may_move(now_ns)
        return self.arm.steps.plan_step(action, self._from(state), state, now_ns)

    def plan_gripper(self, wish: Gripper, now_ns: int) -> StepPlan:
        """The gripper alone; raises MtoptError."""
        return self.plan_step(Action(gripper=wish), now_ns)

    def plan_home(self, now_ns: int) -> WayPlan:
        """The way home; raises MtoptError."""
        state = self._may_move(now_ns)
        return self.arm.ways.plan_home(self._from(state), state, now_ns)

    def plan_hover(self, position_m: Vector, yaw_rad: float, now_ns: int) -> WayPlan:
        """The way to a point above a bin; raises MtoptError."""
        state = self._may_move(now_ns)
        return self.arm.ways.plan_hover(position_m, yaw_rad, self._from(state), state, now_ns)

    def begin(self, sent: JointTrajectory, now_ns: int) -> Motion:
        """A trajectory is on the wire from now on."""
        gripper = sent.names != self.limits.names
        self.motion = Motion(sent, now_ns, gripper)
        if gripper:
            open_m = self.arm.steps.config.gripper_open_m
            self._gripper_closed = bool(sent.q_rad[-1, 0] < 0.5 * open_m)
        else:
            self._q_commanded = sent.q_rad[-1].copy()
        return self.motion

    def check(self, now_ns: int) -> Verdict | None:
        """How the running motion goes; it is over with any verdict but IN_MOTION."""
        motion, state = self.motion, self._state
        if motion is None or state is None:
            return None
        if motion.gripper:
            verdict = watch_gripper(motion.sent, motion.started_ns, state, now_ns, self.config)
        else:
            verdict = watch(motion.sent, motion.started_ns, state, now_ns, self.limits, self.config)
        if verdict.progress is not Progress.IN_MOTION:
            self.motion = None
        if verdict.progress is Progress.BLOCKED:
            # The next motion starts where the arm is, not where it could not go.
            self._q_commanded = None
        return verdict

    def hold(self) -> JointTrajectory | None:
        """The trajectory that brings a moving arm to rest; None if nothing is known of it.

        Everything after it starts from where the arm is measured to be.
        """
        self.motion, self._q_commanded = None, None
        if self._state is None:
            return None
        here = self._state.select(self.limits.names)
        if not (np.all(np.isfinite(here.q_rad)) and np.all(np.isfinite(here.qd_rad_s))):
            return None
        return self.arm.motion.stop(here.q_rad, here.qd_rad_s, np.zeros(len(here.names)))

    def emergency_stop(self) -> JointTrajectory | None:
        """Hold, and refuse every motion until `rearm`."""
        self.stopped = True
        return self.hold()

    def rearm(self) -> None:
        """Clear the emergency stop."""
        self.stopped = False
        self._q_commanded = None

    def _here(self) -> JointState:
        if self._state is None:
            raise ArmStopped(EndReason.JOINT_STATES_STALE, "no joint states have arrived yet")
        return self._state

    def _may_move(self, now_ns: int) -> JointState:
        if self.stopped:
            raise ArmStopped(
                EndReason.EMERGENCY_STOP, "the emergency stop is latched; Rearm clears it"
            )
        state = self._here()
        stale = freshness(state, now_ns, self.config)
        if stale is not None:
            raise ArmStopped(EndReason.JOINT_STATES_STALE, stale.message)
        return state

    def _from(self, state: JointState) -> Vector:
        """Where the next motion starts: the last commanded joints, else the measured ones."""
        if self._q_commanded is None:
            self._q_commanded = state.select(self.limits.names).q_rad.copy()
        return self._q_commanded


def reason_of(error: MtoptError) -> EndReason:
    """The end reason of a command that was not carried out."""
    if isinstance(error, ArmStopped):
        return error.reason
    if getattr(error, "law", "") == "stale":
        return EndReason.JOINT_STATES_STALE
    return EndReason.COMMAND_REFUSED
