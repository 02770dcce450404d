"""Forward and inverse kinematics of the seven arm joints, `T_base_tool`.

The inverse is damped least squares: with the local error e = log(T_tool_target) and
Jacobian J, the joints move by

    dq = z + J^T (J J^T + d I)^-1 (e - J z),    z = gain * (posture - q)

so that the error is closed and what the seventh joint leaves free leans to a posture:
home, turned towards the target. The lean ends near the solution, where convergence is
quadratic. A solution that touches something is none: the search goes on from the posture,
whose elbow is up, and then from random starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pinocchio as pin

from mtopt_core.config import option
from mtopt_core.geometry import Transform, wrap_angle, yaw_of
from mtopt_core.joints import Vector

from .collision import CollisionModel
from .description import RobotDescription
from .errors import DescriptionInvalid, NoSolution
from .reach import Reach

_NEAR = 1e-4  # squared error (m^2 + rad^2) under which the posture no longer pulls


@dataclass(frozen=True)
class InverseConfig:
    """How inverse kinematics searches."""

    tolerance: float = option(
        1e-6, "norm of the pose error that counts as solved", unit="m and rad", low=1e-9, high=1e-3
    )
    iterations: int = option(32, "steps of one descent", low=5, high=500)
    seed_iterations: int = option(
        12, "steps of the descent from the seed: a near seed needs few", low=1, high=500
    )
    restarts: int = option(32, "further starts when the first finds nothing", low=0, high=1000)
    damping: float = option(1e-4, "damping of far-off steps", low=0.0, high=1.0)
    posture_gain: float = option(0.3, "share of the posture's pull in a step", low=0.0, high=1.0)
    step_rad: float = option(0.6, "largest joint step", unit="rad", low=0.01, high=3.0)
    spare_reach_m: float = option(
        0.010, "reach left unused: a straight elbow is singular", unit="m", low=0.0, high=0.1
    )
    seed: int = option(0, "seed of the random starts", low=0)


class ArmKinematics:
    """Kinematics of one description; it owns scratch memory, so one thread at a time.

    With a collision model the inverse gives clear solutions alone, the gripper open and the
    bins level.
    """

    def __init__(
        self,
        description: RobotDescription,
        home_q_rad: tuple[float, ...],
        config: InverseConfig = InverseConfig(),
        collision: CollisionModel | None = None,
    ) -> None:
        self.collision = collision
        self.limits = description.arm_limits
        self.config = config
        self.home_q_rad = np.array(home_q_rad, dtype=np.float64)
        self._model = arm_model(description, self.limits.names)
        self._data = self._model.createData()
        self._tool = self._model.getFrameId(description.name("tool"))
        if self._tool >= self._model.nframes:
            raise DescriptionInvalid(f"the description has no link {description.name('tool')}")
        self._check_home()
        self.reach = self._reach()
        self._T_base_home = self.forward(self.home_q_rad)
        self.home_yaw_rad = yaw_of(self._T_base_home)

    def forward(self, q_rad: Vector) -> Transform:
        """`T_base_tool` (4, 4) of joint positions (7,)."""
        pin.forwardKinematics(self._model, self._data, q_rad)
        return pin.updateFramePlacement(self._model, self._data, self._tool).homogeneous.copy()

    def inverse(self, T_base_tool: Transform, q_seed_rad: Vector) -> Vector:
        """Clear joint positions (7,) of a pose, near the seed if that can be, else of other starts.

        The free motion of the elbow leans to home. Raises NoSolution.
        """
        target = self._target(T_base_tool)
        posture = self._facing(T_base_tool)
        rng = np.random.default_rng(self.config.seed)
        start = np.clip(np.asarray(q_seed_rad, np.float64), *self._range)
        touched: Vector | None = None
        for attempt in range(self.config.restarts + 1):
            steps = self.config.iterations if attempt else self.config.seed_iterations
            found = self._descend(target, start, posture, self.config.posture_gain, steps)
            if found is not None:
                if self.collision is None or self.collision.clear(found):
                    return found
                touched = found
            start = posture if attempt == 0 else rng.uniform(*self._range)
        raise self._no_solution(T_base_tool, f"{self.config.restarts + 1} starts", touched)

    def nearest(self, T_base_tool: Transform, q_seed_rad: Vector) -> Vector:
        """The solution (7,) that descends from the seed with no pull; raises NoSolution.

        Smooth in the pose and in the seed, so neighbouring poses never change branch.
        """
        start = np.asarray(q_seed_rad, np.float64)
        found = self._descend(self._target(T_base_tool), start, start, 0.0, self.config.iterations)
        if found is None:
            raise self._no_solution(T_base_tool, "the seed alone")
        return found

    def _descend(
        self, target: pin.SE3, start: Vector, posture: Vector, gain: float, steps: int
    ) -> Vector | None:
        model, data, tool, config = self._model, self._data, self._tool, self.config
        lower, upper = self._range
        solved = config.tolerance**2
        q = start.copy()
        for _ in range(steps):
            pin.computeJointJacobians(model, data, q)
            here = pin.updateFramePlacement(model, data, tool)
            error = pin.log6(here.actInv(target)).vector
            size = float(error @ error)
            if size < solved:
                return q
            J = pin.getFrameJacobian(model, data, tool, pin.LOCAL)
            A = J @ J.T
            A.flat[::7] += config.damping * min(1.0, size) + 1e-10
            if gain > 0.0 and size > _NEAR:
                pull = gain * (posture - q)
                dq = pull + J.T @ np.linalg.solve(A, error - J @ pull)
            else:
                dq = J.T @ np.linalg.solve(A, error)
            longest = float(np.abs(dq).max())
            if longest > config.step_rad:
                dq *= config.step_rad / longest
            q = np.minimum(np.maximum(q + dq, lower), upper)
        return None

    def _target(self, T_base_tool: Transform) -> pin.SE3:
        """The pose for Pinocchio; raises NoSolution if it is not finite or out of reach."""
        if not np.all(np.isfinite(T_base_tool)):
            raise NoSolution(f"the target pose is not finite: {T_base_tool.tolist()}")
        if not self.reach.holds(T_base_tool):
            reach, asked = self.reach, self.reach.distance_m(T_base_tool)
            bounds = f"reach is {reach.inner_m:.3f} to {reach.outer_m:.3f} m"
            raise NoSolution(f"the wrist would be {asked:.3f} m from the shoulder, {bounds}")
        return pin.SE3(T_base_tool[:3, :3], T_base_tool[:3, 3])

    def _reach(self) -> Reach:
        """The reach that the model's own lengths give, between joints 2, 4 and 6."""
        pin.forwardKinematics(self._model, self._data, self.home_q_rad)
        shoulder, elbow, wrist = (self._data.oMi[joint].translation.copy() for joint in (2, 4, 6))
        T_base_tool = pin.updateFramePlacement(self._model, self._data, self._tool)
        upper, fore = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))
        bent = min(-self.limits.lower_rad[3], self.limits.upper_rad[3])
        inner = math.sqrt(upper**2 + fore**2 + 2.0 * upper * fore * math.cos(bent))
        spare = self.config.spare_reach_m
        return Reach(shoulder, T_base_tool.actInv(wrist), inner + spare, upper + fore - spare)

    def _facing(self, T_base_tool: Transform) -> Vector:
        """Home with its first joint turned to the target and its last to the target's turn."""
        home = self._T_base_home
        azimuth = math.atan2(T_base_tool[1, 3], T_base_tool[0, 3])
        turn = wrap_angle(azimuth - math.atan2(home[1, 3], home[0, 3]))
        c, s = math.cos(turn), math.sin(turn)
        turned = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ home[:3, :3]
        rest = turned.T @ T_base_tool[:3, :3]
        q = self.home_q_rad.copy()
        q[0] += turn
        q[6] = wrap_angle(q[6] + math.atan2(rest[1, 0], rest[0, 0]))
        return np.clip(q, *self._range)

    @property
    def _range(self) -> tuple[Vector, Vector]:
        return self.limits.lower_rad, self.limits.upper_rad

    def _check_home(self) -> None:
        lower, upper = self._range
        q = self.home_q_rad
        if q.shape != lower.shape or not np.all((q >= lower) & (q <= upper)):
            bounds = f"{lower.round(3).tolist()} to {upper.round(3).tolist()} rad"
            raise DescriptionInvalid(f"home_q_rad {q.tolist()} must lie within {bounds}")

    def _no_solution(
        self, T_base_tool: Transform, tried: str, touched: Vector | None = None
    ) -> NoSolution:
        position = np.array2string(T_base_tool[:3, 3], precision=3)
        if touched is not None and self.collision is not None:
            pairs = ", ".join(" and ".join(pair) for pair in self.collision.touching(touched))
            return NoSolution(
                f"every way to put the tool at {position} m touches something: {pairs}, "
                f"after {tried}"
            )
        bound = f"error under {self.config.tolerance:g} (m, rad) after {tried}"
        return NoSolution(f"no joint positions put the tool at {position} m: no {bound}")


def arm_model(description: RobotDescription, names: tuple[str, ...]) -> pin.Model:
    """The model with every joint but the arm's locked at zero; raises DescriptionInvalid."""
    try:
        full = pin.buildModelFromXML(description.urdf)
    except Exception as error:  # a binding's own error types: ValueError, RuntimeError
        raise DescriptionInvalid(f"the description builds no model: {error}") from error
    locked = [index for index in range(1, full.njoints) if full.names[index] not in names]
    model = pin.buildReducedModel(full, locked, pin.neutral(full))
    if tuple(model.names[1:]) != names:
        found = ", ".join(model.names[1:])
        raise DescriptionInvalid(f"the arm must be the chain {', '.join(names)}; found {found}")
    return model
