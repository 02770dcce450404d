"""How far cells and episodes may differ, from config/variation.yaml.

Every range is the furthest that a quantity may be from what the description and config/sim.yaml
say, to either side; zero leaves it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from mtopt_core.config import option, section

from .variants import Shelf

LEVELS = ("off", "mild", "strong", "own")


@dataclass(frozen=True)
class LightRanges:
    """The lamps and the light of the room."""

    direction_rad: float = option(0.0, "tilt of each lamp's direction", unit="rad", low=0, high=1)
    strength: float = option(0.0, "share by which each lamp is brighter or dimmer", low=0, high=0.9)
    colour: float = option(0.0, "share by which red, green and blue differ", low=0, high=0.5)
    ambient: float = option(0.0, "share by which the room is brighter or dimmer", low=0, high=0.9)


@dataclass(frozen=True)
class SurfaceRanges:
    """Table, bins and floor."""

    colour: float = option(0.0, "share by which red, green and blue differ", low=0, high=0.9)
    texture: float = option(0.0, "contrast of a random pattern, of full white", low=0, high=0.8)


@dataclass(frozen=True)
class CameraRanges:
    """Where cameras really are; what is known of them stays as it was."""

    position_m: float = option(0.0, "shift along each axis", unit="m", low=0, high=0.1)
    angle_rad: float = option(0.0, "turn about each axis", unit="rad", low=0, high=0.2)


@dataclass(frozen=True)
class ImageRanges:
    """What the camera makes of the light."""

    exposure: float = option(0.0, "share by which an image is brighter or darker", low=0, high=0.8)
    white_balance: float = option(0.0, "share by which each channel differs", low=0, high=0.5)
    noise: float = option(0.0, "most standard deviation of noise, of 255", low=0, high=20)


@dataclass(frozen=True)
class ObjectRanges:
    """The objects' looks and sizes, beside their variants."""

    hue: float = option(0.0, "share of the colour circle", low=0, high=0.5)
    brightness: float = option(0.0, "share by which colours are lighter or darker", low=0, high=0.8)
    size: float = option(0.0, "share by which an object is larger or smaller", low=0, high=0.15)


@dataclass(frozen=True)
class PhysicsRanges:
    """What cannot be seen."""

    mass: float = option(0.0, "share by which an object is heavier or lighter", low=0, high=0.8)
    friction: float = option(
        0.0, "share by which each thing is rougher or smoother", low=0, high=0.6
    )


@dataclass(frozen=True)
class ActuationRanges:
    """How the controllers answer."""

    delay_s: float = option(
        0.0, "longest time until a trajectory is begun", unit="s", low=0, high=0.08
    )
    gain: float = option(0.0, "share by which drives are stiffer or softer", low=0, high=0.3)


@dataclass(frozen=True)
class Ranges:
    """All ranges of a level."""

    light: LightRanges = section(LightRanges, "lamps and the light of the room")
    surfaces: SurfaceRanges = section(SurfaceRanges, "table, bins and floor")
    camera: CameraRanges = section(CameraRanges, "where cameras really are")
    image: ImageRanges = section(ImageRanges, "what a camera makes of the light")
    objects: ObjectRanges = section(ObjectRanges, "looks and sizes of objects")
    physics: PhysicsRanges = section(PhysicsRanges, "masses and friction")
    actuation: ActuationRanges = section(ActuationRanges, "how the controllers answer")
    renewed: float = option(
        0.0, "share of a range that every reset draws anew; the rest is the cell's", low=0, high=1
    )

    def only(self, groups: tuple[str, ...]) -> Ranges:
        """These ranges in some groups, nothing in the others."""
        others = (group for group in GROUPS if group not in groups)
        return replace(self, **{group: getattr(Ranges(), group) for group in others})


GROUPS = tuple(field.name for field in fields(Ranges) if field.name != "renewed")


@dataclass(frozen=True)
class VariationConfig:
    """Which ranges hold, and which variants of the objects lie in the bins."""

    level: str = option("off", "which of the ranges below hold; off: none", choices=LEVELS)
    shelf: str = option(
        Shelf.STANDARD.value,
        "variants of the objects: the standard ones, those for training, those kept for evaluation",
        choices=tuple(shelf.value for shelf in Shelf),
    )
    mild: Ranges = section(Ranges, "differences between well-kept cells")
    strong: Ranges = section(Ranges, "more than real cells differ")
    own: Ranges = section(Ranges, "whatever is wanted")

    @property
    def ranges(self) -> Ranges:
        """The ranges that hold."""
        return Ranges() if self.level == "off" else getattr(self, self.level)
