"""Golden examples: inputs of a Q-function with the values that its trainer got for them.

They travel in the bundle, so that whoever loads it can see that export, file and runtime give
the values that were trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.encoding import ACTION_LAYOUT, POSED_LAYOUT, STATE_LAYOUT

from .arrays import UNREADABLE, packed, spoken, unpacked
from .errors import GoldenInvalid

_ARRAYS = ("images", "states", "tasks", "actions", "q")


@dataclass(frozen=True, eq=False)
class Golden:
    """B examples: `images` (B, H, W, 3) uint8 at the network's size, `states` (B, S), the
    names of their `tasks` (B), encoded `actions` (B, N, 8) and their values `q` (B, N).

    Tasks are kept by name: a task list in another order than the trained one shows up.
    """

    images: NDArray[np.uint8]
    states: NDArray[np.float32]
    tasks: tuple[str, ...]
    actions: NDArray[np.float32]
    q: NDArray[np.float32]

    def __post_init__(self) -> None:
        count = len(self.tasks)
        samples = self.q.shape[1] if self.q.ndim == 2 else 0
        wanted = {
            "states": (count, self._state_width),
            "actions": (count, samples, len(ACTION_LAYOUT)),
            "q": (count, samples),
        }
        if not count or not samples:
            raise GoldenInvalid(f"needs an example with an action, has {count} x {samples}")
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise GoldenInvalid(f"{name} must be {shape} float32, is {spoken(array)}")
        images = self.images
        if images.ndim != 4 or images.shape[::3] != (count, 3) or images.dtype != np.uint8:
            raise GoldenInvalid(f"images must be ({count}, H, W, 3) uint8, is {spoken(images)}")

    @property
    def _state_width(self) -> int:
        """That of the states where a network could read them, else that of the plain one."""
        known = len(STATE_LAYOUT), len(POSED_LAYOUT)
        return next((n for n in known if self.states.shape[1:] == (n,)), known[0])

    def to_bytes(self) -> bytes:
        """The examples as a compressed .npz, the same bytes for the same examples."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return packed({**arrays, "tasks": np.array(self.tasks, dtype=np.str_)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Golden:
        """The examples in a .npz, never unpickled; raises GoldenInvalid."""
        try:
            arrays = unpacked(data, _ARRAYS)
        except UNREADABLE as error:
            raise GoldenInvalid(f"cannot be read: {error}") from error
        return cls(tasks=task_names(arrays.pop("tasks")), **arrays)


def task_names(array: NDArray) -> tuple[str, ...]:
    """The names of tasks that golden examples are kept under; raises GoldenInvalid."""
    if array.ndim != 1 or array.dtype.kind != "U":
        raise GoldenInvalid(f"tasks must be a list of texts, is {spoken(array)}")
    return tuple(str(name) for name in array)
