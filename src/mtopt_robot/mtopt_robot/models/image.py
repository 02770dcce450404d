"""The camera's image as a network wants it, by one function for serving, learning and trials.

Either the middle of the image, as in the paper; or the scene around the tool drawn true to scale:
a square of the plane that things lie on, the point below the tool in its middle and turned as the
tool is. Where the camera stands and how it is turned is then no longer in the picture, and a
metre is as many pixels everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mtopt_core.config import option
from mtopt_core.encoding import Numbers, encode_state
from mtopt_core.geometry import Transform, yaw_of
from mtopt_core.observation import Image, Observation

from .errors import CameraUnknown, ImageMismatch, ManifestInvalid

MIDDLE, TOOL = "middle", "tool"
Pixels = NDArray[np.float64]


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
        if self.at == MIDDLE and any(
            cut > whole for cut, whole in zip(self.crop_px, self.camera_px, strict=True)
        ):
            raise ManifestInvalid(
                f"crop_px {list(self.crop_px)} must fit into camera_px {list(self.camera_px)}"
            )

    @property
    def posed(self) -> bool:
        """Whether it takes a calibrated camera and the tool's pose, which go into the state too."""
        return self.at == TOOL


def prepare(
    image: Image,
    wanted: ImageFormat,
    T_base_tool: Transform | None = None,
    P_image_base: Pixels | None = None,
    margin_px: int = 0,
) -> Image:
    """An (H, W, 3) uint8 RGB image as `wanted` says, (size_px, 3).

    Around the tool it takes the tool's pose and the camera's projection (3, 4), and draws
    `margin_px` more on each side where they are asked for; what the camera does not see is black.
    Raises ImageMismatch for an image that is not of `camera_px`: another camera mode shows another
    part of the scene, and no resize makes up for that. Raises CameraUnknown without a projection.
    """
    height, width = wanted.camera_px
    if image.shape != (height, width, 3) or image.dtype != np.uint8:
        raise ImageMismatch(
            f"the model was trained on ({height}, {width}, 3) uint8 images, "
            f"this one is {image.shape} {image.dtype}"
        )
    if wanted.at == TOOL:
        if T_base_tool is None or P_image_base is None:
            raise CameraUnknown("the model looks around the tool: needs a calibrated camera")
        return _around(image, wanted, T_base_tool, P_image_base, margin_px)
    cut_height, cut_width = wanted.crop_px
    top, left = (height - cut_height) // 2, (width - cut_width) // 2
    middle = image[top : top + cut_height, left : left + cut_width]
    if wanted.size_px == wanted.crop_px:
        return np.ascontiguousarray(middle)
    rows, columns = wanted.size_px
    resized: Image = cv2.resize(middle, (columns, rows), interpolation=cv2.INTER_AREA)
    return resized


def state_of(seen: Observation, wanted: ImageFormat) -> Numbers:
    """The state (2,) or (8,) that a network reads beside its image; raises CameraUnknown."""
    if not wanted.posed:
        return encode_state(seen.gripper_closed, seen.gripper_height_m)
    if seen.P_image_base is None:
        raise CameraUnknown("the model looks around the tool: needs a calibrated camera")
    T = seen.T_base_tool
    drawn_m = _drawn_m(T, seen.P_image_base, wanted.plane_z_m)
    return encode_state(seen.gripper_closed, seen.gripper_height_m, T, drawn_m)


def _drawn_m(T_base_tool: Transform, P_image_base: Pixels, plane_z_m: float) -> tuple[float, float]:
    """Where the plane shows the tool, which hangs above it: from the point below the tool (ahead,
    beside), in the tool's heading."""
    camera_m = -np.linalg.solve(P_image_base[:, :3], P_image_base[:, 3])
    tool_m = T_base_tool[:3, 3]
    fall_m = camera_m[2] - tool_m[2]
    if fall_m < 1e-3:  # the tool is above the camera, which cannot see it
        return 0.0, 0.0
    shift_m = (tool_m - camera_m)[:2] * (tool_m[2] - plane_z_m) / fall_m
    yaw = yaw_of(T_base_tool)
    cos, sin = np.cos(yaw), np.sin(yaw)
    return float(cos * shift_m[0] + sin * shift_m[1]), float(cos * shift_m[1] - sin * shift_m[0])


def _around(
    image: Image, wanted: ImageFormat, T_base_tool: Transform, P_image_base: Pixels, margin_px: int
) -> Image:
    """The plane around the tool: rows go along the tool's heading, columns to the left of it."""
    rows, columns = (side + 2 * margin_px for side in wanted.size_px)
    ahead_m = (np.arange(rows) - (rows - 1) / 2.0) * wanted.m_per_px
    beside_m = (np.arange(columns) - (columns - 1) / 2.0) * wanted.m_per_px
    yaw = yaw_of(T_base_tool)
    cos, sin, (x_m, y_m) = np.cos(yaw), np.sin(yaw), T_base_tool[:2, 3]
    points_x = x_m + cos * ahead_m[:, None] - sin * beside_m
    points_y = y_m + sin * ahead_m[:, None] + cos * beside_m
    u, v, depth = (
        P_image_base[i, 0] * points_x
        + P_image_base[i, 1] * points_y
        + (P_image_base[i, 2] * wanted.plane_z_m + P_image_base[i, 3])
        for i in range(3)
    )
    # Behind the camera nothing is seen.
    depth = np.where(depth > 1e-6, depth, np.inf)
    u, v = np.where(np.isinf(depth), -1e4, u / depth), np.where(np.isinf(depth), -1e4, v / depth)
    shrink = _shrink(T_base_tool, P_image_base, wanted)
    if shrink > 1:
        size = image.shape[1] // shrink, image.shape[0] // shrink
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    column, row = (
        ((np.clip(p, -1e4, 1e4) + 0.5) / shrink - 0.5).astype(np.float32) for p in (u, v)
    )
    drawn: Image = cv2.remap(
        image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    ).astype(np.uint8)
    return drawn


def _shrink(T_base_tool: Transform, P_image_base: Pixels, wanted: ImageFormat) -> int:
    """How many of the camera's pixels one of the drawn ones takes, as a whole number, below the
    tool: those between would be lost otherwise."""
    here = np.array([*T_base_tool[:2, 3], wanted.plane_z_m, 1.0])
    step_m = wanted.m_per_px
    seen = [P_image_base @ (here + np.array([*off, 0.0, 0.0])) for off in
            ((0.0, 0.0), (step_m, 0.0), (0.0, step_m))]  # fmt: skip
    if min(each[2] for each in seen) <= 1e-6:
        return 1
    at, along, beside = (each[:2] / each[2] for each in seen)
    pixels = min(np.hypot(*(along - at)), np.hypot(*(beside - at)))
    return max(1, int(pixels))
