"""Driving one arm: what it was last sent, how that goes, and when it must not move.

The driver decides and never speaks: whoever owns it puts its trajectories on the wire and
feeds it what is measured. An emergency stop is latched here, and only `rearm` clears it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import EndReason
from mtopt_core.errors import GuardRefusal, MtoptError
from mtopt_core.geometry import Transform
from mtopt_core.guard import CLOCK_SLACK_S
from mtopt_core.joints import JointLimits, JointState, JointTrajectory, Vector

from .arm import Arm
from .convergence import ConvergenceConfig, Progress, Verdict, freshness, watch, watch_gripper
from .errors import MotionInfeasible, RobotError
from .home import WayPlan
from .motion import state_at
from .step import StepPlan

_NO_NUMBER = "joint states hold a value that is not a finite number"
_CLOCK_SET_S = 1.0  # further back than this no measurement is merely late


class ArmStopped(RobotError):
    """A command while the emergency stop is latched, or before anything was measured."""

    def __init__(self, reason: EndReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Motion:
    """A trajectory on its way, of the arm or of the gripper.

    One that `yields` may meet what it cannot push away; one that `relents` is a stop on account
    of that, and pushes a little longer by itself.
    """

    sent: JointTrajectory
    started_ns: int
    gripper: bool
    yields: bool = False
    relents: bool = False


class ArmDriver:
    """One arm and its gripper.

    The age of a measurement is by its stamp and the cell's clock. A simulation's clock may go as it
    likes, and stand still: with `simulated_s`, seconds in which such a cell is to be heard, the age
    is by when a measurement was heard.
    """

    def __init__(
        self,
        arm: Arm,
        limits: JointLimits,
        config: ConvergenceConfig = ConvergenceConfig(),
        simulated_s: Callable[[], float] | None = None,
    ) -> None:
        self.arm, self.limits, self.config = arm, limits, config
        self._simulated_s, self._heard_s = simulated_s, 0.0
        self.stopped = False
        self.motion: Motion | None = None
        self._state: JointState | None = None
        self._q_commanded: Vector | None = None
        self._gripper_closed: bool | None = None

    def measured(self, state: JointState) -> None:
        """A measurement of all joints; one that was overtaken by a newer one is left aside.

        One that is much older is no late one: somebody set the clock back.
        """
        late_s = 0.0 if self._state is None else (self._state.stamp_ns - state.stamp_ns) * 1e-9
        if 0.0 < late_s < _CLOCK_SET_S:
            return
        if self._simulated_s is not None and (self._state is None or late_s != 0.0):
            self._heard_s = self._simulated_s()
        self._state = state

    def _seen_ns(self, now_ns: int) -> int:
        """The time by which the measurement is as old as it counts."""
        if self._simulated_s is None or self._state is None:
            return now_ns
        return self._state.stamp_ns + round((self._simulated_s() - self._heard_s) * 1e9)

    @property
    def gripper_closed(self) -> bool:
        """What the gripper was last told; before that, whether it is measured to be closed."""
        if self._gripper_closed is not None:
            return self._gripper_closed
        finger = self.arm.steps.gripper_motion.limits.names
        if self._state is None or not set(finger) <= set(self._state.names):
            return False
        open_m = self.arm.steps.config.gripper_open_m
        return bool(self._state.select(finger).q_rad[0] < 0.5 * open_m)

    @property
    def T_base_tool(self) -> Transform:
        """Where the tool is measured to be; raises ArmStopped where nothing, or no number, is."""
        q_rad = self._here().select(self.limits.names).q_rad
        if not np.all(np.isfinite(q_rad)):
            raise ArmStopped(EndReason.JOINT_STATES_STALE, _NO_NUMBER)
        return self.arm.kinematics.forward(q_rad)

    def plan_step(self, action: Action, now_ns: int) -> StepPlan:
        """A guarded step from where the arm was last sent; raises MtoptError."""
        state = self._may_move(now_ns)
        return self.arm.steps.plan_step(action, self._from(state), state, self._seen_ns(now_ns))

    def plan_gripper(self, wish: Gripper, now_ns: int) -> StepPlan:
        """The gripper alone; raises MtoptError."""
        return self.plan_step(Action(gripper=wish), now_ns)

    def plan_home(self, now_ns: int) -> WayPlan:
        """The way home; raises MtoptError."""
        state = self._may_move(now_ns)
        return self.arm.ways.plan_home(self._from(state), state, self._seen_ns(now_ns))

    def plan_hover(self, position_m: Vector, yaw_rad: float, now_ns: int) -> WayPlan:
        """The way to a point above a bin; raises MtoptError."""
        state = self._may_move(now_ns)
        seen_ns = self._seen_ns(now_ns)
        return self.arm.ways.plan_hover(position_m, yaw_rad, self._from(state), state, seen_ns)

    def begin(self, sent: JointTrajectory, now_ns: int, *, yields: bool = False) -> Motion:
        """A trajectory goes on the wire now; raises ArmStopped where it must not.

        It was planned a while ago: what has stopped the arm since then, stops it too. A contact
        ends one that `yields` as PRESSING, for the caller to `relent`; any other as a fault.
        """
        self._may_move(now_ns)
        gripper = sent.names != self.limits.names
        self.motion = Motion(sent, now_ns, gripper, yields)
        if gripper:
            open_m = self.arm.steps.config.gripper_open_m
            self._gripper_closed = bool(sent.q_rad[-1, 0] < 0.5 * open_m)
        else:
            self._q_commanded = sent.q_rad[-1].copy()
        return self.motion

    def check(self, now_ns: int) -> Verdict | None:
        """How the running motion goes; it is over with any verdict but IN_MOTION."""
        motion, seen_ns = self.motion, self._seen_ns(now_ns)
        if motion is None or self._state is None:
            return None
        try:
            state = self._here()
        except ArmStopped as unknown:
            self.motion = None
            return Verdict(Progress.STALE, str(unknown))
        if motion.gripper:
            verdict = watch_gripper(motion.sent, motion.started_ns, state, seen_ns, self.config)
            if verdict.progress is Progress.ARRIVED and self._swings(motion, state):
                verdict = Verdict(Progress.IN_MOTION)
        else:
            verdict = watch(
                motion.sent, motion.started_ns, state, seen_ns, self.limits, self.config
            )
        if verdict.progress is Progress.CONTACT:
            verdict = self._leant(motion, verdict, state.stamp_ns)
        if verdict.progress is Progress.PRESSING:
            return verdict
        if verdict.progress is not Progress.IN_MOTION:
            self.motion = None
        if verdict.progress is Progress.BLOCKED or self._pushed_aside(state):
            # The next motion starts where the arm is, not where it could not go.
            self._q_commanded = None
        return verdict

    def _leant(self, motion: Motion, contact: Verdict, stamp_ns: int) -> Verdict:
        """What a contact is to this motion: a reason to relent, the rest of one, or a fault."""
        if motion.yields:
            return Verdict(Progress.PRESSING, contact.message)
        given_s = motion.sent.duration_s + self.config.patience_s
        if motion.relents and (stamp_ns - motion.started_ns) * 1e-9 <= given_s:
            return Verdict(Progress.IN_MOTION)
        return contact

    def _swings(self, motion: Motion, state: JointState) -> bool:
        """Whether the arm still gives way to a gripper that closed on something fixed."""
        elapsed_s = (state.stamp_ns - motion.started_ns) * 1e-9
        speed = np.abs(state.select(self.limits.names).qd_rad_s)
        given_s = motion.sent.duration_s + 2.0 * self.config.patience_s
        return elapsed_s < given_s and bool(np.any(speed > self.config.arrived_rad_s))

    def _pushed_aside(self, state: JointState) -> bool:
        """Whether a gripper that closed on something fixed has moved its own arm."""
        if self.motion is not None or self._q_commanded is None:
            return False
        away = np.abs(state.select(self.limits.names).q_rad - self._q_commanded)
        return bool(np.any(away > self.config.arrived_rad))

    def hold(self, now_ns: int) -> JointTrajectory | None:
        """The guarded trajectory that brings a moving arm to rest.

        It starts from what is measured; where that is stale or not to be believed, from where
        the motion under way is by now. None where there is neither: the arm rests already.
        Everything after a hold starts from where the arm is measured to be.
        """
        motion = self.motion
        self.motion, self._q_commanded = None, None
        sent = self._sent_by_now(motion, now_ns)
        for here, qdd_rad_s2 in (*self._measured_by_now(sent, now_ns), *sent):
            with suppress(GuardRefusal, MotionInfeasible):
                arm = here.select(self.limits.names)
                stop = self.arm.motion.stop(arm.q_rad, arm.qd_rad_s, qdd_rad_s2)
                return self.arm.guard.admit_trajectory(stop, arm, self._seen_ns(now_ns))
        return None

    def relent(self, now_ns: int) -> Motion | None:
        """After PRESSING: a hold, watched as a motion of its own; None where there is no hold.

        It is over as any motion is; a contact that outlasts it is a fault.
        """
        stop = self.hold(now_ns)
        if stop is not None:
            self.motion = Motion(stop, now_ns, gripper=False, relents=True)
        return self.motion

    def emergency_stop(self, now_ns: int) -> JointTrajectory | None:
        """Hold, and refuse every motion until `rearm`."""
        self.stopped = True
        return self.hold(now_ns)

    def rearm(self) -> None:
        """Clear the emergency stop."""
        self.stopped = False
        self._q_commanded = None

    def _here(self) -> JointState:
        if self._state is None:
            raise ArmStopped(EndReason.JOINT_STATES_STALE, "no joint states have arrived yet")
        needed = (*self.limits.names, *self.arm.steps.gripper_motion.limits.names)
        absent = [name for name in needed if name not in self._state.names]
        if absent:
            message = f"joint states lack {', '.join(absent)}"
            raise ArmStopped(EndReason.JOINT_STATES_STALE, message)
        return self._state

    def needs_measurement(self, now_ns: int) -> bool:
        """Whether a motion must wait for the next measurement."""
        if self._state is None:
            return True
        return freshness(self._state, self._seen_ns(now_ns), self.config) is not None

    def _may_move(self, now_ns: int) -> JointState:
        if self.stopped:
            raise ArmStopped(
                EndReason.EMERGENCY_STOP, "the emergency stop is latched; Rearm clears it"
            )
        return self._measured(now_ns)

    def _measured(self, now_ns: int) -> JointState:
        """The measurement, if the arm may be moved on it; raises ArmStopped."""
        state = self._here()
        seen_ns = self._seen_ns(now_ns)
        stale = freshness(state, seen_ns, self.config)
        if stale is not None:
            raise ArmStopped(EndReason.JOINT_STATES_STALE, stale.message)
        early_s = (state.stamp_ns - seen_ns) * 1e-9
        if early_s > CLOCK_SLACK_S:
            message = f"joint states are from {early_s:.3f} s in the future"
            raise ArmStopped(EndReason.JOINT_STATES_STALE, message)
        here = state.select((*self.limits.names, *self.arm.steps.gripper_motion.limits.names))
        if not (np.all(np.isfinite(here.q_rad)) and np.all(np.isfinite(here.qd_rad_s))):
            raise ArmStopped(EndReason.JOINT_STATES_STALE, _NO_NUMBER)
        self._credible(state.select(self.limits.names))
        return state

    def _credible(self, here: JointState) -> None:
        """A joint that is measured to be where it cannot be is not planned for."""
        limits, spare = self.limits, self.arm.guard.config.start_tolerance_rad
        outside = np.maximum(here.q_rad - limits.upper_rad, limits.lower_rad - here.q_rad)
        worst = int(np.argmax(outside))
        if outside[worst] > spare:
            bounds = f"{limits.lower_rad[worst]:.3f} to {limits.upper_rad[worst]:.3f} rad"
            message = f"{here.names[worst]} is measured at {here.q_rad[worst]:.4g}, bounds {bounds}"
            raise ArmStopped(EndReason.COMMAND_REFUSED, message)

    def _sent_by_now(self, motion: Motion | None, now_ns: int) -> list[tuple[JointState, Vector]]:
        """State and acceleration (7,) of the motion of the arm that is under way, if one is."""
        elapsed_s = 0.0 if motion is None else (now_ns - motion.started_ns) * 1e-9
        if motion is None or motion.gripper or not 0.0 <= elapsed_s < motion.sent.duration_s:
            return []
        q, qd, qdd = state_at(motion.sent, elapsed_s)
        seen_ns = self._seen_ns(now_ns)
        return [(JointState(motion.sent.names, q, qd, np.zeros(len(q)), seen_ns), qdd)]

    def _measured_by_now(
        self, sent: list[tuple[JointState, Vector]], now_ns: int
    ) -> list[tuple[JointState, Vector]]:
        """The measurement, if it may be believed, with the acceleration as sent, then with none."""
        try:
            state = self._measured(now_ns)
        except ArmStopped:
            return []
        accelerations = [*(qdd for _, qdd in sent), np.zeros(len(self.limits.names))]
        return [(state, qdd) for qdd in accelerations]

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
