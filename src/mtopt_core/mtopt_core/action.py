"""What a policy may ask of the arm in one step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from .config import option
from .errors import InvalidAction


class Gripper(IntEnum):
    """What a step does with the gripper, in the order of the wire."""

    KEEP = 0
    OPEN = 1
    CLOSE = 2


@dataclass(frozen=True)
class Action:
    """One step: a displacement in the base frame, a turn about its z, a gripper command, an end.

    `delta_m` is (x, y, z) in metres, `yaw_rad` a turn of the tool, both from where it is now.
    """

    delta_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_rad: float = 0.0
    gripper: Gripper = Gripper.KEEP
    terminate: bool = False

    def __post_init__(self) -> None:
        values = (*self.delta_m, self.yaw_rad)
        if len(self.delta_m) != 3 or not all(math.isfinite(value) for value in values):
            raise InvalidAction(f"displacement and yaw must be finite: {values}")
        if self.gripper not in tuple(Gripper):
            raise InvalidAction(f"gripper must be one of {[g.name for g in Gripper]}")

    @property
    def moves(self) -> bool:
        """Whether the tool is asked to go or turn at all."""
        return any(self.delta_m) or self.yaw_rad != 0.0


HOLD = Action()
TERMINATE = Action(terminate=True)


@dataclass(frozen=True)
class ActionBounds:
    """How far one step may go: the box that CEM samples in and the guard clamps to."""

    delta_m: tuple[float, float, float] = option(
        [0.10, 0.10, 0.12], "largest displacement along x, y, z", unit="m", low=0.001, high=0.5
    )
    yaw_rad: float = option(
        math.pi / 2, "largest turn about the base's z", unit="rad", low=0.0, high=math.pi
    )

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper bounds of (x, y, z, yaw), (4,); the lower ones are their negatives."""
        return np.array([*self.delta_m, self.yaw_rad])

    def clamp(self, action: Action) -> Action:
        """The nearest action within the bounds; its gripper and end commands stay."""
        motion = np.clip([*action.delta_m, action.yaw_rad], -self.high, self.high)
        x, y, z, yaw = (float(value) for value in motion)
        return Action((x, y, z), yaw, action.gripper, action.terminate)
