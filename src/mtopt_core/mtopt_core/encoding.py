"""The numbers that stand beside the image in every network, one function for all users.

Serving, training and export call `encode_state` and `encode_actions`; `layout_hash` goes into
a model's manifest, so a model trained on another layout is refused.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from .action import Action, ActionBounds, Gripper

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


def encode_state(gripper_closed: bool, gripper_height_m: float) -> Numbers:
    """The gripper's own state, (2,)."""
    return np.array([float(gripper_closed), gripper_height_m], dtype=np.float32)


def layout_hash(bounds: ActionBounds) -> str:
    """A short name for this layout and these bounds; equal hashes mean equal numbers."""
    text = "|".join((*ACTION_LAYOUT, *STATE_LAYOUT, *(f"{value:.6f}" for value in bounds.high)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
