"""A joint trajectory controller: follows the last trajectory it accepted, then holds.

The laws are those of ros2_control's joint_trajectory_controller with its default settings: a
new trajectory replaces the old one, and the way to its first point starts where the joints were
commanded to be at that moment; a stamp of zero means now; all joints, each once, in any order;
rising times; a stop at the end. What breaks a law is refused whole and the old trajectory goes on.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from mtopt_core.joints import JointTrajectory, Vector

from .errors import TrajectoryRefused
from .spline import Setpoint, Waypoint, between, resting

_AT_REST = 1e-6  # rad/s (m/s) under which a trajectory counts as ended at rest


@dataclass(frozen=True, eq=False)
class TrajectoryPoints:
    """A trajectory as the wire carries it; speeds and accelerations may be left out.

    `t_s` (N,) from `stamp_ns` on (0: from arrival), `q_rad` and the others (N, J).
    """

    names: tuple[str, ...]
    t_s: Vector
    q_rad: Vector
    qd_rad_s: Vector | None = None
    qdd_rad_s2: Vector | None = None
    stamp_ns: int = 0

    @classmethod
    def of(cls, trajectory: JointTrajectory, stamp_ns: int = 0) -> TrajectoryPoints:
        """The points of a trajectory that has everything."""
        return cls(
            trajectory.names,
            trajectory.t_s,
            trajectory.q_rad,
            trajectory.qd_rad_s,
            trajectory.qdd_rad_s2,
            stamp_ns,
        )


class TrajectoryFollower:
    """One controller over a fixed set of joints, told the time by its caller."""

    def __init__(self, names: tuple[str, ...], q_rad: Vector) -> None:
        self.names = names
        self._way: list[Waypoint] = []
        self._times: list[float] = []
        self._start_ns = 0
        self._last = resting(np.array(q_rad, dtype=np.float64))

    @property
    def end_ns(self) -> int:
        """When the present motion ends (or ended), in the caller's clock."""
        return self._start_ns + round(self._times[-1] * 1e9) if self._times else self._start_ns

    def busy(self, now_ns: int) -> bool:
        """Whether a motion is still under way."""
        return now_ns < self.end_ns

    def sample(self, now_ns: int) -> Setpoint:
        """What the joints are commanded to do now; at rest after the end."""
        if self._way:
            self._last = self._at((now_ns - self._start_ns) * 1e-9)
        return self._last

    def hold(self, q_rad: Vector) -> None:
        """Forget any motion and stand at a position."""
        self._way, self._times = [], []
        self._last = resting(np.array(q_rad, dtype=np.float64))

    def follow(self, points: TrajectoryPoints, now_ns: int) -> None:
        """Replace the present motion; raises TrajectoryRefused and keeps it otherwise."""
        order = self._order(points)
        _check(points)
        start_ns = points.stamp_ns or now_ns
        if points.stamp_ns and start_ns + round(points.t_s[-1] * 1e9) < now_ns:
            raise TrajectoryRefused("the trajectory ends in the past")
        here = self.sample(now_ns)
        joined_s = (now_ns - start_ns) * 1e-9
        way = [_waypoint(points, index, order) for index in range(len(points.t_s))]
        if joined_s < way[0].t_s:
            way.insert(0, Waypoint(joined_s, here.q_rad, here.qd_rad_s, here.qdd_rad_s2))
        self._way, self._start_ns = way, start_ns
        self._times = [point.t_s for point in way]

    def _at(self, t_s: float) -> Setpoint:
        after = bisect_right(self._times, t_s)
        if after == 0:
            return resting(self._way[0].q_rad)
        if after == len(self._way):
            return resting(self._way[-1].q_rad)
        return between(self._way[after - 1], self._way[after], t_s)

    def _order(self, points: TrajectoryPoints) -> list[int]:
        """Columns of the trajectory in the order of this controller's joints."""
        known, given = set(self.names), list(points.names)
        for name in given:
            if name not in known:
                raise TrajectoryRefused(f"unknown joint {name!r}; joints: {', '.join(self.names)}")
        missing = [name for name in self.names if name not in given]
        if missing or len(given) != len(known):
            what = f"lacks {', '.join(missing)}" if missing else f"repeats a joint: {given}"
            raise TrajectoryRefused(f"the trajectory {what}; it must give every joint once")
        return [given.index(name) for name in self.names]


def _check(points: TrajectoryPoints) -> None:
    shape = (len(points.t_s), len(points.names))
    if not shape[0]:
        raise TrajectoryRefused("the trajectory has no points")
    for what, rows in (
        ("positions", points.q_rad),
        ("velocities", points.qd_rad_s),
        ("accelerations", points.qdd_rad_s2),
    ):
        if rows is None:
            continue
        if rows.shape != shape:
            raise TrajectoryRefused(f"{what} are {rows.shape}, must be {shape}")
        if not np.all(np.isfinite(rows)):
            raise TrajectoryRefused(f"{what} hold a value that is not a finite number")
    if not np.all(np.isfinite(points.t_s)) or points.t_s[0] < 0.0:
        raise TrajectoryRefused(f"times must be finite and not negative: {points.t_s[0]:g} s")
    if np.any(np.diff(points.t_s) <= 0.0):
        raise TrajectoryRefused("times must rise from point to point")
    if points.qd_rad_s is not None and np.abs(points.qd_rad_s[-1]).max() > _AT_REST:
        raise TrajectoryRefused("the last point must be at rest")


def _waypoint(points: TrajectoryPoints, index: int, order: list[int]) -> Waypoint:
    speed, acceleration = points.qd_rad_s, points.qdd_rad_s2
    return Waypoint(
        float(points.t_s[index]),
        points.q_rad[index][order],
        None if speed is None else speed[index][order],
        None if acceleration is None else acceleration[index][order],
    )
