"""Drawn transitions as arrays: the same random shift for what was seen and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.encoding import POSED_LAYOUT, Numbers

from .bellman import BellmanConfig, Outlook, outlook
from .buffers import Drawn
from .deeds import deeds
from .replay.view import View
from .siblings import Siblings

# What a state is multiplied with when the gripper is turned by half a turn.
_TURNED = ("sin_tool_yaw", "cos_tool_yaw", "drawn_ahead_m", "drawn_beside_m")
HALF_TURN = np.array([-1.0 if name in _TURNED else 1.0 for name in POSED_LAYOUT], np.float32)


@dataclass(frozen=True, eq=False)
class Transitions:
    """A batch of N: `images` (N, H, W, 3), `states` (N, S), `tasks` (N, T) one-hot, `actions`
    (N, 8); the same of the state that each is valued at; and what came after.

    Where the episode was over by then, what it is valued at is what was seen. `deeds` (N, 3) say
    where each episode was decided, in images around the tool.
    """

    images: NDArray[np.uint8]
    states: Numbers
    tasks: Numbers
    actions: Numbers
    next_images: NDArray[np.uint8]
    next_states: Numbers
    outlook: Outlook
    deeds: Numbers | None = None
    siblings: Siblings | None = None


def transitions(
    frames: NDArray[np.void],
    drawn: Drawn,
    view: View,
    tasks: int,
    config: BellmanConfig,
    rng: np.random.Generator,
) -> Transitions:
    """The numbers of drawn transitions, with a random shift within the view's margin.

    Around the tool, half of them are seen by a gripper turned by half a turn, which is the same.
    """
    ahead = outlook(drawn.left, drawn.success, config)
    later = drawn.frames + np.where(ahead.ended, 0, ahead.ahead)
    shifts = rng.integers(0, 2 * view.margin_px + 1, size=(len(drawn), 2))
    turned = rng.random(len(drawn)) < (0.5 if view.posed else 0.0)
    images, states = seen(frames, drawn.frames, shifts, turned, view)
    next_images, next_states = seen(frames, later, shifts, turned, view)
    decided = None
    if view.posed:
        decided = deeds(frames, drawn.frames, drawn.left, view.reach_m)
        decided[turned, :2] *= -1.0
    return Transitions(
        images,
        states,
        np.eye(tasks, dtype=np.float32)[drawn.tasks],
        frames["action"][drawn.frames],
        next_images,
        next_states,
        ahead,
        decided,
    )


def seen(
    frames: NDArray[np.void],
    rows: NDArray[np.int64],
    shifts: NDArray[np.int64],
    turned: NDArray[np.bool_],
    view: View,
) -> tuple[NDArray[np.uint8], Numbers]:
    """Images and states of some frames, shifted and some of them turned by half a turn."""
    images, states = shifted(frames, rows, shifts, view), frames["state"][rows]
    if turned.any():
        images[turned] = images[turned][:, ::-1, ::-1]
        states[turned] *= HALF_TURN
    return images, states


def shifted(
    frames: NDArray[np.void], rows: NDArray[np.int64], shifts: NDArray[np.int64], view: View
) -> NDArray[np.uint8]:
    """Images (N, *size_px, 3) of some frames, cut `shifts` (N, 2) pixels down and right.

    A shift of `margin_px` both ways is none.
    """
    height, width = view.size_px
    kept = frames["image"]
    cut = np.empty((len(rows), height, width, 3), dtype=np.uint8)
    for place, (row, (top, left)) in enumerate(zip(rows, shifts, strict=True)):
        cut[place] = kept[row, top : top + height, left : left + width]
    return cut
