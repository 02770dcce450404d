"""The camera's image as a network wants it: the middle of it, at the network's size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from mtopt_core.config import option
from mtopt_core.observation import Image

from .errors import ImageMismatch, ManifestInvalid


@dataclass(frozen=True)
class ImageFormat:
    """Sizes as (height, width): what the camera gives, what is cut out of it, what is fed."""

    camera_px: tuple[int, int] = option(
        [512, 640], "height and width of the camera's images", unit="px", low=1, high=8192
    )
    crop_px: tuple[int, int] = option(
        [472, 472], "height and width of the part in the middle that is used",
        unit="px", low=1, high=8192,
    )  # fmt: skip
    size_px: tuple[int, int] = option(
        [472, 472], "height and width that the network is fed", unit="px", low=1, high=2048
    )

    def __post_init__(self) -> None:
        if any(cut > whole for cut, whole in zip(self.crop_px, self.camera_px, strict=True)):
            raise ManifestInvalid(
                f"crop_px {list(self.crop_px)} must fit into camera_px {list(self.camera_px)}"
            )


def prepare(image: Image, wanted: ImageFormat) -> Image:
    """The centre crop of an (H, W, 3) uint8 RGB image, resized to `size_px`.

    Raises ImageMismatch for an image that is not of `camera_px`: another camera mode shows
    another part of the scene, and no resize makes up for that.
    """
    (height, width), (cut_height, cut_width) = wanted.camera_px, wanted.crop_px
    if image.shape != (height, width, 3) or image.dtype != np.uint8:
        raise ImageMismatch(
            f"the model was trained on ({height}, {width}, 3) uint8 images, "
            f"this one is {image.shape} {image.dtype}"
        )
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    middle = image[top : top + cut_height, left : left + cut_width]
    if wanted.size_px == wanted.crop_px:
        return np.ascontiguousarray(middle)
    rows, columns = wanted.size_px
    resized: Image = cv2.resize(middle, (columns, rows), interpolation=cv2.INTER_AREA)
    return resized
