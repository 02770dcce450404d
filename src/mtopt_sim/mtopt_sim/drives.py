"""The position drives of a cell's joints, as they stand in a model's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import mujoco
import numpy as np
from numpy.typing import NDArray

from mtopt_core.joints import Vector

from .follower import TrajectoryFollower


class JointTable:
    """Where some joints are in the model's arrays."""

    def __init__(self, model: mujoco.MjModel, names: tuple[str, ...]) -> None:
        self.names = names
        joints = [model.joint(name).id for name in names]
        self.qpos = model.jnt_qposadr[joints]
        self.dof = model.jnt_dofadr[joints]
        self.upper = model.jnt_range[joints, 1]


class Drives(JointTable):
    """The position drives of one controller's joints.

    A drive brakes with its damping times the speed, and the joints' own inertia holds a motion
    back. What is asked of a drive makes up for both, as a robot's own controller does, so that
    even soft drives do not lag behind a moving target. The inertia is that of the pose in which
    the joints were first made to `stand`.
    """

    def __init__(self, model: mujoco.MjModel, names: tuple[str, ...]) -> None:
        super().__init__(model, names)
        self.ctrl = np.array([model.actuator(name).id for name in names])
        self._model = model
        self._stiffness = model.actuator_gainprm[self.ctrl, 0]
        self._lead_s = -model.actuator_biasprm[self.ctrl, 2] / self._stiffness
        self._lead_s2 = np.zeros((len(names), len(names)))  # inertia over stiffness

    def wanted(self, follower: TrajectoryFollower, now_ns: int, step_ns: int, count: int) -> Vector:
        """What to ask the drives for at `count` moments, (count, J)."""
        asked = follower.samples(now_ns, step_ns, count)
        # Both fingers are told what their one joint of the wire is.
        qdd_rad_s2 = np.broadcast_to(asked.qdd_rad_s2, (count, len(self.names)))
        return asked.q_rad + self._lead_s * asked.qd_rad_s + qdd_rad_s2 @ self._lead_s2

    def stand(self, data: mujoco.MjData, q_rad: Vector) -> None:
        """Put the joints at rest at a position."""
        data.qpos[self.qpos] = q_rad
        data.qvel[self.dof] = 0.0
        data.ctrl[self.ctrl] = q_rad
        if not self._lead_s2.any():
            self._lead_s2 = self._inertia(q_rad) / self._stiffness

    def _inertia(self, q_rad: Vector) -> Vector:
        """(J, J) of the joints at a position, all others at zero."""
        model, scratch = self._model, mujoco.MjData(self._model)
        scratch.qpos[self.qpos] = q_rad
        mujoco.mj_kinematics(model, scratch)
        mujoco.mj_comPos(model, scratch)
        mujoco.mj_crb(model, scratch)
        inertia = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, scratch, inertia)
        # Rounded, since its last bits tell where the plate was when it was worked out.
        return inertia[np.ix_(self.dof, self.dof)].round(9)


@dataclass(frozen=True, eq=False)
class Way:
    """What some drives (`ctrl`, (J,)) are asked for, `wanted` (N, J), step by step from one on."""

    ctrl: NDArray[np.int64]
    wanted: Vector
    begins: int

    @property
    def end(self) -> int:
        """The first step that it says nothing of: the drives stay with the last row."""
        return self.begins + len(self.wanted)

    def furthest(self, step: int) -> Sequence[float]:
        """How far from zero each drive (J,) is still asked to go, from a step on."""
        if step >= self.end:
            return self._last
        far: list[float] = np.abs(self.wanted[max(step - self.begins, 0) :]).max(axis=0).tolist()
        return far

    @cached_property
    def _last(self) -> Sequence[float]:
        return [abs(value) for value in self.wanted[-1].tolist()]
