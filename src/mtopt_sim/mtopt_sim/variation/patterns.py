"""Patterns on table, bins and floor: grey textures that their colours shine through."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from .draws import Values
from .identity import Variation
from .look import SURFACES

SIZE_PX = 128
_REPEATS_PER_M = 2.5
Draw = Callable[[np.random.Generator], Values]


def add_patterns(spec: mujoco.MjSpec, variation: Variation, bodies: dict[str, str]) -> None:
    """Give the visible top of each surface its pattern; `bodies` names the body of each."""
    contrast = variation.ranges.surfaces.texture
    if not contrast:
        return
    for surface in SURFACES:
        geom = top(spec, bodies[surface])
        pixels = pattern(variation.draws().stream("pattern", surface), contrast)
        texture = spec.add_texture(
            name=f"pattern_{surface}",
            type=mujoco.mjtTexture.mjTEXTURE_2D,
            width=SIZE_PX,
            height=SIZE_PX,
            nchannel=3,
        )
        texture.data = np.repeat(pixels[..., None], 3, axis=2).tobytes()
        material = spec.add_material(
            name=f"pattern_{surface}",
            texuniform=True,
            texrepeat=(_REPEATS_PER_M, _REPEATS_PER_M),
            rgba=geom.rgba,
            specular=0.0,
        )
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
        geom.material = material.name


def top(spec: mujoco.MjSpec, body: str) -> mujoco.MjsGeom:
    """A surface's first visible geom: a bin's floor, the table's top, the ground."""
    shown = (g for g in spec.body(body).geoms if g.group != _UNSEEN and g.rgba[3] > 0.0)
    return next(shown)


_UNSEEN = 3


def pattern(rng: np.random.Generator, contrast: float) -> NDArray[np.uint8]:
    """A random grey picture (SIZE_PX, SIZE_PX), darker than white by the contrast at most."""
    draw = _DRAWS[int(rng.integers(len(_DRAWS)))]
    grey = draw(rng)
    grey = (grey - grey.min()) / max(float(np.ptp(grey)), 1e-9)
    depth = contrast * rng.uniform(0.4, 1.0)
    return np.round(255.0 * (1.0 - depth * grey)).astype(np.uint8)


def _clouds(rng: np.random.Generator) -> Values:
    """Blotches of several sizes."""
    return sum((_smooth(rng, cells) / cells for cells in (4, 8, 16)), np.zeros((SIZE_PX, SIZE_PX)))


def _grain(rng: np.random.Generator) -> Values:
    """Wood: rings that wander."""
    across = np.linspace(0.0, rng.uniform(4.0, 9.0), SIZE_PX)
    return np.sin(2.0 * np.pi * (across[:, None] + 0.7 * _smooth(rng, 4)))


def _speckle(rng: np.random.Generator) -> Values:
    """Terrazzo."""
    return (_smooth(rng, 32) > rng.uniform(0.2, 0.9)).astype(np.float64)


def _checks(rng: np.random.Generator) -> Values:
    """Tiles."""
    count = int(rng.integers(2, 7))
    steps = np.arange(SIZE_PX) * count // SIZE_PX
    return ((steps[:, None] + steps[None]) % 2).astype(np.float64)


def _smooth(rng: np.random.Generator, cells: int) -> Values:
    coarse = rng.normal(size=(cells, cells))
    smooth: Values = cv2.resize(coarse, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_CUBIC)
    return smooth


_DRAWS: tuple[Draw, ...] = (_clouds, _grain, _speckle, _checks)
