"""Time-optimal motions within joint speed, acceleration and jerk limits, by Ruckig.

Every motion from rest to rest goes along a `JointPath`: Ruckig times the one parameter s,
under limits on its derivatives that keep every joint's own. With M1, M2, M3 the largest
derivatives of a joint by s, and V, A, J the limits of s,

    |qd|   <= M1 V
    |qdd|  <= M1 A + M2 V^2
    |qddd| <= M1 J + 3 M2 V A + M3 V^3

and slowing time by k divides these by k, k^2 and k^3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import ruckig

from mtopt_core.config import option
from mtopt_core.joints import JointLimits, JointTrajectory, Vector

from .errors import MotionInfeasible
from .path import JointPath

_STILL_RAD = 1e-9  # a motion shorter than this is none


@dataclass(frozen=True)
class MotionConfig:
    """How motions are driven and sampled."""

    speed_fraction: float = option(
        0.8, "share of the joint limits that motions use", low=0.01, high=1.0
    )
    sample_s: float = option(0.02, "time between samples", unit="s", low=0.001, high=0.1)


class MotionPlanner:
    """Motions of one set of joints."""

    def __init__(self, limits: JointLimits, config: MotionConfig = MotionConfig()) -> None:
        self.limits = limits.scaled(config.speed_fraction)
        self.config = config

    def to(self, q_start_rad: Vector, q_goal_rad: Vector) -> JointTrajectory:
        """Straight in joint space, from rest to rest; a single sample if it is no motion.

        Raises MotionInfeasible for a position outside the limits.
        """
        return self.along(JointPath(np.array([q_start_rad, q_goal_rad], dtype=np.float64)))

    def through(self, waypoints_rad: Sequence[Vector]) -> JointTrajectory:
        """From rest at the first waypoint to rest at each of the others in turn."""
        if len(waypoints_rad) < 2:
            raise MotionInfeasible(f"a motion needs 2 waypoints or more, has {len(waypoints_rad)}")
        return joined([self.to(start, goal) for start, goal in pairwise(waypoints_rad)])

    def along(self, path: JointPath) -> JointTrajectory:
        """From rest to rest along a path, as fast as the limits allow on all of it."""
        self._check(path.knots_rad)
        speed, acceleration, jerk = self._path_limits(path)
        if speed == np.inf:
            return self._still(path.knots_rad[0])
        wanted = ruckig.InputParameter(1)
        wanted.target_position = [1.0]
        wanted.max_velocity, wanted.max_acceleration = [speed], [acceleration]
        wanted.max_jerk = [jerk]
        timing = _solved(wanted)
        t_s = self._times(timing.duration)
        s, sd, sdd = (column[:, None] for column in np.array([_flat(timing, t) for t in t_s]).T)
        q, first, second = path.at(np.clip(s[:, 0], 0.0, 1.0))
        return JointTrajectory(self.limits.names, t_s, q, first * sd, second * sd**2 + first * sdd)

    def stop(self, q_rad: Vector, qd_rad_s: Vector, qdd_rad_s2: Vector) -> JointTrajectory:
        """To rest from a state in motion, in the shortest time; ends where it ends.

        From a state of one of this planner's motions the limits hold throughout. Raises
        MotionInfeasible for a state that is not finite.
        """
        limits = self.limits
        moving = np.array([q_rad, qd_rad_s, qdd_rad_s2], dtype=np.float64)
        if not np.all(np.isfinite(moving)):
            raise MotionInfeasible(f"no stop from a state that is not finite: {moving.tolist()}")
        wanted = ruckig.InputParameter(len(limits.names))
        wanted.control_interface = ruckig.ControlInterface.Velocity
        wanted.synchronization = ruckig.Synchronization.No
        wanted.current_position = list(q_rad)
        wanted.current_velocity = list(qd_rad_s)
        bound = limits.acceleration_rad_s2
        wanted.current_acceleration = list(np.clip(qdd_rad_s2, -bound, bound))
        wanted.max_acceleration, wanted.max_jerk = list(bound), list(limits.jerk_rad_s3)
        timing = _solved(wanted)
        if timing.duration < _STILL_RAD:
            return self._still(np.asarray(q_rad, np.float64))
        t_s = self._times(timing.duration)
        q, qd, qdd = np.array([timing.at_time(t)[:3] for t in t_s]).transpose(1, 0, 2)
        return JointTrajectory(limits.names, t_s, q, qd, qdd)

    def stop_within(self, sent: JointTrajectory, elapsed_s: float) -> JointTrajectory:
        """To rest from where a trajectory of this planner is after a time."""
        return self.stop(*state_at(sent, elapsed_s))

    def _path_limits(self, path: JointPath) -> tuple[float, float, float]:
        """Limits on the speed, acceleration and jerk of s; infinite if the path is a point."""
        limits = self.limits
        first, second, third = path.bounds
        if first.max() < _STILL_RAD:
            return np.inf, np.inf, np.inf
        first = np.maximum(first, 1e-12)
        jerk = float((limits.jerk_rad_s3 / first).min())
        # What a jerk-limited rest-to-rest motion over s = 1 can reach at most.
        acceleration = min(float((limits.acceleration_rad_s2 / first).min()), jerk ** (2 / 3))
        speed = min(float((limits.speed_rad_s / first).min()), acceleration**0.5, jerk ** (1 / 3))
        asked_acceleration = first * acceleration + second * speed**2
        asked_jerk = first * jerk + 3.0 * second * speed * acceleration + third * speed**3
        slower = max(
            1.0,
            float((asked_acceleration / limits.acceleration_rad_s2).max()) ** (1 / 2),
            float((asked_jerk / limits.jerk_rad_s3).max()) ** (1 / 3),
        )
        return speed / slower, acceleration / slower**2, jerk / slower**3

    def _times(self, duration_s: float) -> Vector:
        """Even times (N,) from 0 to the duration, N >= 2, no further apart than a sample."""
        count = max(1, int(np.ceil(duration_s / self.config.sample_s - 1e-9)))
        return np.linspace(0.0, duration_s, count + 1)

    def _still(self, q_rad: Vector) -> JointTrajectory:
        zero = np.zeros((1, len(q_rad)))
        return JointTrajectory(self.limits.names, np.zeros(1), q_rad[None].copy(), zero, zero)

    def _check(self, q_rad: Vector) -> None:
        limits = self.limits
        outside = np.maximum(q_rad - limits.upper_rad, limits.lower_rad - q_rad)
        row, joint = np.unravel_index(int(np.argmax(outside)), outside.shape)
        if outside[row, joint] > 1e-9:
            bound = f"{limits.lower_rad[joint]:.4g} to {limits.upper_rad[joint]:.4g}"
            name, value = limits.names[joint], q_rad[row, joint]
            raise MotionInfeasible(f"{name} would be at {value:.4g}, bounds {bound} (rad or m)")


def joined(parts: Sequence[JointTrajectory]) -> JointTrajectory:
    """Trajectories that each start where and when the one before ends, as one.

    Each must rest at both ends; the doubled sample at a seam is left out.
    """
    t_s, end_s = [parts[0].t_s], parts[0].duration_s
    rows = [parts[0]]
    for part in parts[1:]:
        t_s.append(part.t_s[1:] + end_s)
        end_s += part.duration_s
        rows.append(
            JointTrajectory(
                part.names, part.t_s[1:], part.q_rad[1:], part.qd_rad_s[1:], part.qdd_rad_s2[1:]
            )
        )
    return JointTrajectory(
        parts[0].names,
        np.concatenate(t_s),
        np.concatenate([row.q_rad for row in rows]),
        np.concatenate([row.qd_rad_s for row in rows]),
        np.concatenate([row.qdd_rad_s2 for row in rows]),
    )


def state_at(sent: JointTrajectory, elapsed_s: float) -> tuple[Vector, Vector, Vector]:
    """Position, speed and acceleration (J,) of a trajectory at a time, held at its ends."""
    if elapsed_s >= sent.duration_s:
        zero = np.zeros(len(sent.names))
        return sent.q_rad[-1].copy(), zero, zero
    columns = (sent.q_rad, sent.qd_rad_s, sent.qdd_rad_s2)
    q, qd, qdd = (
        np.array([np.interp(elapsed_s, sent.t_s, joint) for joint in rows.T]) for rows in columns
    )
    return q, qd, qdd


def _solved(wanted: ruckig.InputParameter) -> ruckig.Trajectory:
    size = len(wanted.current_position)
    timing = ruckig.Trajectory(size)
    try:
        result = ruckig.Ruckig(size).calculate(wanted, timing)
    except (ruckig.RuckigError, ValueError) as error:
        # Some of its failures have no name in Python: they come as a value that is no Result.
        raise MotionInfeasible(f"no motion within the limits: {error}") from error
    if result not in (ruckig.Result.Working, ruckig.Result.Finished):
        raise MotionInfeasible(f"no motion within the limits: {result}")
    return timing


def _flat(timing: ruckig.Trajectory, t_s: float) -> tuple[float, float, float]:
    """(position, speed, acceleration) of a one-joint trajectory."""
    position, speed, acceleration = timing.at_time(t_s)[:3]
    return position[0], speed[0], acceleration[0]
