"""A square of cloth: particles held together by their edges, which the gripper can pinch.

MuJoCo's flexible element: a grid of particles, each with three slides, and one constraint for
each edge, so that the cloth bends freely and hardly stretches. The grid is coarse on purpose:
its cost grows with the number of particles.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

CLOTH = "cloth"
COLOUR = (0.86, 0.30, 0.42)
SIDE = 6  # particles along each side
SPACING_M = 0.030
MASS_KG = 0.025
RADIUS_M = 0.005  # half its thickness: thick enough for tips that stop above the floor
_FRICTION = (0.9, 0.005, 0.0001)
_EDGE_SOLREF = (0.012, 1.0)
_BEND_N_M, _BEND_N_S_M = 1.0, 0.01  # springs that open a fold
_PLEAT_RAD = 1.05  # slope of the folds in which it is dropped
_ABOVE_M = 0.0005  # how little below the cloth still counts as under it


def add_cloth(spec: mujoco.MjSpec, contype: int, conaffinity: int) -> None:
    """The cloth as a part of the world; `Cloth.drop` says where."""
    flex = spec.worldbody.make_flex(
        name=CLOTH,
        type="grid",
        dim=2,
        count=(SIDE, SIDE, 1),
        spacing=(SPACING_M, SPACING_M, SPACING_M),
        mass=MASS_KG,
        radius=RADIUS_M,
        equality=1,
        pos=(0.0, 0.0, 1.0),
    )
    flex.rgba = (*COLOUR, 1.0)
    flex.contype, flex.conaffinity = contype, conaffinity
    flex.condim, flex.friction = 3, _FRICTION
    flex.selfcollide = mujoco.mjtFlexSelf.mjFLEXSELF_NONE
    for equality in spec.equalities:
        if equality.type == mujoco.mjtEq.mjEQ_FLEX:
            equality.solref = _EDGE_SOLREF
    _add_springs(spec)


def _add_springs(spec: mujoco.MjSpec) -> None:
    """Springs from each particle to the next but one: the little stiffness that opens a fold."""
    for index in range(SIDE**2):
        spec.body(f"{CLOTH}_{index}").add_site(name=f"{CLOTH}_{index}", size=(0.001,) * 3, group=5)
    for index in range(SIDE**2):
        row, column = divmod(index, SIDE)
        for other, fits in ((index + 2, column + 2 < SIDE), (index + 2 * SIDE, row + 2 < SIDE)):
            if not fits:
                continue
            spring = spec.add_tendon(name=f"{CLOTH}_{index}_{other}")
            spring.wrap_site(f"{CLOTH}_{index}")
            spring.wrap_site(f"{CLOTH}_{other}")
            spring.stiffness = (_BEND_N_M, 0.0, 0.0)
            spring.damping = (_BEND_N_S_M, 0.0, 0.0)
            spring.springlength = (2.0 * SPACING_M, 2.0 * SPACING_M)
            spring.group = 5


class Cloth:
    """The cloth of one model."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self.flex = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_FLEX, CLOTH)
        first, count = int(model.flex_vertadr[self.flex]), int(model.flex_vertnum[self.flex])
        self._vertices = slice(first, first + count)
        bodies = model.flex_vertbodyid[self._vertices]
        self._rest = model.body_pos[bodies].copy()
        joints = model.body_jntadr[bodies]
        self._qpos = model.jnt_qposadr[joints][:, None] + np.arange(3)
        self.dofs: NDArray[np.int64] = model.jnt_dofadr[joints][:, None] + np.arange(3)
        start = int(model.flex_elemdataadr[self.flex])
        number = int(model.flex_elemnum[self.flex])
        self.triangles = model.flex_elem[start : start + 3 * number].reshape(number, 3).copy()

    def positions(self, data: mujoco.MjData) -> Points:
        """Its particles (V, 3) in the base frame."""
        here: Points = data.flexvert_xpos[self._vertices].copy()
        return here

    def center(self, data: mujoco.MjData) -> Points:
        """The mean of its particles, (3,)."""
        middle: Points = data.flexvert_xpos[self._vertices].mean(axis=0)
        return middle

    def put(self, data: mujoco.MjData, positions_m: Points) -> None:
        """Place its particles (V, 3), at rest."""
        data.qpos[self._qpos] = positions_m - self._rest
        data.qvel[self.dofs] = 0.0

    def drop(self, data: mujoco.MjData, at_m: Points, rng: np.random.Generator) -> None:
        """Let it fall from a point (3,), in pleats, turned at random."""
        self.put(data, at_m + pleated() @ _about_z(float(rng.uniform(-math.pi, math.pi))).T)

    def covered(self, data: mujoco.MjData, points_m: Points) -> float:
        """The share of points (N, 3) that lie under the cloth, seen from straight above."""
        here = self.positions(data)
        low, high = here.min(axis=0)[:2], here.max(axis=0)[:2]
        near = np.all((points_m[:, :2] >= low) & (points_m[:, :2] <= high), axis=1)
        if not near.any():
            return 0.0
        return float(np.sum(hidden(points_m[near], here[self.triangles]))) / len(points_m)


def pleated() -> Points:
    """The cloth's particles (V, 3) in folds along y, about its middle: no edge is stretched."""
    across = np.arange(SIDE) * SPACING_M * math.cos(_PLEAT_RAD)
    height = (np.arange(SIDE) % 2) * SPACING_M * math.sin(_PLEAT_RAD)
    along = np.arange(SIDE) * SPACING_M
    grid = np.empty((SIDE, SIDE, 3))
    grid[..., 0], grid[..., 1], grid[..., 2] = across[:, None], along[None], height[:, None]
    points = grid.reshape(-1, 3)
    return points - np.append(points[:, :2].mean(axis=0), 0.0)


def hidden(points_m: Points, corners_m: Points) -> NDArray[np.bool_]:
    """Which points (N, 3) have one of the triangles (T, 3, 3) straight above them."""
    a, b, c = (corners_m[:, corner] for corner in range(3))
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    lies = np.abs(area) > 1e-9  # others stand on edge and hide nothing
    a, ab, ac, area = a[lies], ab[lies], ac[lies], area[lies]
    to = points_m[:, None] - a[None]
    u = (to[..., 0] * ac[:, 1] - to[..., 1] * ac[:, 0]) / area
    v = (ab[:, 0] * to[..., 1] - ab[:, 1] * to[..., 0]) / area
    above = u * ab[:, 2] + v * ac[:, 2] > to[..., 2] - _ABOVE_M
    inside = (u >= 0.0) & (v >= 0.0) & (u + v <= 1.0)
    over: NDArray[np.bool_] = np.any(inside & above, axis=1)
    return over


def _about_z(angle_rad: float) -> Points:
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
