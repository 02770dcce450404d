"""How joints move between the points of a trajectory, as joint_trajectory_controller does it.

Where points state speeds and accelerations the way between two of them is a quintic, where they
state speeds alone a cubic, otherwise a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtopt_core.joints import Vector


@dataclass(frozen=True, eq=False)
class Setpoints:
    """What the drives are asked for: positions (rad or m), speeds and accelerations.

    Each (N, J) for N moments, or (J,) for one.
    """

    q_rad: Vector
    qd_rad_s: Vector
    qdd_rad_s2: Vector

    def __getitem__(self, index: int) -> Setpoints:
        return Setpoints(self.q_rad[index], self.qd_rad_s[index], self.qdd_rad_s2[index])


class Spline:
    """A way through points at rising times `t_s` (K,); all others (K, J).

    Before its first and after its last point the joints stand still there.
    """

    def __init__(
        self,
        t_s: Vector,
        q_rad: Vector,
        qd_rad_s: Vector | None = None,
        qdd_rad_s2: Vector | None = None,
    ) -> None:
        self.t_s = t_s
        self._ends = q_rad[[0, -1]]
        h = np.diff(t_s)[:, None]
        self._coefficients = np.zeros((len(h), 6, q_rad.shape[1]))
        for power, coefficient in enumerate(_coefficients(h, q_rad, qd_rad_s, qdd_rad_s2)):
            self._coefficients[:, power] = coefficient

    def at(self, t_s: Vector) -> Setpoints:
        """The setpoints at some times (N,)."""
        count = len(self.t_s)
        after = np.searchsorted(self.t_s, t_s, side="right")
        moving = ((after > 0) & (after < count))[:, None]
        still = np.where((after == 0)[:, None], self._ends[0], self._ends[1])
        zero = np.zeros_like(still)
        if not moving.any():
            return Setpoints(still, zero, zero)
        span = np.clip(after - 1, 0, count - 2)
        c = self._coefficients[span]
        t = (t_s - self.t_s[span])[:, None]
        q = ((((c[:, 5] * t + c[:, 4]) * t + c[:, 3]) * t + c[:, 2]) * t + c[:, 1]) * t + c[:, 0]
        qd = (((5 * c[:, 5] * t + 4 * c[:, 4]) * t + 3 * c[:, 3]) * t + 2 * c[:, 2]) * t + c[:, 1]
        qdd = ((20 * c[:, 5] * t + 12 * c[:, 4]) * t + 6 * c[:, 3]) * t + 2 * c[:, 2]
        return Setpoints(
            np.where(moving, q, still), np.where(moving, qd, zero), np.where(moving, qdd, zero)
        )


def _coefficients(
    h: Vector, q: Vector, qd: Vector | None, qdd: Vector | None
) -> tuple[Vector, ...]:
    """Polynomial coefficients of every span by rising power, each (K - 1, J); h (K - 1, 1)."""
    p0, way = q[:-1], np.diff(q, axis=0)
    if qd is None:
        return p0, way / h
    v0, v1 = qd[:-1], qd[1:]
    if qdd is None:
        return p0, v0, (3 * way - (2 * v0 + v1) * h) / h**2, ((v0 + v1) * h - 2 * way) / h**3
    a0, a1 = qdd[:-1], qdd[1:]
    return (
        p0,
        v0,
        a0 / 2,
        (20 * way - (8 * v1 + 12 * v0) * h - (3 * a0 - a1) * h**2) / (2 * h**3),
        (-30 * way + (14 * v1 + 16 * v0) * h + (3 * a0 - 2 * a1) * h**2) / (2 * h**4),
        (12 * way - 6 * (v0 + v1) * h + (a1 - a0) * h**2) / (2 * h**5),
    )
