"""The reset of the bins: tip the left one over the right, shake, return, shake the right one.

A state machine with no clock and no wire: `next(now_s, state)` is asked again and again and
says what to send, that it waits, that it is done, or that the bins are jammed. Each stage
is checked at the hinges. A hinge that does not arrive goes back to where the stage began
and tries again; after the last try the hinges are left where they stand, pushed no further.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from mtopt_core.config import option
from mtopt_core.joints import JointState, JointTrajectory, Vector

from .errors import MotionInfeasible
from .motion import MotionPlanner, joined


class BinStage(StrEnum):
    """The stages of a reset, in their order; then what a jam adds."""

    LOWER = "lower"
    TIP = "tip"
    SHAKE = "shake"
    RETURN = "return"
    SETTLE = "settle"
    BACK_OFF = "back_off"
    DONE = "done"
    PARKED = "parked"


@dataclass(frozen=True)
class BinResetConfig:
    """How far, how often and how patiently."""

    tip_rad: float = option(2.5, "angle at which the left bin is empty", unit="rad", low=1.6)
    shake_rad: float = option(0.2, "swing of the tipped bin", unit="rad", low=0.0, high=1.0)
    shakes: int = option(2, "swings of each bin", low=0, high=20)
    right_shake_rad: float = option(0.15, "swing of the right bin", unit="rad", low=0.0, high=1.0)
    pause_s: float = option(0.4, "rest after a stage", unit="s", low=0.0, high=10.0)
    tolerance_rad: float = option(
        0.05, "furthest a hinge may rest from its angle", unit="rad", low=0.001, high=0.5
    )
    resting_rad_s: float = option(
        0.2, "fastest that a hinge that has arrived may still be", unit="rad/s", low=0.01, high=1.0
    )
    patience_s: float = option(
        1.0, "time after a motion's end in which a hinge must arrive", unit="s", low=0.1, high=30.0
    )
    stale_after_s: float = option(
        0.5, "age of the joint states at which a reset is stopped", unit="s", low=0.05, high=5.0
    )
    retries: int = option(2, "further tries of a jammed stage", low=0, high=20)


@dataclass(frozen=True, eq=False)
class BinCommand:
    """Send this to the hinges."""

    stage: BinStage
    trajectory: JointTrajectory


@dataclass(frozen=True)
class BinWaiting:
    """Nothing to do until the hinges have arrived."""

    stage: BinStage


@dataclass(frozen=True)
class BinDone:
    """Both bins are back; `jams` were overcome on the way."""

    jams: int


@dataclass(frozen=True)
class BinJammed:
    """Given up: a hinge stayed `error_rad` from its angle in every try of a stage."""

    stage: BinStage
    joint: str
    error_rad: float
    tolerance_rad: float
    tries: int

    def __str__(self) -> str:
        return (
            f"{self.joint} stayed {self.error_rad:.3f} rad from its angle in stage {self.stage}, "
            f"tolerance {self.tolerance_rad:g} rad, after {self.tries} tries"
        )


BinVerdict = BinCommand | BinWaiting | BinDone | BinJammed


class BinResetSequence:
    """One reset. `motion` plans for the two hinges, (left, right)."""

    def __init__(self, motion: MotionPlanner, config: BinResetConfig = BinResetConfig()) -> None:
        self.motion = motion
        self.config = config
        self.jams = 0
        self._stages = _stages(config)
        self._check_angles()
        self._index = -1
        self._tries = 1
        self._stage = BinStage.LOWER
        self._target_rad = np.zeros(2)
        self._last_rad = np.zeros(2)
        self._until_s = -np.inf
        self._end: BinDone | BinJammed | None = None
        self._parking: BinJammed | None = None

    @property
    def stage(self) -> BinStage:
        """The stage that is under way."""
        return self._stage

    def next(self, now_s: float, state: JointState) -> BinVerdict:
        """What to do now; `now_s` never goes back. The last verdict is repeated for ever."""
        here = state.select(self.motion.limits.names).q_rad
        if self._end is not None:
            return self._end
        if self._parking is not None:
            self._end = self._parking
            return self._end
        if self._index < 0:
            return self._start_stage(0, now_s, here)
        if now_s < self._until_s + self.config.pause_s:
            return BinWaiting(self._stage)
        error = np.abs(here - self._target_rad)
        # Written so that an angle that is not a number counts as not there.
        if not bool(np.all(error <= self.config.tolerance_rad)):
            return self._late(now_s, here, error)
        # Its command may have reached it late: the next one must start from rest.
        if self._moves(state) and now_s < self._until_s + self.config.patience_s:
            return BinWaiting(self._stage)
        if self._stage is BinStage.BACK_OFF:
            return self._start_stage(self._index, now_s, here)
        self._last_rad = self._target_rad
        self._tries = 1
        if self._index + 1 < len(self._stages):
            return self._start_stage(self._index + 1, now_s, here)
        self._stage, self._end = BinStage.DONE, BinDone(self.jams)
        return self._end

    def _moves(self, state: JointState) -> bool:
        """Whether a hinge still moves; one whose speed is not told counts as resting."""
        speed = np.abs(state.select(self.motion.limits.names).qd_rad_s)
        return bool(np.any(speed > self.config.resting_rad_s))

    def _start_stage(self, index: int, now_s: float, here: Vector) -> BinCommand:
        self._index = index
        stage, angles = self._stages[index]
        if index == 0:
            self._last_rad = self._inside(here)
        return self._send(stage, angles, now_s, here)

    def _late(self, now_s: float, here: Vector, error: Vector) -> BinVerdict:
        """A hinge is not where it should be: wait, back off, or give up."""
        if now_s < self._until_s + self.config.patience_s:
            return BinWaiting(self._stage)
        self.jams += self._stage is not BinStage.BACK_OFF
        if self._tries > self.config.retries:
            return self._park(now_s, here, error)
        self._tries += 1
        if self._stage is BinStage.BACK_OFF:
            return self._start_stage(self._index, now_s, here)
        return self._send(BinStage.BACK_OFF, (self._last_rad,), now_s, here)

    def _park(self, now_s: float, here: Vector, error: Vector) -> BinVerdict:
        worst = int(np.argmax(np.nan_to_num(error, nan=np.inf)))
        self._parking = BinJammed(
            self._stages[self._index][0],
            self.motion.limits.names[worst],
            float(error[worst]),
            self.config.tolerance_rad,
            self._tries,
        )
        return self._send(BinStage.PARKED, (self._inside(here),), now_s, here)

    def _send(
        self, stage: BinStage, angles: tuple[Vector, ...], now_s: float, here: Vector
    ) -> BinCommand:
        way = [self._inside(here), *angles]
        motions = [self.motion.to(a, b) for a, b in pairwise(way)]
        trajectory = joined(motions)
        self._stage, self._target_rad = stage, angles[-1]
        self._until_s = now_s + trajectory.duration_s
        return BinCommand(stage, trajectory)

    def _inside(self, here: Vector) -> Vector:
        """Measured angles within the limits; the last known good ones where not a number."""
        limits = self.motion.limits
        known = np.where(np.isfinite(here), here, self._last_rad)
        return np.clip(known, limits.lower_rad, limits.upper_rad)

    def _check_angles(self) -> None:
        limits = self.motion.limits
        for stage, angles in self._stages:
            for angle in angles:
                if np.any(angle < limits.lower_rad) or np.any(angle > limits.upper_rad):
                    bound = f"{limits.lower_rad.tolist()} to {limits.upper_rad.tolist()} rad"
                    raise MotionInfeasible(
                        f"stage {stage} goes to {angle.tolist()}, bounds {bound}"
                    )


def _stages(config: BinResetConfig) -> list[tuple[BinStage, tuple[Vector, ...]]]:
    """The stages, each a series of (left, right) angles to rest at."""
    level, tipped = np.zeros(2), np.array([config.tip_rad, 0.0])
    swung = np.array([config.tip_rad - config.shake_rad, 0.0])
    raised = np.array([0.0, config.right_shake_rad])
    stages = [
        (BinStage.LOWER, (level,)),
        (BinStage.TIP, (tipped,)),
        (BinStage.SHAKE, (swung, tipped) * config.shakes),
        (BinStage.RETURN, (level,)),
        (BinStage.SETTLE, (raised, level) * config.shakes),
    ]
    return [(stage, angles) for stage, angles in stages if angles]
