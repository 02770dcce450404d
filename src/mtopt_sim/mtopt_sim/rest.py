"""What lies still is not computed until something touches it: most of a bin, most of the time.

MuJoCo lets a tree of bodies sleep once all that it touches has been slow for ten steps, and
wakes it by contact or when its state is changed from outside. The bins have drives, which MuJoCo
would keep awake for ever, and with them all that lies in them; so they may sleep too, except
while their controller has a motion under way.

What the robot touches may not: a thing that was held still for long is let go of so slowly, in
the first step, that it would fall asleep in mid-air.
"""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

_MAY, _NEVER = int(mujoco.mjtSleepPolicy.mjSLEEP_ALLOWED), int(mujoco.mjtSleepPolicy.mjSLEEP_NEVER)
_SLEEP = int(mujoco.mjtEnableBit.mjENBL_SLEEP)
_STIR = 1e-12  # rad/s: any speed wakes what sleeps
_ROOM, _ROBOT, _LOOSE = 0, 1, 2  # kinds of shapes; only the product of robot and loose is _LOOSE


class Rest:
    """Sleep in one model: `hinges` and `loose` are degrees of freedom of the bins and of things."""

    def __init__(
        self,
        model: mujoco.MjModel,
        hinges: NDArray[np.int64],
        loose: NDArray[np.int64],
        sleep_m_s: float,
    ) -> None:
        self._model, self._movable = model, np.append(hinges, loose)
        self._bins = model.dof_treeid[hinges]
        self._loose = np.unique(model.dof_treeid[loose])
        tree = model.body_treeid[model.geom_bodyid]
        kinds = np.where((tree < 0) | np.isin(tree, self._bins), _ROOM, _ROBOT)
        kinds[np.isin(tree, self._loose)] = _LOOSE
        self._kinds: NDArray[np.int64] = np.append(kinds, _LOOSE)  # the last is a cloth, geom -1
        self._moving: Sequence[bool] = ()
        self._touched: bool | None = None
        if sleep_m_s > 0.0:
            model.opt.enableflags |= _SLEEP
            model.opt.sleep_tolerance = sleep_m_s

    def keep_bins(self, moving: Sequence[bool]) -> None:
        """Say before each run of steps which bins have a motion under way."""
        if moving != self._moving:
            self._moving = moving
            self._model.tree_sleep_policy[self._bins] = np.where(moving, _NEVER, _MAY)

    def keep_what_is_touched(self, data: mujoco.MjData) -> None:
        """Look before each run of steps what the robot touches."""
        touched = bool(data.ncon) and self._robot_touches(data)
        if touched or self._touched is not False:
            awake = data.tree_awake[self._loose].astype(bool)
            self._model.tree_sleep_policy[self._loose] = np.where(awake & touched, _NEVER, _MAY)
            self._touched = touched

    def wake(self, data: mujoco.MjData) -> None:
        """Wake the bins and all that lies in them, after a change that MuJoCo cannot see."""
        still = self._movable[data.qvel[self._movable] == 0.0]
        data.qvel[still] = _STIR

    def place(self, data: mujoco.MjData) -> None:
        """Work out where everything is, also what belongs to the room, after that was moved.

        While anything sleeps MuJoCo takes it that the room never moves.
        """
        flags = self._model.opt.enableflags
        self._model.opt.enableflags = flags & ~_SLEEP
        mujoco.mj_kinematics(self._model, data)
        self._model.opt.enableflags = flags

    def _robot_touches(self, data: mujoco.MjData) -> bool:
        """Whether it touches a loose thing; what else is awake may lie on that."""
        one, other = self._kinds[data.contact.geom].T
        return bool((one * other == _LOOSE).any())
