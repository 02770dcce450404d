"""Joint-space values: what a robot reports, what it is asked for, what it is limited to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@lru_cache(maxsize=64)
def _rows(known: tuple[str, ...], names: tuple[str, ...]) -> NDArray[np.intp]:
    """Where some names stand; the same few are asked for at every look at a motion."""
    where = {name: index for index, name in enumerate(known)}
    return np.array([where[name] for name in names], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class JointState:
    """Measured joints. Radians (metres for a finger), rad/s, Nm; all arrays (J,)."""

    names: tuple[str, ...]
    q_rad: Vector
    qd_rad_s: Vector
    effort_nm: Vector
    stamp_ns: int

    def select(self, names: tuple[str, ...]) -> JointState:
        """The same measurement for some joints, in the order asked; KeyError if one is absent."""
        rows = _rows(self.names, names)
        return JointState(
            names, self.q_rad[rows], self.qd_rad_s[rows], self.effort_nm[rows], self.stamp_ns
        )


@dataclass(frozen=True, eq=False)
class JointTrajectory:
    """Timed joint samples. `t_s` (N,) from the start of the motion; q, qd, qdd (N, J)."""

    names: tuple[str, ...]
    t_s: Vector
    q_rad: Vector
    qd_rad_s: Vector
    qdd_rad_s2: Vector

    @property
    def duration_s(self) -> float:
        """Time of the last sample; 0 for an empty trajectory."""
        return float(self.t_s[-1]) if len(self.t_s) else 0.0


@dataclass(frozen=True, eq=False)
class JointLimits:
    """What the joints of an arm may do, all arrays (J,); effort in Nm."""

    names: tuple[str, ...]
    lower_rad: Vector
    upper_rad: Vector
    speed_rad_s: Vector
    acceleration_rad_s2: Vector
    jerk_rad_s3: Vector
    effort_nm: Vector

    def scaled(self, fraction: float) -> JointLimits:
        """The same limits at a fraction of the full speed (acceleration and jerk alike)."""
        return JointLimits(
            self.names,
            self.lower_rad,
            self.upper_rad,
            self.speed_rad_s * fraction,
            self.acceleration_rad_s2 * fraction,
            self.jerk_rad_s3 * fraction,
            self.effort_nm,
        )
