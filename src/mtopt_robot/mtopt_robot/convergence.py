"""Whether the joints follow what they were sent, from one measurement at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mtopt_core.cell import EndReason
from mtopt_core.config import option
from mtopt_core.joints import JointLimits, JointState, JointTrajectory, Vector

# Times the patience in which an arm that is close to its goal, but not at rest, comes to rest.
_YIELDING = 4.0


class Progress(StrEnum):
    """How a motion goes. The last three are faults.

    BLOCKED is an end too: the arm rests a little short of its goal because something is in the
    way, as happens to every tool that reaches into a bin. PRESSING is one as soon as the arm has
    been told to rest where it is: a step that leans on something hard ends there.
    """

    IN_MOTION = "in_motion"
    ARRIVED = "arrived"
    BLOCKED = "blocked"
    PRESSING = "pressing"
    STALE = "joint_states_stale"
    TRACKING_ERROR = "tracking_error"
    CONTACT = "contact"


@dataclass(frozen=True)
class ConvergenceConfig:
    """What still counts as following, and as there."""

    stale_after_s: float = option(
        0.1, "age at which joint states are too old", unit="s", low=0.01, high=2.0
    )
    tracking_rad: float = option(
        0.25, "furthest a joint may be from where it should be", unit="rad", low=0.005, high=1.0
    )
    lag_s: float = option(0.1, "how late the joints may follow", unit="s", low=0.0, high=1.0)
    arrived_rad: float = option(
        0.01, "distance from the goal that counts as there", unit="rad", low=1e-4, high=0.2
    )
    arrived_rad_s: float = option(
        0.05, "speed that counts as at rest", unit="rad/s", low=1e-3, high=1.0
    )
    blocked_rad: float = option(
        0.2,
        "furthest from the goal that the arm may rest when blocked",
        unit="rad",
        low=0.0,
        high=1.0,
    )
    patience_s: float = option(
        0.5, "time after a motion's end in which the joints must arrive", unit="s", low=0.0, high=10
    )
    contact_share: float = option(
        0.9, "share of a joint's effort limit that means contact", low=0.05, high=1.0
    )


@dataclass(frozen=True)
class Verdict:
    """How a motion goes, and in words why it is a fault."""

    progress: Progress
    message: str = ""

    @property
    def fault(self) -> EndReason | None:
        """The reason for which an episode ends, none if all is well."""
        return _FAULTS.get(self.progress)


_FAULTS = {
    Progress.STALE: EndReason.JOINT_STATES_STALE,
    Progress.TRACKING_ERROR: EndReason.TRACKING_ERROR,
    Progress.CONTACT: EndReason.CONTACT,
}


def watch(
    sent: JointTrajectory,
    started_ns: int,
    state: JointState,
    now_ns: int,
    limits: JointLimits,
    config: ConvergenceConfig = ConvergenceConfig(),
) -> Verdict:
    """How the joints of a trajectory that began at `started_ns` do by this measurement."""
    stale = freshness(state, now_ns, config)
    if stale is not None:
        return stale
    here = state.select(sent.names)
    if not (np.isfinite(here.q_rad).all() and np.isfinite(here.qd_rad_s).all()):
        return Verdict(Progress.STALE, "joint states hold a value that is not a finite number")
    contact = _contact(here, limits, config)
    if contact is not None:
        return contact
    elapsed_s = (state.stamp_ns - started_ns) * 1e-9
    strayed = _strayed(sent, elapsed_s, here, config)
    if strayed is not None:
        return strayed
    return _arrival(sent, elapsed_s, here, config)


def watch_gripper(
    sent: JointTrajectory,
    started_ns: int,
    state: JointState,
    now_ns: int,
    config: ConvergenceConfig = ConvergenceConfig(),
) -> Verdict:
    """How a gripper does: it has arrived when it rests after its motion, wherever that is.

    Fingers on an object rest short of their goal, and push: neither is a fault.
    """
    stale = freshness(state, now_ns, config)
    if stale is not None:
        return stale
    speed = np.abs(state.select(sent.names).qd_rad_s)
    elapsed_s = (state.stamp_ns - started_ns) * 1e-9
    resting = elapsed_s >= sent.duration_s and bool(np.all(speed <= config.arrived_rad_s))
    late = elapsed_s >= sent.duration_s + config.patience_s
    return Verdict(Progress.ARRIVED if resting or late else Progress.IN_MOTION)


def freshness(
    state: JointState, now_ns: int, config: ConvergenceConfig = ConvergenceConfig()
) -> Verdict | None:
    """The fault of a measurement that is too old, none if it is fresh."""
    age_s = (now_ns - state.stamp_ns) * 1e-9
    if age_s <= config.stale_after_s:
        return None
    bound = f"bound {config.stale_after_s:g} s"
    return Verdict(Progress.STALE, f"joint states are {age_s:.3f} s old, {bound}")


def _contact(here: JointState, limits: JointLimits, config: ConvergenceConfig) -> Verdict | None:
    bound = config.contact_share * limits.effort_nm
    # Hardware that measures no effort reports it as not a number.
    pushed = np.where(np.isnan(here.effort_nm), 0.0, np.abs(here.effort_nm))
    excess = pushed - bound
    worst = int(np.argmax(excess))
    if excess[worst] <= 0.0:
        return None
    name, effort = here.names[worst], here.effort_nm[worst]
    return Verdict(Progress.CONTACT, f"{name} pushes {effort:.1f} Nm, bound {bound[worst]:.1f} Nm")


def _strayed(
    sent: JointTrajectory, elapsed_s: float, here: JointState, config: ConvergenceConfig
) -> Verdict | None:
    """The fault of a joint that is away from all that it was sent in the lag just past."""
    low, high = _sent_between(sent, elapsed_s - config.lag_s, elapsed_s)
    away = np.maximum(np.maximum(low - here.q_rad, here.q_rad - high), 0.0)
    worst = int(np.argmax(away))
    if away[worst] <= config.tracking_rad:
        return None
    bound = f"bound {config.tracking_rad:g} rad"
    return Verdict(
        Progress.TRACKING_ERROR,
        f"{here.names[worst]} is {away[worst]:.3f} rad from where it should be, {bound}",
    )


def _sent_between(sent: JointTrajectory, t0_s: float, t1_s: float) -> tuple[Vector, Vector]:
    """Lowest and highest position (J,) that was sent from t0 to t1."""
    t_s, q_rad = sent.t_s, sent.q_rad
    first, last = np.searchsorted(t_s, (t0_s, t1_s))
    ends = np.array([_sent_at(sent, t0_s, int(first)), _sent_at(sent, t1_s, int(last))])
    samples = np.concatenate([ends, q_rad[first:last]])
    return samples.min(axis=0), samples.max(axis=0)


def _sent_at(sent: JointTrajectory, at_s: float, following: int) -> Vector:
    """Position (J,) at a time between the sample before it and the following one."""
    if following == 0 or following == len(sent.t_s):
        end: Vector = sent.q_rad[0 if following == 0 else -1]
        return end
    before_s, after_s = sent.t_s[following - 1], sent.t_s[following]
    before, after = sent.q_rad[following - 1], sent.q_rad[following]
    way: Vector = before + (after - before) * ((at_s - before_s) / (after_s - before_s))
    return way


def _arrival(
    sent: JointTrajectory, elapsed_s: float, here: JointState, config: ConvergenceConfig
) -> Verdict:
    left = np.abs(here.q_rad - sent.q_rad[-1])
    resting = bool((np.abs(here.qd_rad_s) <= config.arrived_rad_s).all())
    if elapsed_s >= sent.duration_s and resting and bool((left <= config.arrived_rad).all()):
        return Verdict(Progress.ARRIVED)
    if elapsed_s <= sent.duration_s + config.patience_s:
        return Verdict(Progress.IN_MOTION)
    worst = int(np.argmax(left))
    message = (
        f"{here.names[worst]} is {left[worst]:.3f} rad from its goal "
        f"{elapsed_s - sent.duration_s:.2f} s after its motion"
    )
    if left[worst] <= config.blocked_rad:
        if resting:
            return Verdict(Progress.BLOCKED, message)
        # What it leans on gives way: it is on its way still, for a while.
        if elapsed_s <= sent.duration_s + _YIELDING * config.patience_s:
            return Verdict(Progress.IN_MOTION)
    bounds = f"bounds {config.blocked_rad:g} rad and {config.patience_s:g} s"
    return Verdict(Progress.TRACKING_ERROR, f"{message}, {bounds}")
