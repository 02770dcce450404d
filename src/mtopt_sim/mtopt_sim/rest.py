"""What lies still is not computed until something touches it: most of a bin, most of the time.

MuJoCo lets a tree of bodies sleep once all that it touches has been slow for ten steps, and
wakes it by contact or when its state is changed from outside. The bins have drives, which MuJoCo
would keep awake for ever, and with them all that lies in them; so they may sleep too, except
while their controller has a motion under way.
"""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

_MAY, _NEVER = int(mujoco.mjtSleepPolicy.mjSLEEP_ALLOWED), int(mujoco.mjtSleepPolicy.mjSLEEP_NEVER)
_STIR = 1e-12  # rad/s: any speed wakes what sleeps


class Rest:
    """Sleep in one model; `hinges` are the degrees of freedom of the bins, `loose` of the things."""

    def __init__(
        self,
        model: mujoco.MjModel,
        hinges: NDArray[np.int64],
        loose: NDArray[np.int64],
        sleep_m_s: float,
    ) -> None:
        self._model, self._movable = model, np.append(hinges, loose)
        self._trees = np.unique(model.dof_treeid[hinges])
        self._awake: bool | None = None
        if sleep_m_s > 0.0:
            model.opt.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
            model.opt.sleep_tolerance = sleep_m_s

    def keep_awake(self, moving: bool) -> None:
        """Say before each run of steps whether the bins have a motion under way."""
        if moving != self._awake:
            self._awake = moving
            self._model.tree_sleep_policy[self._trees] = _NEVER if moving else _MAY

    def wake(self, data: mujoco.MjData) -> None:
        """Wake the bins and all that lies in them, after a change that MuJoCo cannot see."""
        still = self._movable[data.qvel[self._movable] == 0.0]
        data.qvel[still] = _STIR
