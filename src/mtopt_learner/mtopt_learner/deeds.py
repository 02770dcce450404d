"""Where an episode was decided, seen from before: what its earlier images can be told about it.

What a pick comes to lies between the fingers when they last close; what a place comes to, where
they let go. Images from before show that place as well, from elsewhere and mostly with no arm above
it. Each of them becomes an example of what comes of moving the fingers there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtopt_core.encoding import ACTION_LAYOUT, Numbers

DEED_LAYOUT = ("ahead_m", "beside_m", "known")
_FINGERS = [ACTION_LAYOUT.index(name) for name in ("gripper_close", "gripper_open")]


def deeds(
    frames: NDArray[np.void], rows: NDArray[np.int64], left: NDArray[np.int64], reach_m: float
) -> Numbers:
    """For frames with `left` more steps in their episodes, each (N,): deeds (N, 3).

    A deed is the last step from there on that moves the fingers. It is known where there is one no
    further than `reach_m` from the tool ahead or beside, and nought elsewhere.
    """
    found = np.zeros((len(rows), len(DEED_LAYOUT)), dtype=np.float32)
    for place, (row, ahead) in enumerate(zip(rows, left, strict=True)):
        commands = frames["action"][row : row + ahead + 1, _FINGERS]
        moved = np.flatnonzero(commands.any(axis=1))
        if len(moved):
            x_m, y_m, _, yaw = frames["tool"][row]
            aside_m = frames["tool"][row + moved[-1], :2] - (x_m, y_m)
            cos, sin = np.cos(yaw), np.sin(yaw)
            way_m = cos * aside_m[0] + sin * aside_m[1], cos * aside_m[1] - sin * aside_m[0]
            if max(map(abs, way_m)) <= reach_m:
                found[place] = (*way_m, 1.0)
    return found
