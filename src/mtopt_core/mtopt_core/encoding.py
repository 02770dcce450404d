"""The numbers that stand beside the image in every network, one function for all users.

Serving, training and export call `encode_state` and `encode_actions`; `layout_hash` goes into
a model's manifest, so a model trained on another layout is refused.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from .action import Action, ActionBounds, Gripper
from .geometry import Transform, yaw_of

ACTION_LAYOUT = (
    "delta_x_over_bound",
    "delta_y_over_bound",
    "delta_z_over_bound",
    "sin_yaw",
    "cos_yaw",
    "gripper_close",
    "gripper_open",
    "terminate",
)
STATE_LAYOUT = ("gripper_closed", "gripper_height_m")
# Of a network whose image is drawn around the tool and turned with it: also where the tool is, and
# where in that image the camera shows it, from the middle, ahead of it and beside it.
POSED_LAYOUT = (
    *STATE_LAYOUT,
    "tool_x_m",
    "tool_y_m",
    "sin_tool_yaw",
    "cos_tool_yaw",
    "drawn_ahead_m",
    "drawn_beside_m",
)

Numbers = NDArray[np.float32]


def encode_actions(
    motions: NDArray[np.float64],
    gripper: NDArray[np.int64],
    terminate: NDArray[np.bool_],
    bounds: ActionBounds,
) -> Numbers:
    """Actions as networks read them: (N, 8).

    `motions` (N, 4) holds x, y, z in metres and yaw in radians; `gripper` (N,) the values of
    Gripper; `terminate` (N,).
    """
    rows = np.empty((len(motions), len(ACTION_LAYOUT)), dtype=np.float32)
    rows[:, 0:3] = motions[:, :3] / np.asarray(bounds.delta_m)
    rows[:, 3] = np.sin(motions[:, 3])
    rows[:, 4] = np.cos(motions[:, 3])
    rows[:, 5] = gripper == Gripper.CLOSE
    rows[:, 6] = gripper == Gripper.OPEN
    rows[:, 7] = terminate
    return rows


def encode_action(action: Action, bounds: ActionBounds) -> Numbers:
    """One action, (8,)."""
    motions = np.array([[*action.delta_m, action.yaw_rad]])
    gripper, terminate = np.array([int(action.gripper)]), np.array([action.terminate])
    row: Numbers = encode_actions(motions, gripper, terminate, bounds)[0]
    return row


def decode_action(row: Numbers, bounds: ActionBounds) -> Action:
    """The action that a row of `encode_actions` stands for."""
    x, y, z = (float(v) for v in row[:3] * np.asarray(bounds.delta_m, dtype=np.float64))
    gripper = Gripper.KEEP
    if row[5] > 0.5:
        gripper = Gripper.CLOSE
    elif row[6] > 0.5:
        gripper = Gripper.OPEN
    yaw_rad = float(np.arctan2(row[3], row[4]))
    return Action((x, y, z), yaw_rad, gripper, bool(row[7] > 0.5))


def state_layout(posed: bool) -> tuple[str, ...]:
    """What a network's state holds, without or with the tool's pose."""
    return POSED_LAYOUT if posed else STATE_LAYOUT


def encode_state(
    gripper_closed: bool,
    gripper_height_m: float,
    T_base_tool: Transform | None = None,
    drawn_m: tuple[float, float] = (0.0, 0.0),
) -> Numbers:
    """The gripper's own state, (2,); with the tool's pose and where it is drawn, (8,)."""
    own = [float(gripper_closed), gripper_height_m]
    if T_base_tool is not None:
        yaw = yaw_of(T_base_tool)
        own += [T_base_tool[0, 3], T_base_tool[1, 3], math.sin(yaw), math.cos(yaw), *drawn_m]
    return np.array(own, dtype=np.float32)


def layout_hash(bounds: ActionBounds, posed: bool = False) -> str:
    """A short name for this layout and these bounds; equal hashes mean equal numbers."""
    names = (*ACTION_LAYOUT, *state_layout(posed))
    text = "|".join((*names, *(f"{value:.6f}" for value in bounds.high)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
