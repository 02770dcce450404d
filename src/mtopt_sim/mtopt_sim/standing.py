"""Bins that stand level are part of the room: nothing that lies in one is tied to the rest.

A bin hangs on a hinge, so to the solver all that touches it is one thing: a finger that sets down
on its floor would wake every object in it, and each would be computed through the hinge. While
both bins stand still and level their shapes therefore give way to copies, at the very same place,
that belong to the room. On the way, and wherever else they stop, the bins are what they were.
"""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

LEVEL_RAD = 1e-3  # 0.3 mm at a bin's far wall
STILL_RAD_S = 0.01
_SUFFIX = "_standing"
_PLACE = ("type", "size", "pos", "quat")
_TOUCH = ("contype", "conaffinity", "condim", "friction", "priority", "solref", "solimp")


def standing(name: str) -> str:
    """The name of a body's copy in the room."""
    return f"{name}{_SUFFIX}"


def add_standing(spec: mujoco.MjSpec, names: tuple[str, ...], part: str) -> None:
    """Copies of some hinged bodies, and of a `part` that lies in one of them."""
    for name in names:
        body = spec.body(name)
        copy = _copy(body, body.parent)
        for child in body.bodies:
            if child.name == part:
                _copy(child, copy)


def _copy(body: mujoco.MjsBody, parent: mujoco.MjsBody) -> mujoco.MjsBody:
    """What touches of a body, unseen and without its joint."""
    copy = parent.add_body(name=standing(body.name), pos=body.pos, quat=body.quat)
    for geom in body.geoms:
        if geom.contype:
            values = {field: getattr(geom, field) for field in _PLACE + _TOUCH}
            copy.add_geom(**values, group=3, mass=0.0)
    return copy


class Standing:
    """Which of its two shapes each hinged body of one model has.

    `names` of the bodies, each with its hinge and the parts that turn with it.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        names: tuple[str, ...],
        hinges: tuple[str, ...],
        part: str,
    ) -> None:
        self._model = model
        self._shapes = [_both_shapes(model, name, part) for name in names]
        self._qpos = np.array([model.joint(name).qposadr[0] for name in hinges])
        self._dof = np.array([model.joint(name).dofadr[0] for name in hinges])
        self._fixed: list[bool | None] = [None] * len(names)

    def choose(self, data: mujoco.MjData, asked_rad: Sequence[float]) -> None:
        """Say before each run of steps how far off level each hinge (N,) is asked to go."""
        angles, speeds = data.qpos[self._qpos].tolist(), data.qvel[self._dof].tolist()
        for index, asked in enumerate(asked_rad):
            level = max(asked, abs(angles[index])) < LEVEL_RAD
            fixed = level and abs(speeds[index]) < STILL_RAD_S
            if fixed != self._fixed[index]:
                self._fixed[index] = fixed
                hinged, room = self._shapes[index]
                hinged.touch(self._model, not fixed)
                room.touch(self._model, fixed)


def _both_shapes(model: mujoco.MjModel, name: str, part: str) -> tuple[_Shapes, _Shapes]:
    body = model.body(name).id
    bodies = [name, part] if model.body(part).parentid == body else [name]
    hinged = [model.body(known).id for known in bodies]
    room = [model.body(standing(known)).id for known in bodies]
    return _Shapes(model, hinged), _Shapes(model, room)


class _Shapes:
    """What some bodies touch with, to be taken away and given back."""

    def __init__(self, model: mujoco.MjModel, bodies: list[int]) -> None:
        self._bodies = np.array(bodies)
        self._geoms: NDArray[np.int64] = np.flatnonzero(np.isin(model.geom_bodyid, bodies))
        self._geom_masks = _masks(model.geom_contype, model.geom_conaffinity, self._geoms)
        self._body_masks = _masks(model.body_contype, model.body_conaffinity, self._bodies)

    def touch(self, model: mujoco.MjModel, solid: bool) -> None:
        geoms, bodies = self._geom_masks * solid, self._body_masks * solid
        model.geom_contype[self._geoms], model.geom_conaffinity[self._geoms] = geoms
        model.body_contype[self._bodies], model.body_conaffinity[self._bodies] = bodies


def _masks(
    contype: NDArray[np.int32], conaffinity: NDArray[np.int32], rows: NDArray[np.int64]
) -> NDArray[np.int32]:
    return np.stack([contype[rows], conaffinity[rows]])
