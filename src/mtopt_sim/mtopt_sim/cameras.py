"""What the cameras see: RGB images rendered from a cell's model.

A renderer owns an OpenGL context: create it, use it and close it in one thread.
"""

from __future__ import annotations

import atexit
import weakref
from functools import cache
from types import TracebackType

import mujoco
import numpy as np

from mtopt_core.geometry import Transform, invert, transform
from mtopt_core.observation import Image

from .config import SimConfig
from .errors import UnknownObject
from .lens import Lens
from .workcell import Workcell

_SHOWN_GROUPS = (0, 1, 2)


class Cameras:
    """The cameras of one cell."""

    def __init__(self, cell: Workcell, lenses: tuple[Lens, ...], config: SimConfig) -> None:
        self._cell = cell
        self._lenses = {lens.name: lens for lens in lenses}
        self._shadows = config.shadows
        cell.model.vis.quality.offsamples = config.samples
        self._renderers: dict[tuple[int, int], mujoco.Renderer] = {}
        self._options = mujoco.MjvOption()
        for group in range(len(self._options.geomgroup)):
            self._options.geomgroup[group] = group in _SHOWN_GROUPS

    def lens(self, name: str) -> Lens:
        """A camera's lens; raises UnknownObject."""
        try:
            return self._lenses[name]
        except KeyError:
            known = ", ".join(self._lenses)
            raise UnknownObject(f"no camera {name!r}; there are {known}") from None

    def image(self, name: str, size_px: tuple[int, int] | None = None) -> Image:
        """What a camera sees now: (H, W, 3) RGB, at its own size or at (H, W) in the same view."""
        lens = self.lens(name)
        height, width = size_px or (lens.height_px, lens.width_px)
        image = self.view(lens.name, height, width)
        return self._cell.wardrobe.developed(lens.name, image, self._cell.now_ns)

    def view(self, camera: str | mujoco.MjvCamera, height_px: int, width_px: int) -> Image:
        """An image of any size, from a named camera or a free one."""
        renderer = self._renderer(height_px, width_px)
        renderer.update_scene(self._cell.data, camera, self._options)
        flags = renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self._shadows
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        image: Image = renderer.render()
        return image

    def pose(self, name: str) -> Transform:
        """`T_base_optical`: the camera's optical frame (z forward, x right, y down)."""
        here = self._cell.data.camera(self.lens(name).name)
        flipped = here.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
        return transform(flipped, here.xpos.copy())

    def pixel(self, name: str, position_m: np.ndarray) -> np.ndarray:
        """Where a base-frame point (3,) is in a camera's image: (u, v) in pixels."""
        seen = self.lens(name).K @ (invert(self.pose(name)) @ np.append(position_m, 1.0))[:3]
        pixel: np.ndarray = seen[:2] / seen[2]
        return pixel

    def close(self) -> None:
        """Free the OpenGL contexts."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()

    def __enter__(self) -> Cameras:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _renderer(self, height_px: int, width_px: int) -> mujoco.Renderer:
        size = (height_px, width_px)
        if size not in self._renderers:
            self._renderers[size] = mujoco.Renderer(self._cell.model, height_px, width_px)
            _OPEN.add(self)
            _close_at_exit()
        return self._renderers[size]


_OPEN: weakref.WeakSet[Cameras] = weakref.WeakSet()


@cache
def _close_at_exit() -> None:
    """Free what is still open before OpenGL's library is taken apart.

    What is registered last runs first, so this must come after MuJoCo's own registration, which
    the first renderer makes.
    """
    atexit.register(_close_all)


def _close_all() -> None:
    for cameras in list(_OPEN):
        cameras.close()
