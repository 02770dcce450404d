"""The things in the bins: toy food as compounds of primitives.

Every kind has a side of 3 to 5.5 cm that the gripper (7 cm) can close on. The shapes that
collide are few and simple; the others are paint. A kind's own frame has its origin near the
centre of mass; long things lie along x, upright ones along z.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

from .errors import UnknownObject

_NUMBER = re.compile(r"_\d+$")

Vector3 = tuple[float, float, float]
Colour = tuple[float, float, float]

YELLOW = (0.98, 0.82, 0.10)
BROWN = (0.33, 0.20, 0.09)
GREEN = (0.07, 0.47, 0.20)
LEAF = (0.22, 0.58, 0.16)
WHITE = (0.95, 0.95, 0.93)
BLUE = (0.10, 0.30, 0.78)
SAUSAGE = (0.62, 0.20, 0.13)
CARDBOARD = (0.80, 0.60, 0.36)
TAPE = (0.55, 0.36, 0.16)
COLA = (0.83, 0.05, 0.09)
TIN = (0.80, 0.81, 0.83)
ORANGE = (0.96, 0.45, 0.05)
TOMATO = (0.90, 0.14, 0.09)
PURPLE = (0.30, 0.09, 0.36)
CLEAR = (0.80, 0.90, 0.94)


@dataclass(frozen=True)
class Part:
    """One primitive in its object's frame.

    `size` as MuJoCo has it (metres): sphere (r), capsule and cylinder (r, half length along z),
    box and ellipsoid (half sides). `euler` turns about the object's x, then y, then z, in radians.
    `alpha` is 1 where nothing shines through.
    """

    shape: str
    size: tuple[float, ...]
    colour: Colour
    at: Vector3 = (0.0, 0.0, 0.0)
    euler: Vector3 = (0.0, 0.0, 0.0)
    solid: bool = True
    alpha: float = 1.0


@dataclass(frozen=True)
class Kind:
    """A kind of object: its category for the task rules (its name), its weight and its parts."""

    name: str
    mass_kg: float
    parts: tuple[Part, ...] = field(repr=False)


def kind_name(name: str) -> str:
    """The kind of an object from the object's own name: "can_2" is a can."""
    return _NUMBER.sub("", name)


def kind(name: str) -> Kind:
    """The kind of a name; raises UnknownObject with those that exist."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownObject(f"no object {name!r}; there are {', '.join(KINDS)}") from None


ALONG_X = (0.0, math.pi / 2, 0.0)


def _arc(radius: float, tube: tuple[float, ...], bend: float, colour: Colour) -> list[Part]:
    """Capsules along an arc in the xy plane, one per entry of `tube` (their radii)."""
    parts = []
    step = bend / len(tube)
    half = radius * math.sin(step / 2)
    sag = radius * (1.0 + math.cos(bend / 2)) / 2.0
    for index, thickness in enumerate(tube):
        angle = (index - (len(tube) - 1) / 2) * step
        at = (radius * math.sin(angle), radius * math.cos(angle) - sag, 0.0)
        parts.append(Part("capsule", (thickness, half), colour, at, (0.0, math.pi / 2, -angle)))
    return parts


def _banana() -> list[Part]:
    parts = _arc(0.075, (0.0135, 0.0175, 0.0175, 0.0135), 1.5, YELLOW)
    tips = [
        Part("sphere", (0.0075,), BROWN, (side * 0.0635, -0.0195, 0.0), solid=False)
        for side in (-1.0, 1.0)
    ]
    return parts + tips


def _bottle() -> list[Part]:
    return [
        Part("cylinder", (0.024, 0.040), GREEN, (0.0, 0.0, -0.012)),
        Part("ellipsoid", (0.0235, 0.0235, 0.018), GREEN, (0.0, 0.0, 0.028), solid=False),
        Part("cylinder", (0.0245, 0.018), WHITE, (0.0, 0.0, -0.016), solid=False),
        Part("cylinder", (0.0247, 0.004), LEAF, (0.0, 0.0, -0.016), solid=False),
        Part("cylinder", (0.0105, 0.018), GREEN, (0.0, 0.0, 0.046)),
        Part("cylinder", (0.0130, 0.007), WHITE, (0.0, 0.0, 0.061), solid=False),
    ]


def _transparent_bottle() -> list[Part]:
    """The bottle without a label, in clear plastic; only its cap is not."""
    clear = [replace(part, colour=CLEAR, alpha=0.32) for part in _bottle() if part.colour == GREEN]
    cap = Part("cylinder", (0.0130, 0.007), BLUE, (0.0, 0.0, 0.061), solid=False)
    return [*clear, cap]


def _sausage() -> list[Part]:
    parts = _arc(0.115, (0.0165, 0.0165, 0.0165), 0.75, SAUSAGE)
    knots = [
        Part("sphere", (0.006,), BROWN, (side * 0.057, -0.007, 0.0), solid=False)
        for side in (-1.0, 1.0)
    ]
    return parts + knots


def _milk() -> list[Part]:
    return [
        Part("box", (0.023, 0.023, 0.034), WHITE, (0.0, 0.0, -0.008)),
        Part("box", (0.0233, 0.0233, 0.013), BLUE, (0.0, 0.0, -0.022), solid=False),
        Part("box", (0.0232, 0.0232, 0.003), BLUE, (0.0, 0.0, 0.018), solid=False),
        Part("box", (0.0229, 0.0162, 0.0162), WHITE, (0.0, 0.0, 0.026), (math.pi / 4, 0.0, 0.0)),
        Part("box", (0.0229, 0.0018, 0.006), BLUE, (0.0, 0.0, 0.052), solid=False),
    ]


def _box() -> list[Part]:
    return [
        Part("box", (0.029, 0.021, 0.018), CARDBOARD),
        Part("box", (0.0293, 0.0045, 0.0183), TAPE, solid=False),
        Part("box", (0.008, 0.0213, 0.009), WHITE, (0.016, 0.0, 0.003), solid=False),
    ]


def _can() -> list[Part]:
    return [
        Part("cylinder", (0.0255, 0.034), COLA),
        Part("cylinder", (0.0257, 0.007), WHITE, solid=False),
        Part("cylinder", (0.0235, 0.0352), TIN, solid=False),
    ]


def _carrot() -> list[Part]:
    root = [
        Part("capsule", (0.0175, 0.010), ORANGE, (0.026, 0.0, 0.0), ALONG_X),
        Part("capsule", (0.0150, 0.012), ORANGE, (0.004, 0.0, -0.0025), ALONG_X),
        Part("capsule", (0.0110, 0.016), ORANGE, (-0.026, 0.0, -0.0060), ALONG_X),
        Part("capsule", (0.0065, 0.008), ORANGE, (-0.048, 0.0, -0.0095), ALONG_X, solid=False),
    ]
    leaves = [
        Part(
            "capsule",
            (0.0048, 0.015),
            LEAF,
            (0.060, offset, 0.0),
            (0.0, math.pi / 2, turn),
            solid=turn == 0.0,
        )
        for offset, turn in ((0.0, 0.0), (0.008, 0.5), (-0.008, -0.5))
    ]
    return root + leaves


def _tomato() -> list[Part]:
    star = [
        Part(
            "ellipsoid",
            (0.013, 0.0035, 0.002),
            LEAF,
            (0.0, 0.0, 0.0235),
            (0.0, 0.0, turn),
            solid=False,
        )
        for turn in (0.0, math.pi / 3, -math.pi / 3)
    ]
    return [
        Part("ellipsoid", (0.027, 0.027, 0.0235), TOMATO),
        *star,
        Part("capsule", (0.002, 0.004), LEAF, (0.0, 0.0, 0.027), solid=False),
    ]


def _aubergine() -> list[Part]:
    return [
        Part("sphere", (0.0225,), PURPLE, (-0.024, 0.0, 0.0)),
        Part("capsule", (0.0185, 0.018), PURPLE, (0.006, 0.0, -0.003), ALONG_X),
        Part("sphere", (0.0165,), LEAF, (0.0300, 0.0, -0.003), solid=False),
        Part("capsule", (0.0045, 0.009), LEAF, (0.050, 0.0, -0.003), ALONG_X),
    ]


KINDS: dict[str, Kind] = {
    name: Kind(name, mass_kg, tuple(parts))
    for name, mass_kg, parts in (
        ("banana", 0.060, _banana()),
        ("bottle", 0.070, _bottle()),
        ("sausage", 0.055, _sausage()),
        ("milk", 0.065, _milk()),
        ("box", 0.050, _box()),
        ("can", 0.060, _can()),
        ("carrot", 0.050, _carrot()),
        ("tomato", 0.055, _tomato()),
        ("aubergine", 0.065, _aubergine()),
        ("transparent_bottle", 0.055, _transparent_bottle()),
    )
}
