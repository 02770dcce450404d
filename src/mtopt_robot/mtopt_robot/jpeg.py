"""RGB images as JPEG bytes and back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import ImageInvalid

Image = NDArray[np.uint8]


def jpeg(image: Image, quality: int = 90) -> bytes:
    """The JPEG of an (H, W, 3) uint8 RGB image; quality 1 to 100. Raises ImageInvalid."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageInvalid(f"image is {image.dtype} {image.shape}, must be uint8 (H, W, 3)")
    if not 1 <= quality <= 100:
        raise ImageInvalid(f"JPEG quality {quality}, must be 1 to 100")
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ImageInvalid(f"image {image.shape} can't be made a JPEG")
    return data.tobytes()


def image_of(data: bytes) -> Image:
    """The (H, W, 3) uint8 RGB image of JPEG bytes. Raises ImageInvalid."""
    coded = np.frombuffer(data, np.uint8)
    bgr = cv2.imdecode(coded, cv2.IMREAD_COLOR) if coded.size else None
    if bgr is None:
        raise ImageInvalid(f"{len(data)} bytes are no JPEG")
    return rgb_of_bgr(bgr)


def rgb_of_bgr(image: NDArray) -> Image:
    """OpenCV's channel order turned into ours, in memory of its own."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
