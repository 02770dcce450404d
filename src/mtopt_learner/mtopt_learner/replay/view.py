"""What is cut out of the policy image for a network, with a margin for random shifts."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtopt_core.config import option
from mtopt_core.geometry import Transform
from mtopt_core.observation import Image
from mtopt_robot.models.errors import CameraUnknown, ImageMismatch
from mtopt_robot.models.image import MIDDLE, TOOL, ImageFormat, prepare

from ..errors import ViewInvalid


@dataclass(frozen=True)
class View:
    """Sizes as (height, width). Without its margin, a cut is what serving feeds.

    `at` says what is shown: the middle of the image as in the paper, or the scene around the tool
    drawn to scale, where `crop_px` says nothing. What lies outside of the image is black.
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
    at: str = option(
        MIDDLE, "what is shown: the middle of the image, or the scene around the tool",
        choices=(MIDDLE, TOOL),
    )  # fmt: skip
    m_per_px: float = option(
        0.0035, "length of a pixel, around the tool", unit="m", low=0.0005, high=0.05
    )
    plane_z_m: float = option(
        0.04, "height of the plane that is drawn to scale, base frame", unit="m", low=-1.0, high=1.0
    )

    def __post_init__(self) -> None:
        if self.posed:
            return
        sides = zip(self.cut_px, self.crop_px, self.size_px, self.camera_px, strict=True)
        for cut, crop, fed, whole in sides:
            if (self.margin_px * crop) % fed:
                raise ViewInvalid(
                    f"margin_px = {self.margin_px}: must be whole pixels of the camera, and "
                    f"{self.crop_px} px are shrunk to {self.size_px}"
                )
            if cut > whole:
                raise ViewInvalid(
                    f"crop_px = {self.crop_px} and a margin of {self.margin_px} are {self.cut_px} "
                    f"px of the camera, must fit into camera_px {self.camera_px}"
                )

    @property
    def posed(self) -> bool:
        """Whether a cut takes the camera's calibration and the tool's pose."""
        return self.at == TOOL

    @property
    def reach_m(self) -> float:
        """How far from the tool it shows everything, ahead and beside; around the tool alone."""
        return min(self.size_px) / 2.0 * self.m_per_px

    @property
    def cut_px(self) -> tuple[int, int]:
        """What is cut out of the camera's image in its middle, margins included."""
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
        """The same as a model bundle says it."""
        return ImageFormat(
            self.camera_px, self.crop_px, self.size_px, self.at, self.m_per_px, self.plane_z_m
        )

    def cut(
        self,
        image: Image,
        T_base_tool: Transform | None = None,
        P_image_base: NDArray[np.float64] | None = None,
    ) -> Image:
        """The part that is kept, (kept_px, 3), of a camera's image.

        Raises ViewInvalid for an image of another size, and around the tool without its pose and
        the camera's projection (3, 4).
        """
        if self.posed:
            wanted = self.image_format()
            try:
                return prepare(image, wanted, T_base_tool, P_image_base, self.margin_px)
            except (ImageMismatch, CameraUnknown) as error:
                raise ViewInvalid(str(error)) from error
        if image.shape != (*self.camera_px, 3) or image.dtype != np.uint8:
            raise ViewInvalid(
                f"image is {image.dtype} {image.shape}, must be uint8 {(*self.camera_px, 3)}"
            )
        rows, columns = self.cut_px
        top, left = (self.camera_px[0] - rows) // 2, (self.camera_px[1] - columns) // 2
        part = np.ascontiguousarray(image[top : top + rows, left : left + columns])
        if self.kept_px == self.cut_px:
            return part
        size = self.kept_px[1], self.kept_px[0]
        shrunk: Image = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        return shrunk
