"""Object variants: other shapes and colours of each kind, some of them kept for evaluation.

A variant replaces a kind under the kind's own name and category. What training may see and what
is kept apart is written here once; `served` is the only way to a variant.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mtopt_core.errors import ReservedForEvaluation
from mtopt_core.purpose import Purpose

from ..errors import UnknownObject
from ..objects import (
    BLUE,
    BROWN,
    CARDBOARD,
    COLA,
    GREEN,
    KINDS,
    ORANGE,
    PURPLE,
    SAUSAGE,
    TOMATO,
    YELLOW,
    Colour,
    Kind,
    Part,
    Vector3,
)

STANDARD = "standard"


class Shelf(StrEnum):
    """Where the variants of a scene are taken from.

    STANDARD: the one of each kind that everybody knows. TRAINING: that one and what training may
    see besides. RESERVED: what only an evaluation may see.
    """

    STANDARD = "standard"
    TRAINING = "training"
    RESERVED = "reserved"


@dataclass(frozen=True)
class Variant:
    """One make of a kind."""

    name: str
    kind: Kind
    reserved: bool = False


def served(kind: str, shelf: Shelf, purpose: Purpose) -> tuple[Variant, ...]:
    """The variants of a kind on a shelf, never empty.

    Raises UnknownObject, and ReservedForEvaluation where training reaches for the reserved ones.
    """
    if shelf is Shelf.RESERVED and purpose is not Purpose.EVALUATION:
        raise ReservedForEvaluation(f"the reserved variants of {kind!r} are kept for evaluation")
    try:
        known = VARIANTS[kind]
    except KeyError:
        raise UnknownObject(f"no object {kind!r}; there are {', '.join(VARIANTS)}") from None
    if shelf is Shelf.STANDARD:
        return known[:1]
    return tuple(v for v in known if v.reserved is (shelf is Shelf.RESERVED))


def variant(kind: str, name: str, purpose: Purpose) -> Variant:
    """A variant by name; raises UnknownObject, and ReservedForEvaluation for training."""
    for known in VARIANTS.get(kind, ()):
        if known.name == name:
            if known.reserved and purpose is not Purpose.EVALUATION:
                raise ReservedForEvaluation(f"{kind} {name!r} is kept for evaluation")
            return known
    names = ", ".join(v.name for v in VARIANTS.get(kind, ()))
    raise UnknownObject(f"no {kind} {name!r}; there are {names or 'none of that kind'}")


# -- making one kind out of another ---------------------------------------------------------------


def resized(kind: Kind, factor: float) -> Kind:
    """The kind larger or smaller as a whole, its density kept."""
    parts = tuple(
        replace(part, size=tuple(factor * s for s in part.size), at=_times(part.at, factor))
        for part in kind.parts
    )
    return replace(kind, mass_kg=kind.mass_kg * factor**3, parts=parts)


def turned(colour: Colour, hue_turn: float, brightness: float) -> Colour:
    """A colour moved by a share of the colour circle, its value times a factor, within [0, 1]."""
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    value = min(1.0, max(0.0, value * brightness))
    return colorsys.hsv_to_rgb((hue + hue_turn) % 1.0, saturation, value)


def _recoloured(kind: Kind, colours: Mapping[Colour, Colour]) -> Kind:
    return _painted(kind, lambda colour: colours.get(colour, colour))


def _painted(kind: Kind, paint: Callable[[Colour], Colour]) -> Kind:
    parts = tuple(replace(part, colour=paint(part.colour)) for part in kind.parts)
    return replace(kind, parts=parts)


def _stretched(kind: Kind, along: float, girth: float) -> Kind:
    """Longer or shorter along its own long axis (x, upright ones z), thicker or thinner across."""
    upright = kind.name in _UPRIGHT
    way = (girth, girth, along) if upright else (along, girth, girth)
    parts = tuple(_part_stretched(part, way, upright) for part in kind.parts)
    return replace(kind, mass_kg=kind.mass_kg * along * girth**2, parts=parts)


def _part_stretched(part: Part, way: Vector3, upright: bool) -> Part:
    at = (part.at[0] * way[0], part.at[1] * way[1], part.at[2] * way[2])
    if part.shape in ("capsule", "cylinder"):
        lengthwise = way[2] if upright else way[0]
        size: tuple[float, ...] = (part.size[0] * way[1], part.size[1] * lengthwise)
    elif part.shape == "sphere":
        size = (part.size[0] * way[1],)
    else:
        size = tuple(half * factor for half, factor in zip(part.size, way, strict=True))
    return replace(part, size=size, at=at)


def _times(point: Vector3, factor: float) -> Vector3:
    return (point[0] * factor, point[1] * factor, point[2] * factor)


# -- what there is --------------------------------------------------------------------------------

_UPRIGHT = frozenset({"bottle", "milk", "can", "transparent_bottle"})
_AMBER = (0.36, 0.17, 0.05)
_CLEAR_BLUE = (0.12, 0.32, 0.62)
_UNRIPE = (0.62, 0.74, 0.18)
_OVERRIPE = (0.70, 0.52, 0.10)
_PALE = (0.86, 0.58, 0.45)
_SMOKED = (0.42, 0.13, 0.12)
_MINT = (0.16, 0.66, 0.52)
_BERRY = (0.82, 0.24, 0.46)
_GIFT = (0.64, 0.16, 0.20)
_SLATE = (0.36, 0.42, 0.52)
_LIME = (0.30, 0.72, 0.12)
_NIGHT = (0.10, 0.12, 0.34)
_VIOLET = (0.42, 0.16, 0.52)
_STRAW = (0.93, 0.80, 0.42)


# (along, girth) and new colours of each make; the last of a kind is kept for evaluation.
_Make = tuple[str, float, float, Mapping[Colour, Colour]]
_MAKES: dict[str, tuple[_Make, ...]] = {
    "banana": (
        ("unripe", 0.92, 0.95, {YELLOW: _UNRIPE}),
        ("large", 1.10, 1.08, {}),
        ("overripe", 1.04, 0.92, {YELLOW: _OVERRIPE}),
    ),
    "bottle": (
        ("brown", 1.00, 1.00, {GREEN: _AMBER}),
        ("stubby", 0.84, 1.10, {}),
        ("blue", 1.10, 0.92, {GREEN: _CLEAR_BLUE}),
    ),
    "sausage": (
        ("pale", 0.90, 1.05, {SAUSAGE: _PALE}),
        ("long", 1.15, 0.92, {}),
        ("smoked", 1.06, 1.10, {SAUSAGE: _SMOKED}),
    ),
    "milk": (
        ("mint", 1.00, 1.00, {BLUE: _MINT}),
        ("low", 0.85, 1.08, {}),
        ("berry", 1.10, 0.94, {BLUE: _BERRY}),
    ),
    "box": (
        ("slate", 0.90, 1.08, {CARDBOARD: _SLATE}),
        ("long", 1.20, 0.92, {}),
        ("gift", 0.84, 1.00, {CARDBOARD: _GIFT}),
    ),
    "can": (
        ("lime", 1.00, 1.00, {COLA: _LIME}),
        ("slim", 1.14, 0.90, {}),
        ("night", 0.86, 1.06, {COLA: _NIGHT}),
    ),
    "carrot": (
        ("short", 0.82, 1.06, {}),
        ("long", 1.16, 0.94, {}),
        ("violet", 1.06, 1.04, {ORANGE: _VIOLET}),
    ),
    "tomato": (
        ("yellow", 0.94, 0.94, {TOMATO: _STRAW}),
        ("brown", 1.04, 1.04, {TOMATO: BROWN}),
    ),
    "aubergine": (
        ("slim", 1.10, 0.90, {}),
        ("white", 0.94, 1.04, {PURPLE: _STRAW}),
    ),
    "transparent_bottle": (
        ("stubby", 0.86, 1.08, {}),
        ("slim", 1.08, 0.90, {}),
    ),
}


def _variants(kind: str) -> tuple[Variant, ...]:
    plain, makes = KINDS[kind], _MAKES[kind]
    others = (
        Variant(name, _recoloured(_stretched(plain, along, girth), colours), index == len(makes))
        for index, (name, along, girth, colours) in enumerate(makes, 1)
    )
    return (Variant(STANDARD, plain), *others)


VARIANTS: dict[str, tuple[Variant, ...]] = {kind: _variants(kind) for kind in KINDS}
