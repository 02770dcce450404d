"""How a joint moves between two points of a trajectory, as joint_trajectory_controller does it.

Where both ends state accelerations the way is a quintic, where both state speeds a cubic,
otherwise a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mtopt_core.joints import Vector


@dataclass(frozen=True, eq=False)
class Waypoint:
    """Where the joints are at a time: `t_s`, positions (J,), and what is known of the motion."""

    t_s: float
    q_rad: Vector
    qd_rad_s: Vector | None = None
    qdd_rad_s2: Vector | None = None


@dataclass(frozen=True, eq=False)
class Setpoint:
    """What the drives are asked for: position (rad or m), speed and acceleration, each (J,)."""

    q_rad: Vector
    qd_rad_s: Vector
    qdd_rad_s2: Vector


def resting(q_rad: Vector) -> Setpoint:
    """Standing still at a position."""
    return Setpoint(q_rad, np.zeros_like(q_rad), np.zeros_like(q_rad))


def between(start: Waypoint, end: Waypoint, t_s: float) -> Setpoint:
    """The setpoint at a time from `start.t_s` to `end.t_s`, which must be apart."""
    span = end.t_s - start.t_s
    coefficients = _coefficients(start, end, span)
    powers = np.arange(len(coefficients), dtype=np.float64)
    t = min(max(t_s - start.t_s, 0.0), span)
    first, second = powers[1:], powers[2:]
    basis = t**powers
    return Setpoint(
        basis @ coefficients,
        (first * basis[:-1]) @ coefficients[1:],
        (second * (second - 1.0) * basis[:-2]) @ coefficients[2:]
        if len(coefficients) > 2
        else np.zeros_like(start.q_rad),
    )


def _coefficients(start: Waypoint, end: Waypoint, h: float) -> np.ndarray:
    """Polynomial coefficients by rising power, (2, 4 or 6, J)."""
    p0, p1 = start.q_rad, end.q_rad
    v0, v1 = start.qd_rad_s, end.qd_rad_s
    if v0 is None or v1 is None:
        return np.array([p0, (p1 - p0) / h])
    a0, a1 = start.qdd_rad_s2, end.qdd_rad_s2
    way = p1 - p0
    if a0 is None or a1 is None:
        cubic = (3.0 * way - (2.0 * v0 + v1) * h) / h**2
        return np.array([p0, v0, cubic, ((v0 + v1) * h - 2.0 * way) / h**3])
    return np.array(
        [
            p0,
            v0,
            a0 / 2.0,
            (20.0 * way - (8.0 * v1 + 12.0 * v0) * h - (3.0 * a0 - a1) * h**2) / (2.0 * h**3),
            (-30.0 * way + (14.0 * v1 + 16.0 * v0) * h + (3.0 * a0 - 2.0 * a1) * h**2)
            / (2.0 * h**4),
            (12.0 * way - 6.0 * (v0 + v1) * h + (a1 - a0) * h**2) / (2.0 * h**5),
        ]
    )
