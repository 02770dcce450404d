"""A smooth curve through joint positions, over a parameter s in [0, 1] that knows no time.

Through two knots it is a straight line in joint space; through more it is the natural
cubic spline of equally spaced knots, with continuous curvature, so that a jerk-limited s(t)
gives a jerk-limited motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from .errors import MotionInfeasible

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class JointPath:
    """A curve through `knots_rad` (K, J), K >= 2, knot k at s = k / (K - 1)."""

    knots_rad: Array

    def __post_init__(self) -> None:
        knots = self.knots_rad
        if knots.ndim != 2 or len(knots) < 2 or not np.all(np.isfinite(knots)):
            raise MotionInfeasible(f"a path needs two or more finite knots, has {knots.shape}")

    def at(self, s: Array) -> tuple[Array, Array, Array]:
        """Position and its first two derivatives by s, each (N, J), at `s` (N,)."""
        knots, curve, h = self.knots_rad, self._curvature, self._spacing
        span = np.clip((s / h).astype(np.int64), 0, len(knots) - 2)
        b = (s - span * h)[:, None]
        a = h - b
        low, high = knots[span], knots[span + 1]
        bend_low, bend_high = curve[span], curve[span + 1]
        slope_low, slope_high = low / h - bend_low * h / 6, high / h - bend_high * h / 6
        q = (bend_low * a**3 + bend_high * b**3) / (6 * h) + slope_low * a + slope_high * b
        first = (bend_high * b**2 - bend_low * a**2) / (2 * h) + slope_high - slope_low
        second = (bend_low * a + bend_high * b) / h
        return q, first, second

    @cached_property
    def bounds(self) -> tuple[Array, Array, Array]:
        """Largest size of the first, second and third derivative by s, each (J,)."""
        second, third = self._curvature, np.diff(self._curvature, axis=0) / self._spacing
        chord = np.diff(self.knots_rad, axis=0) / self._spacing
        # Within a span the slope strays from its chord by at most h/2 of the larger curvature.
        bend = np.maximum(np.abs(second[:-1]), np.abs(second[1:])) * self._spacing / 2.0
        return (
            (np.abs(chord) + bend).max(axis=0),
            np.abs(second).max(axis=0),
            np.abs(third).max(axis=0),
        )

    @property
    def _spacing(self) -> float:
        return 1.0 / (len(self.knots_rad) - 1)

    @cached_property
    def _curvature(self) -> Array:
        """Second derivatives at the knots, (K, J), zero at both ends."""
        curvature = np.zeros_like(self.knots_rad)
        if len(self.knots_rad) > 2:
            bends = np.diff(self.knots_rad, n=2, axis=0) * (6.0 / self._spacing**2)
            curvature[1:-1] = _inverse_system(len(self.knots_rad) - 2) @ bends
        return curvature


@cache
def _inverse_system(size: int) -> Array:
    """Inverse of the spline's system: 4 on the diagonal, 1 beside it."""
    system = 4.0 * np.eye(size) + np.eye(size, k=1) + np.eye(size, k=-1)
    return np.linalg.inv(system)
