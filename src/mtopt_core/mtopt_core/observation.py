"""What a policy sees before it decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Transform

Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Observation:
    """The policy image and the gripper's own state, taken together after the last motion.

    `image` is (H, W, 3) RGB of the overhead camera, `gripper_height_m` the tool's height
    above the bin floor, `stamp_ns` the time of the image in the cell's clock. `P_image_base`
    (3, 4) maps points of the base frame to the image's pixels, where the camera is calibrated.
    """

    image: Image
    gripper_closed: bool
    gripper_height_m: float
    stamp_ns: int
    T_base_tool: Transform
    P_image_base: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class OutcomeImages:
    """The three views that an episode is graded from, each (H, W, 3) RGB."""

    overhead: Image
    left: Image
    right: Image
    stamp_ns: int
