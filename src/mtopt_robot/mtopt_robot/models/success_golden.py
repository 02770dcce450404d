"""Golden examples of a success detector: three views with the logits that its trainer got."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.encoding import Numbers

from .arrays import UNREADABLE, packed, spoken, unpacked
from .errors import GoldenInvalid
from .golden import task_names

_VIEWS = ("overhead", "left", "right")
_ARRAYS = (*_VIEWS, "tasks", "logits")


@dataclass(frozen=True, eq=False)
class SuccessGolden:
    """B examples: the views (B, H, W, 3) uint8, each at the network's size for it, and the
    `logits` (B, T) for the named `tasks` (T).

    Tasks are kept by name: a task list in another order than the trained one shows up.
    """

    overhead: NDArray[np.uint8]
    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    tasks: tuple[str, ...]
    logits: Numbers

    def __post_init__(self) -> None:
        count = len(self.logits) if self.logits.ndim else 0
        if not count or not self.tasks:
            raise GoldenInvalid(f"needs an example and a task, has {count} x {len(self.tasks)}")
        if self.logits.shape != (count, len(self.tasks)) or self.logits.dtype != np.float32:
            wanted = (count, len(self.tasks))
            raise GoldenInvalid(f"logits must be {wanted} float32, is {spoken(self.logits)}")
        for name in _VIEWS:
            view = getattr(self, name)
            if view.ndim != 4 or view.shape[::3] != (count, 3) or view.dtype != np.uint8:
                raise GoldenInvalid(f"{name} must be ({count}, H, W, 3) uint8, is {spoken(view)}")

    def to_bytes(self) -> bytes:
        """The examples as a compressed .npz, the same bytes for the same examples."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return packed({**arrays, "tasks": np.array(self.tasks, dtype=np.str_)})

    @classmethod
    def from_bytes(cls, data: bytes) -> SuccessGolden:
        """The examples in a .npz, never unpickled; raises GoldenInvalid."""
        try:
            arrays = unpacked(data, _ARRAYS)
        except UNREADABLE as error:
            raise GoldenInvalid(f"cannot be read: {error}") from error
        return cls(tasks=task_names(arrays.pop("tasks")), **arrays)
