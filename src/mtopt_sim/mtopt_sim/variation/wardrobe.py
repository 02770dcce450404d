"""Putting a look on a running cell: writes into the model's arrays between two steps.

Sizes, masses, shapes and textures are part of a cell and built into its model; all that a reset
may change is written here, each time from the values that the model was built with.
"""

from __future__ import annotations

import mujoco
import numpy as np

from mtopt_core.observation import Image
from mtopt_core.purpose import Purpose

from .draws import Values
from .film import develop
from .identity import Variation
from .look import SURFACES, Look
from .variants import turned

FINGERS = ("gripper_finger_1", "gripper_finger_2")


def mount_parts(camera: str) -> tuple[str, str]:
    """The links of a camera that move with it: its housing and its post."""
    return f"camera_{camera}", f"camera_{camera}_post"


class Wardrobe:
    """The looks of one model. `bodies` names the bodies of surfaces, fingers and cameras."""

    def __init__(
        self,
        model: mujoco.MjModel,
        variation: Variation,
        cameras: tuple[str, ...],
        objects: tuple[str, ...],
        bodies: dict[str, str],
    ) -> None:
        self.variation = variation
        self._model, self._cameras = model, cameras
        self._mounts = [
            tuple(model.body(bodies[part]).id for part in mount_parts(name)) for name in cameras
        ]
        self._surfaces = [_geoms(model, bodies[name]) for name in SURFACES]
        self._surfaces[-1] = np.array([model.geom("ground").id])
        self._objects = [_geoms(model, name) for name in objects]
        self._fingers = np.concatenate([_geoms(model, bodies[name]) for name in FINGERS])
        self._built = {name: _array(model, name).copy() for name in _WRITTEN}
        self._built_ambient = model.vis.headlight.ambient.copy()
        self.look = variation.look(variation.purpose.own(0), len(cameras), len(objects))
        self._film_seed = 0

    def wear(self, seed: int) -> None:
        """The look of a reset; raises ReservedForEvaluation or NotReserved."""
        self.look = self.variation.look(seed, len(self._cameras), len(self._objects))
        self._film_seed = seed
        if self.variation.idle:
            return
        self._set_light(self.look)
        self._set_colours(self.look)
        self._set_cameras(self.look)
        self._set_physics(self.look)

    def developed(self, camera: str, image: Image, stamp_ns: int) -> Image:
        """A rendered image as this cell's camera gives it at a moment."""
        if self.variation.idle:
            return image
        index, purpose = self._cameras.index(camera), Purpose.TRAINING
        seed = purpose.seed("film", camera, self._film_seed, stamp_ns)
        return develop(image, self.look.channel_gain[index], self.look.noise, seed)

    @property
    def delay_ns(self) -> int:
        """How long after its arrival a trajectory is begun."""
        return round(self.look.delay_s * 1e9)

    # -- inside -------------------------------------------------------------------------------

    def _set_light(self, look: Look) -> None:
        model, built = self._model, self._built
        for lamp, (tilt, strength) in enumerate(
            zip(look.lamp_tilt_rad, look.lamp_strength, strict=True)
        ):
            model.light_dir[lamp] = _tilted(built["light_dir"][lamp], tilt)
            colour = built["light_diffuse"][lamp] * strength * look.lamp_colour
            model.light_diffuse[lamp] = np.clip(colour, 0.0, 1.0)
        ambient = self._built_ambient * look.ambient * look.lamp_colour
        model.vis.headlight.ambient = np.clip(ambient, 0.0, 1.0)

    def _set_colours(self, look: Look) -> None:
        rgba, built = self._model.geom_rgba, self._built["geom_rgba"]
        for geoms, factor in zip(self._surfaces, look.surface_colour, strict=True):
            rgba[geoms, :3] = np.clip(built[geoms, :3] * factor, 0.0, 1.0)
        for geoms, hue, light in zip(
            self._objects, look.object_hue, look.object_brightness, strict=True
        ):
            for geom in geoms:
                red, green, blue = (float(part) for part in built[geom, :3])
                rgba[geom, :3] = turned((red, green, blue), float(hue), float(light))

    def _set_cameras(self, look: Look) -> None:
        """The camera with its housing and its post, so that none comes to stand in its view."""
        model, built = self._model, self._built
        for (camera, post), shift, turn_rad in zip(
            self._mounts, look.camera_shift_m, look.camera_turn_rad, strict=True
        ):
            for body in (camera, post):
                model.body_pos[body] = built["body_pos"][body] + shift
            turn, quat = quaternion_of(turn_rad), np.empty(4)
            mujoco.mju_mulQuat(quat, built["body_quat"][camera], turn)
            model.body_quat[camera] = quat

    def _set_physics(self, look: Look) -> None:
        model, built = self._model, self._built
        for geoms, rough in zip(self._objects, look.object_friction, strict=True):
            model.geom_friction[geoms] = built["geom_friction"][geoms] * rough
        fingers = self._fingers
        model.geom_friction[fingers] = built["geom_friction"][fingers] * look.finger_friction
        for name in ("actuator_gainprm", "actuator_biasprm"):
            _array(model, name)[:] = built[name] * look.drive_gain


_WRITTEN = (
    "light_dir",
    "light_diffuse",
    "geom_rgba",
    "geom_friction",
    "body_pos",
    "body_quat",
    "actuator_gainprm",
    "actuator_biasprm",
)


def _array(model: mujoco.MjModel, name: str) -> Values:
    array: Values = getattr(model, name)
    return array


def _geoms(model: mujoco.MjModel, body: str) -> np.ndarray:
    return np.flatnonzero(model.geom_bodyid == model.body(body).id)


def _tilted(direction: Values, tilt_rad: Values) -> Values:
    """A unit vector turned about two axes across it."""
    side = np.cross(direction, [1.0, 0.0, 0.0] if abs(direction[0]) < 0.9 else [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    axis = tilt_rad[0] * side + tilt_rad[1] * np.cross(direction, side)
    turned = np.empty(3)
    mujoco.mju_rotVecQuat(turned, direction, quaternion_of(axis))
    return turned


def quaternion_of(turn_rad: Values) -> Values:
    """(w, x, y, z) of a turn (3,) about its own direction by its length."""
    turn = np.array([1.0, 0.0, 0.0, 0.0])
    angle = float(np.linalg.norm(turn_rad))
    if angle:
        mujoco.mju_axisAngle2Quat(turn, turn_rad / angle, angle)
    return turn
