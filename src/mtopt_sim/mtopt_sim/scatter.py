"""Random scenes: where objects are dropped, where the plate lies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mtopt_core.workspace import Bin, BinGeometry

from .plate import RADIUS_M

_WALL_MARGIN_M = 0.060  # what is longer may touch a wall, but not be in it
_DROP_M = 0.055  # height of a dropped object's centre above the floor
_TRIES = 200


def drop_positions(
    bins: BinGeometry, count: int, spacing_m: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Random points (count, 3) above the right bin, apart by a spacing where there is room.

    Where the bin is too full for that, the roomiest of many tries is taken.
    """
    center = bins.center_m(Bin.RIGHT)
    half = np.array(bins.inner_size_m[:2]) / 2.0 - _WALL_MARGIN_M
    chosen = np.empty((0, 2))
    for _ in range(count):
        tries = center[:2] + rng.uniform(-half, half, size=(_TRIES, 2))
        if len(chosen):
            room = np.linalg.norm(tries[:, None] - chosen[None], axis=2).min(axis=1)
            enough = np.flatnonzero(room >= spacing_m)
            index = int(enough[0]) if len(enough) else int(np.argmax(room))
        else:
            index = 0
        chosen = np.vstack([chosen, tries[index]])
    height = np.full((count, 1), center[2] + _DROP_M)
    return np.hstack([chosen, height])


def random_quaternion(rng: np.random.Generator) -> NDArray[np.float64]:
    """A uniformly random orientation, (w, x, y, z)."""
    q = rng.normal(size=4)
    return q / np.linalg.norm(q)


def plate_pose(bins: BinGeometry, rng: np.random.Generator) -> tuple[float, float, float]:
    """A random (x, y, yaw) of the plate on the left bin's floor, base frame, clear of walls."""
    half = np.maximum(np.array(bins.inner_size_m[:2]) / 2.0 - RADIUS_M - 0.004, 0.0)
    x, y = bins.center_m(Bin.LEFT)[:2] + rng.uniform(-half, half)
    return float(x), float(y), float(rng.uniform(-math.pi, math.pi))
