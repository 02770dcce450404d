"""Points on the surfaces of an object's solid parts, for whoever asks how wide it is and where."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .objects import Kind, Part

Points = NDArray[np.float64]


def cloud(kind: Kind) -> Points:
    """(N, 3) points in the object's frame, a centimetre or less apart."""
    return np.vstack([_part(part) for part in kind.parts if part.solid])


def _part(part: Part) -> Points:
    if part.shape == "box":
        points = _box(np.array(part.size))
    elif part.shape == "ellipsoid":
        points = _sphere(1.0) * part.size
    elif part.shape == "sphere":
        points = _sphere(part.size[0])
    else:
        points = _round(part.size[0], part.size[1], capped=part.shape == "capsule")
    return points @ _rotation(part.euler).T + part.at


def _sphere(radius: float, count: int = 60) -> Points:
    """A Fibonacci lattice."""
    index = np.arange(count) + 0.5
    polar = np.arccos(1.0 - 2.0 * index / count)
    turn = math.pi * (1.0 + math.sqrt(5.0)) * index
    ring = np.sin(polar)
    return radius * np.stack([ring * np.cos(turn), ring * np.sin(turn), np.cos(polar)], axis=1)


def _round(radius: float, half_length: float, capped: bool) -> Points:
    turn = np.linspace(0.0, 2.0 * math.pi, 16, endpoint=False)
    ring = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    rows = max(2, math.ceil(2.0 * half_length / 0.008) + 1)
    z = np.repeat(np.linspace(-half_length, half_length, rows), len(turn))
    tube = np.column_stack([np.tile(ring, (rows, 1)), z])
    if not capped:
        return tube
    ends, tip = _sphere(radius), np.array([0.0, 0.0, half_length])
    return np.vstack([tube, ends + tip, ends - tip])


def _box(half: Points) -> Points:
    steps = [np.linspace(-1.0, 1.0, max(2, math.ceil(2.0 * side / 0.009) + 1)) for side in half]
    grid = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid[np.abs(grid).max(axis=1) == 1.0] * half


def _rotation(euler: tuple[float, float, float]) -> NDArray[np.float64]:
    """Turns about fixed x, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(euler), np.sin(euler)
    return np.array(
        [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ]
    )
