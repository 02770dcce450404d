"""What was drawn for a cell at one reset, as plain numbers; a pure function of seed and ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .config import Ranges
from .draws import Draws, Values

LAMPS = 2
SURFACES = ("table", "bin_left", "bin_right", "ground")


@dataclass(frozen=True, eq=False)
class Look:
    """Factors are 1 and offsets 0 where nothing is varied.

    Lamps: tilt (2, 2) rad about two axes across each direction, strength (2,), colour (3,);
    ambient. Surfaces: colour factors (4, 3). Cameras: shift (C, 3) m along the base axes and
    turn (C, 3) rad about the camera's own, gain (C, 3) of the channels, noise in grey levels.
    Objects: hue (N,) in turns, brightness (N,), friction (N,); friction of the fingers. Delay
    in seconds; gain of the drives.
    """

    lamp_tilt_rad: Values
    lamp_strength: Values
    lamp_colour: Values
    ambient: float
    surface_colour: Values
    camera_shift_m: Values
    camera_turn_rad: Values
    channel_gain: Values
    noise: float
    object_hue: Values
    object_brightness: Values
    object_friction: Values
    finger_friction: float
    delay_s: float
    drive_gain: float


def look(ranges: Ranges, draws: Draws, cameras: int, objects: int) -> Look:
    """Everything that can change while a cell runs."""
    light, image = ranges.light, ranges.image
    passing, lasting = draws.passing, draws.lasting
    exposure = 1.0 + image.exposure * passing("exposure", cameras, 1)
    return Look(
        lamp_tilt_rad=light.direction_rad / np.sqrt(2.0) * passing("lamp tilt", LAMPS, 2),
        lamp_strength=1.0 + light.strength * passing("lamp strength", LAMPS),
        lamp_colour=1.0 + light.colour * passing("lamp colour", 3),
        ambient=1.0 + light.ambient * float(passing("ambient", 1)[0]),
        surface_colour=1.0 + ranges.surfaces.colour * lasting("surface", len(SURFACES), 3),
        camera_shift_m=ranges.camera.position_m * lasting("camera shift", cameras, 3),
        camera_turn_rad=ranges.camera.angle_rad * lasting("camera turn", cameras, 3),
        channel_gain=exposure * (1.0 + image.white_balance * passing("white balance", cameras, 3)),
        noise=image.noise * float(0.5 + 0.5 * passing("noise", 1)[0]),
        object_hue=ranges.objects.hue * passing("hue", objects),
        object_brightness=1.0 + ranges.objects.brightness * passing("brightness", objects),
        object_friction=1.0 + ranges.physics.friction * passing("friction", objects),
        finger_friction=1.0 + ranges.physics.friction * float(passing("grip", 1)[0]),
        delay_s=ranges.actuation.delay_s * float(0.5 + 0.5 * passing("delay", 1)[0]),
        drive_gain=1.0 + ranges.actuation.gain * float(passing("gain", 1)[0]),
    )
