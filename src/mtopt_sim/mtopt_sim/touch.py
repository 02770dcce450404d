"""Who touches whom: what the contacts say about which object is in the gripper."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray


class TouchReader:
    """Contacts of one model by object, finger and room."""

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: tuple[str, ...],
        fingers: tuple[str, str],
        room: tuple[str, ...],
    ) -> None:
        """A model's cloth, if it has one, comes after its objects."""
        owner = np.full(model.nbody, -1)
        for index, name in enumerate(objects):
            owner[model.body(name).id] = index
        count = len(objects) + model.nflex
        for index, name in enumerate(fingers):
            owner[model.body(name).id] = count + index
        for name in room:
            owner[model.body(name).id] = count + 2
        cloths = len(objects) + np.arange(model.nflex)
        self._owner: NDArray[np.int64] = np.append(owner[model.geom_bodyid], cloths)
        self._ngeom = model.ngeom
        self._count = count

    def held(self, data: mujoco.MjData) -> NDArray[np.bool_]:
        """Which objects (N,) both fingers touch while nothing of the room does."""
        touched = self._touched(data)
        fingers, room = touched[:, self._count : self._count + 2], touched[:, self._count + 2]
        held: NDArray[np.bool_] = fingers.all(axis=1) & ~room
        return held

    def _touched(self, data: mujoco.MjData) -> NDArray[np.bool_]:
        """(N objects, N + 3): by which object, finger or room each object is touched."""
        table = np.zeros((self._count + 3, self._count + 3), dtype=bool)
        if data.ncon:
            contact = data.contact
            what = np.where(contact.geom >= 0, contact.geom, self._ngeom + contact.flex)
            a, b = self._owner[what].T
            real = (a >= 0) & (b >= 0) & (contact.dist <= 0.0)
            table[a[real], b[real]] = table[b[real], a[real]] = True
        return table[: self._count]
