"""A joint trajectory controller: follows the last trajectory it accepted, then holds.

The laws are those of ros2_control's joint_trajectory_controller with its default settings: a
new trajectory replaces the old one, and the way to its first point starts where the joints were
commanded to be at that moment; a stamp of zero means now; all joints, each once, in any order;
rising times; a stop at the end. What breaks a law is refused whole and the old trajectory goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtopt_core.joints import JointTrajectory, Vector

from .errors import TrajectoryRefused
from .spline import Setpoints, Spline

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

    @property
    def motion(self) -> tuple[Vector, Vector | None, Vector | None]:
        """Positions, speeds and accelerations; accelerations without speeds say nothing."""
        return self.q_rad, self.qd_rad_s, self.qdd_rad_s2 if self.qd_rad_s is not None else None

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
        self.hold(q_rad)

    @property
    def end_ns(self) -> int:
        """When the present motion ends (or ended), in the caller's clock."""
        return self._start_ns + round(float(self._spline.t_s[-1]) * 1e9)

    def busy(self, now_ns: int) -> bool:
        """Whether a motion is still under way."""
        return now_ns < self.end_ns

    def sample(self, now_ns: int) -> Setpoints:
        """What the joints are commanded to do now, (J,); at rest after the end."""
        return self.samples(now_ns, 1, 1)[0]

    def samples(self, now_ns: int, step_ns: int, count: int) -> Setpoints:
        """What they are commanded to do at `count` moments from now on, (count, J)."""
        moments_ns = now_ns - self._start_ns + step_ns * np.arange(count)
        return self._spline.at(moments_ns.astype(np.float64) * 1e-9)

    def hold(self, q_rad: Vector) -> None:
        """Forget any motion and stand at a position."""
        self._start_ns = 0
        self._spline = Spline(np.zeros(1), np.array([q_rad], dtype=np.float64))

    def admit(self, points: TrajectoryPoints, now_ns: int) -> None:
        """Check a trajectory against the laws without following it; raises TrajectoryRefused."""
        self._order(points)
        _check(points)
        if points.stamp_ns and points.stamp_ns + round(points.t_s[-1] * 1e9) < now_ns:
            raise TrajectoryRefused("the trajectory ends in the past")

    def follow(self, points: TrajectoryPoints, now_ns: int) -> None:
        """Replace the present motion; raises TrajectoryRefused and keeps it otherwise."""
        self.admit(points, now_ns)
        order, start_ns = self._order(points), points.stamp_ns or now_ns
        here, joins_s = self.sample(now_ns), (now_ns - start_ns) * 1e-9
        t_s = np.array(points.t_s, dtype=np.float64)
        rows = [_columns(known, order) for known in points.motion]
        if joins_s < t_s[0]:
            t_s = np.concatenate([[joins_s], t_s])
            starts = (here.q_rad, here.qd_rad_s, here.qdd_rad_s2)
            rows = [
                None if row is None else np.vstack([start, row])
                for start, row in zip(starts, rows, strict=True)
            ]
        q_rad, qd_rad_s, qdd_rad_s2 = rows
        self._spline = Spline(t_s, np.asarray(q_rad), qd_rad_s, qdd_rad_s2)
        self._start_ns = start_ns

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


def _columns(rows: Vector | None, order: list[int]) -> Vector | None:
    return None if rows is None else np.array(rows[:, order], dtype=np.float64)
