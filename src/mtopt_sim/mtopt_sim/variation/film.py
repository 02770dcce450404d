"""What a camera makes of a rendered image: exposure, white balance, noise."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mtopt_core.observation import Image

_TILE_PX = 256
_TILE_LEVELS = 24.0  # a standard deviation in the stored tile


def develop(image: Image, channel_gain: NDArray[np.float64], noise: float, seed: int) -> Image:
    """The image (H, W, 3) with each channel's gain and noise of a standard deviation of 255.

    The same seed gives the same noise.
    """
    if np.any(channel_gain != 1.0):
        curve = np.clip(np.arange(256.0)[:, None] * channel_gain, 0.0, 255.0)
        image = cv2.LUT(image, np.round(curve).astype(np.uint8)[None])
    if noise > 0.0:
        image = cv2.add(image, _noise(image.shape[:2], noise, seed), dtype=cv2.CV_8U)
    return image


def _noise(size_px: tuple[int, int], noise: float, seed: int) -> NDArray[np.int8]:
    """Noise (H, W, 3): one tile, repeated from a random corner on."""
    tile = _tile(round(noise * 64.0))
    corner = np.random.default_rng(seed).integers(_TILE_PX, size=2)
    height, width = size_px
    repeats = (-(-height // _TILE_PX) + 1, -(-width // _TILE_PX) + 1, 1)
    row, column = corner
    return np.tile(tile, repeats)[row : row + height, column : column + width]


@lru_cache(maxsize=16)
def _tile(noise_64: int) -> NDArray[np.int8]:
    """A tile of a standard deviation in 64ths of a grey level."""
    return np.clip(np.round(_unit() * noise_64 / 64.0 / _TILE_LEVELS), -127, 127).astype(np.int8)


@lru_cache(maxsize=1)
def _unit() -> NDArray[np.float32]:
    draws = np.random.default_rng(0).normal(size=(_TILE_PX, _TILE_PX, 3))
    return np.asarray(_TILE_LEVELS * draws, dtype=np.float32)
