"""What is cut out of the policy image for a network, with a margin for random shifts."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtopt_core.config import option
from mtopt_core.observation import Image
from mtopt_robot.models.image import ImageFormat

from ..errors import ViewInvalid

MIDDLE, TOOL = "middle", "tool"


@dataclass(frozen=True)
class View:
    """Sizes as (height, width). Without its margin, a cut at the middle is what serving feeds.

    `at` places the cut: at the middle of the image as the paper does, or at the pixel where the
    tool is. What lies outside of the image is black.
    """

    camera_px: tuple[int, int] = option(
        [512, 640], "height and width of the camera's images", unit="px", low=1, high=8192
    )
    crop_px: tuple[int, int] = option(
        [472, 472], "height and width that are used of them", unit="px", low=1, high=8192
    )
    size_px: tuple[int, int] = option(
        [472, 472], "height and width that the network is fed", unit="px", low=1, high=2048
    )
    margin_px: int = option(
        20, "farthest random shift, of the network's image", unit="px", low=0, high=256
    )
    at: str = option(MIDDLE, "where the cut is made", choices=(MIDDLE, TOOL))

    def __post_init__(self) -> None:
        sides = zip(self.cut_px, self.crop_px, self.size_px, self.camera_px, strict=True)
        for cut, crop, fed, whole in sides:
            if (self.margin_px * crop) % fed:
                raise ViewInvalid(
                    f"margin_px = {self.margin_px}: must be whole pixels of the camera, and "
                    f"{self.crop_px} px are shrunk to {self.size_px}"
                )
            if self.at == MIDDLE and cut > whole:
                raise ViewInvalid(
                    f"crop_px = {self.crop_px} and a margin of {self.margin_px} are {self.cut_px} "
                    f"px of the camera, must fit into camera_px {self.camera_px}"
                )

    @property
    def cut_px(self) -> tuple[int, int]:
        """What is cut out of the camera's image, margins included."""
        rows, columns = (
            crop + 2 * (self.margin_px * crop // fed)
            for crop, fed in zip(self.crop_px, self.size_px, strict=True)
        )
        return rows, columns

    @property
    def kept_px(self) -> tuple[int, int]:
        """What is kept of it, margins included."""
        return self.size_px[0] + 2 * self.margin_px, self.size_px[1] + 2 * self.margin_px

    @property
    def key(self) -> str:
        """A short name; equal keys mean equal pixels."""
        text = repr(sorted(dataclasses.asdict(self).items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def image_format(self) -> ImageFormat:
        """The same as a model bundle says it; raises ViewInvalid for a cut it cannot say."""
        if self.at != MIDDLE:
            raise ViewInvalid(f"at = {self.at!r}: a model bundle's image is cut at the {MIDDLE}")
        return ImageFormat(self.camera_px, self.crop_px, self.size_px)

    def cut(self, image: Image, tool_px: NDArray[np.float64]) -> Image:
        """The part that is kept, (kept_px, 3), of a camera's image.

        `tool_px` is (u, v), right and down. Raises ViewInvalid for an image of another size.
        """
        if image.shape != (*self.camera_px, 3) or image.dtype != np.uint8:
            raise ViewInvalid(
                f"image is {image.dtype} {image.shape}, must be uint8 {(*self.camera_px, 3)}"
            )
        rows, columns = self.cut_px
        if self.at == TOOL:
            top, left = round(tool_px[1] - rows / 2), round(tool_px[0] - columns / 2)
        else:
            top, left = (self.camera_px[0] - rows) // 2, (self.camera_px[1] - columns) // 2
        part = _window(image, top, left, rows, columns)
        if self.kept_px == self.cut_px:
            return part
        size = self.kept_px[1], self.kept_px[0]
        shrunk: Image = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        return shrunk


def _window(image: Image, top: int, left: int, rows: int, columns: int) -> Image:
    """A part of an image in memory of its own, black where it reaches out of it."""
    part = np.zeros((rows, columns, 3), dtype=np.uint8)
    inside = [
        slice(max(0, begin), max(0, min(whole, begin + count)))
        for begin, count, whole in ((top, rows, image.shape[0]), (left, columns, image.shape[1]))
    ]
    seen = image[inside[0], inside[1]]
    if seen.size:
        row, column = inside[0].start - top, inside[1].start - left
        part[row : row + seen.shape[0], column : column + seen.shape[1]] = seen
    return part
