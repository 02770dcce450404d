"""What the cameras see: RGB images rendered from a cell's model.

A renderer owns an OpenGL context: create it, use it and close it in one thread.
"""

from __future__ import annotations

import atexit
import math
import weakref
from functools import cache
from types import TracebackType

import mujoco
import numpy as np

from mtopt_core.geometry import Transform, invert, transform
from mtopt_core.observation import Image

from .config import SimConfig
from .errors import UnknownObject
from .frustum import Frustum
from .lens import Lens
from .workcell import Workcell

_SHOWN_GROUPS = (0, 1, 2)
_UNSEEN_GROUP = 5


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
        self.draw = self._draw
        self._floors = np.flatnonzero(cell.model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE)

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
        return self.draw(camera, height_px, width_px)

    def _draw(self, camera: str | mujoco.MjvCamera, height_px: int, width_px: int) -> Image:
        renderer = self._renderer(height_px, width_px)
        sky = True
        if isinstance(camera, str):
            sky = self._show_what_is_seen(renderer, camera, height_px, width_px)
        else:
            renderer.update_scene(self._cell.data, camera, self._options)
        flags = renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self._shadows
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = sky
        image: Image = renderer.render()
        return image

    def pose(self, name: str) -> Transform:
        """`T_base_optical`: the camera's optical frame (z forward, x right, y down)."""
        return _optical_pose(self._cell.data, self.lens(name).name)

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

    def _show_what_is_seen(
        self, renderer: mujoco.Renderer, camera: str, height_px: int, width_px: int
    ) -> bool:
        """Lay out a scene without what is out of view; whether there is sky in it."""
        model, data = self._cell.model, self._cell.data
        fov_y_rad = math.radians(model.camera(camera).fovy[0])
        eye = Frustum(_optical_pose(data, camera), fov_y_rad, height_px, width_px)
        groups = model.geom_group.copy()
        if not self._shadows:  # a shadow may fall into the view from outside of it
            model.geom_group[~eye.sees(data.geom_xpos, model.geom_rbound)] = _UNSEEN_GROUP
        self._lay_out(renderer.scene, camera)
        model.geom_group[:] = groups
        return not any(eye.covers(data.geom_xpos[g], model.geom_size[g, :2]) for g in self._floors)

    def _lay_out(self, scene: mujoco.MjvScene, camera: str) -> None:
        """What stands still goes last: most of it is hidden by then and costs nothing."""
        model, data = self._cell.model, self._cell.data
        eye, none = mujoco.MjvCamera(), mujoco.MjvPerturb()
        eye.type, eye.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, model.camera(camera).id
        moving, still = mujoco.mjtCatBit.mjCAT_DYNAMIC, mujoco.mjtCatBit.mjCAT_STATIC
        mujoco.mjv_updateScene(model, data, self._options, none, eye, moving, scene)
        mujoco.mjv_addGeoms(model, data, self._options, none, still, scene)

    def _renderer(self, height_px: int, width_px: int) -> mujoco.Renderer:
        size = (height_px, width_px)
        if size not in self._renderers:
            # No larger than the image: the whole buffer is cleared every time.
            visual = self._cell.model.vis.global_
            visual.offheight, visual.offwidth = size
            self._renderers[size] = mujoco.Renderer(self._cell.model, height_px, width_px)
            _OPEN.add(self)
            _close_at_exit()
        return self._renderers[size]


def _optical_pose(data: mujoco.MjData, camera: str) -> Transform:
    here = data.camera(camera)
    flipped = here.xmat.reshape(3, 3) @ np.diag([1.0, -1.0, -1.0])
    return transform(flipped, here.xpos.copy())


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
