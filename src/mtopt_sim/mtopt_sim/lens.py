"""The cameras' lenses: image sizes and intrinsics, from urdf/cameras.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtopt_data.yamlfile import read_yaml

from .errors import UnknownObject

CAMERAS = ("overhead", "left", "right")


@dataclass(frozen=True)
class Lens:
    """A pinhole camera without distortion: image size in pixels, vertical field of view."""

    name: str
    height_px: int
    width_px: int
    fov_y_rad: float

    @property
    def K(self) -> NDArray[np.float64]:
        """Intrinsics (3, 3) in pixels; pixel centres are at whole numbers."""
        focal = self.height_px / 2.0 / math.tan(self.fov_y_rad / 2.0)
        u, v = (self.width_px - 1) / 2.0, (self.height_px - 1) / 2.0
        return np.array([[focal, 0.0, u], [0.0, focal, v], [0.0, 0.0, 1.0]])

    def scaled(self, height_px: int, width_px: int) -> Lens:
        """The same view at another size."""
        return Lens(self.name, height_px, width_px, self.fov_y_rad)


def read_lenses(path: Path) -> tuple[Lens, ...]:
    """The three lenses of a cameras.yaml."""
    return lenses_of(read_yaml(path))


def lenses_of(values: Mapping[str, Any]) -> tuple[Lens, ...]:
    """The three lenses of a parsed cameras.yaml; raises UnknownObject where one is missing."""
    for name in CAMERAS:
        if name not in values:
            raise UnknownObject(f"cameras.yaml has no camera {name!r}; needs {', '.join(CAMERAS)}")
    return tuple(
        Lens(
            name,
            int(values[name]["height_px"]),
            int(values[name]["width_px"]),
            float(values[name]["fov_y_rad"]),
        )
        for name in CAMERAS
    )
