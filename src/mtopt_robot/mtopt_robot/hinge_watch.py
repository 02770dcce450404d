"""Whether the hinges can still be seen while they move, and how they stop where they cannot."""

from __future__ import annotations

import numpy as np

from mtopt_core.joints import JointState, JointTrajectory

from .motion import MotionPlanner, state_at


class HingeWatch:
    """One reset's view of its hinges.

    `now_ns` is the cell's clock, `waited_s` one that never goes faster than the wall's and goes on
    where the cell's stands still for long.
    """

    def __init__(self, motion: MotionPlanner, bound_s: float, now_ns: int, waited_s: float) -> None:
        self._motion, self._bound_s = motion, bound_s
        self._stamp_ns, self._heard_s = now_ns, waited_s
        self._sent: JointTrajectory | None = None
        self._sent_ns = now_ns

    def heard(self, state: JointState, waited_s: float) -> bool:
        """Whether a measurement is news: newer than every one before it."""
        if state.stamp_ns <= self._stamp_ns:
            return False
        self._stamp_ns, self._heard_s = state.stamp_ns, waited_s
        return True

    def sent(self, trajectory: JointTrajectory, now_ns: int) -> None:
        """A trajectory went to the hinges."""
        self._sent, self._sent_ns = trajectory, now_ns

    def stale(self, now_ns: int, waited_s: float) -> str:
        """Why the hinges can no longer be seen, empty while they can."""
        age_s, silence_s = (now_ns - self._stamp_ns) * 1e-9, waited_s - self._heard_s
        if silence_s <= self._bound_s:
            return ""
        bound = f"bound {self._bound_s:g} s"
        if age_s > self._bound_s:
            return f"the hinges' newest joint states are {age_s:.3f} s old, {bound}"
        return f"no joint states of the hinges for {silence_s:.1f} s, {bound}"

    def stop(self, now_ns: int) -> tuple[JointTrajectory, JointState] | None:
        """To rest from where the hinges were sent to be by now, and that state; None at rest."""
        elapsed_s = (now_ns - self._sent_ns) * 1e-9
        if self._sent is None or not 0.0 <= elapsed_s < self._sent.duration_s:
            return None
        q_rad, qd_rad_s, _ = state_at(self._sent, elapsed_s)
        here = JointState(self._sent.names, q_rad, qd_rad_s, np.zeros(len(q_rad)), now_ns)
        return self._motion.stop_within(self._sent, elapsed_s), here
