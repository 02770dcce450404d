"""Where images come from: one interface for a camera on a cable and for a recorded video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Clock = Callable[[], int]  # nanoseconds


@dataclass(frozen=True, eq=False)
class Frame:
    """One image, (H, W, 3) uint8 RGB, and when it was taken, by the source's clock."""

    image: NDArray[np.uint8]
    stamp_ns: int


class CameraSource(Protocol):
    """A source is opened, read from, and closed; it may be opened again after that."""

    def open(self) -> None:
        """Get ready to read; raises CameraUnavailable, which names the source."""
        ...

    def read(self) -> Frame:
        """The next image, waiting for it if need be; raises CameraLost, also if not open."""
        ...

    def close(self) -> None:
        """Let go of the device or file; never fails, however often it is called."""
        ...
