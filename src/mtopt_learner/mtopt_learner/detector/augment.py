"""How training images are distorted: cropped, turned, brightened, and with shadows on them.

Pure functions of an image and plain numbers; `draw` makes the numbers from a generator. A view's
distortion is its own: cameras move, and shadows fall, each for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtopt_core.config import option
from mtopt_core.observation import Image

_CORNERS = 5  # of a shadow


@dataclass(frozen=True)
class AugmentConfig:
    """The furthest that an image may be changed, to either side."""

    turn_rad: float = option(0.06, "turn about the middle", unit="rad", low=0.0, high=3.2)
    zoom: float = option(0.06, "share by which it is larger or smaller", low=0.0, high=0.5)
    brightness: float = option(0.4, "share by which it is brighter or darker", low=0.0, high=0.9)
    colour: float = option(0.12, "share by which each channel differs", low=0.0, high=0.5)
    shadows: int = option(2, "most shadows on an image", low=0, high=10)
    shadow: float = option(0.6, "share of the light that a shadow takes at most", low=0.0, high=1.0)


@dataclass(frozen=True, eq=False)
class Distortion:
    """Shift (2,) in pixels, rows and columns, of the cut within the kept image; turn in radians;
    zoom factor; gain (3,) of the channels; shadows as polygons (K, 2) of x, y in shares of the
    image, each with the share of light it leaves.
    """

    shift_px: tuple[float, float] = (0.0, 0.0)
    turn_rad: float = 0.0
    zoom: float = 1.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shadows: tuple[tuple[NDArray[np.float64], float], ...] = ()


def draw(config: AugmentConfig, margin_px: int, rng: np.random.Generator) -> Distortion:
    """A random distortion; the same for the same state of the generator."""
    either = rng.uniform(-1.0, 1.0, size=8)
    light = 1.0 + config.brightness * either[4]
    gain = light * (1.0 + config.colour * either[5:8])
    count = int(rng.integers(config.shadows + 1))
    return Distortion(
        (float(margin_px * either[0]), float(margin_px * either[1])),
        float(config.turn_rad * either[2]),
        float(1.0 + config.zoom * either[3]),
        (float(gain[0]), float(gain[1]), float(gain[2])),
        tuple(_shadow(config, rng) for _ in range(count)),
    )


def distorted(image: Image, how: Distortion, size_px: tuple[int, int]) -> Image:
    """The part (H, W, 3) of a kept image, distorted."""
    seen = brightened(cut(image, size_px, how.shift_px, how.turn_rad, how.zoom), how.gain)
    for corners, left in how.shadows:
        seen = shaded(seen, corners, left)
    return seen


def cut(
    image: Image,
    size_px: tuple[int, int],
    shift_px: tuple[float, float] = (0.0, 0.0),
    turn_rad: float = 0.0,
    zoom: float = 1.0,
) -> Image:
    """The part (H, W, 3) around the middle, moved down and right, turned and zoomed about it.

    What lies outside of the image repeats its edge.
    """
    rows, columns = size_px
    # The middles of both images as coordinates of pixel centres, x before y.
    here = np.array([(columns - 1) / 2.0, (rows - 1) / 2.0])
    there = np.array([(image.shape[1] - 1) / 2.0, (image.shape[0] - 1) / 2.0]) + shift_px[::-1]
    cos, sin = np.cos(turn_rad) / zoom, np.sin(turn_rad) / zoom
    turn = np.array([[cos, -sin], [sin, cos]])
    way = np.column_stack([turn, there - turn @ here])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found: Image = cv2.warpAffine(
        image, way, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return found


def brightened(image: Image, gain: tuple[float, float, float]) -> Image:
    """Each channel times its gain, at most white."""
    curve = np.clip(np.round(np.arange(256.0)[:, None] * np.asarray(gain)), 0.0, 255.0)
    found: Image = cv2.LUT(image, curve.astype(np.uint8)[None])
    return found


def shaded(image: Image, corners: NDArray[np.float64], left: float) -> Image:
    """The image with a share of its light left within a polygon (K, 2) of x, y in shares."""
    rows, columns = image.shape[:2]
    points = np.round(corners * (columns, rows)).astype(np.int32)
    mask = cv2.fillPoly(np.zeros((rows, columns), np.uint8), [points], 1).astype(bool)
    found = image.copy()
    found[mask] = np.round(image[mask] * left).astype(np.uint8)
    return found


def _shadow(config: AugmentConfig, rng: np.random.Generator) -> tuple[NDArray[np.float64], float]:
    """A random polygon about a random middle, and the share of light that it leaves."""
    middle, radius = rng.uniform(0.0, 1.0, size=2), rng.uniform(0.1, 0.5)
    angles = np.sort(rng.uniform(0.0, 2.0 * np.pi, size=_CORNERS))
    reach = radius * rng.uniform(0.4, 1.0, size=_CORNERS)
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
    return middle + around, 1.0 - config.shadow * float(rng.uniform(0.0, 1.0))
