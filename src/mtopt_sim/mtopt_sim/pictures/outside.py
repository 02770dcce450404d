"""A visitor's view of a cell: from outside, with shadows and smooth edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import TracebackType

import cv2
import mujoco

from mtopt_core.observation import Image

from ..cameras import Cameras
from ..cell import SimCell

_SHADOW_PX = 8192
_LARGER = 2  # drawn at so many times the size, then shrunk: smooth edges without multisampling


@dataclass(frozen=True)
class Standpoint:
    """Where a visitor stands: what is looked at in metres of the base frame, from where."""

    lookat_m: tuple[float, float, float]
    distance_m: float
    azimuth_deg: float
    elevation_deg: float
    fov_y_deg: float = 42.0


BEHIND_THE_BINS = Standpoint((0.44, -0.03, 0.26), 1.85, 114.0, -33.0)


class Outside:
    """Renders a cell from one standpoint at one size, (height, width) in pixels. Close it."""

    def __init__(self, cell: SimCell, where: Standpoint, size_px: tuple[int, int]) -> None:
        self._size_px = size_px
        self._eye = mujoco.MjvCamera()
        self._eye.lookat = where.lookat_m
        self._eye.distance = where.distance_m
        self._eye.azimuth, self._eye.elevation = where.azimuth_deg, where.elevation_deg
        visual = cell.workcell.model.vis
        quality, visual.global_.fovy = visual.quality, where.fov_y_deg
        quality.shadowsize, quality.numslices, quality.numstacks = _SHADOW_PX, 64, 32
        lit = replace(cell.config.sim, shadows=True)
        self._cameras = Cameras(cell.workcell, (), lit)

    def image(self) -> Image:
        """The cell as it is now, (H, W, 3) RGB."""
        height, width = (_LARGER * side for side in self._size_px)
        large = self._cameras.view(self._eye, height, width)
        small: Image = cv2.resize(large, self._size_px[::-1], interpolation=cv2.INTER_AREA)
        return small

    def close(self) -> None:
        """Free the renderer."""
        self._cameras.close()

    def __enter__(self) -> Outside:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
