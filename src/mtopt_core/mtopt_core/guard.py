"""The guard: nothing reaches the arm's wire that has not passed here.

`admit_action` bends a wish into what the workspace allows; `admit_trajectory` bends
nothing: a trajectory that breaks a law is refused whole, by the law's name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .action import Action, ActionBounds
from .config import option
from .errors import GuardRefusal
from .geometry import Transform
from .joints import JointLimits, JointState, JointTrajectory, Vector
from .workspace import ToolBox

_ROUNDING = 1e-9  # what arithmetic alone may add to a value at its bound
CLOCK_SLACK_S = 0.5  # a simulated clock may arrive after the states that it stamps
_REST_RAD_S = 1e-7  # Jazzy's joint_trajectory_controller refuses trajectories that end faster
_DISAGREEMENT = 1e-3  # rates nearer than this to the samples agree (rad/s, rad/s^2)


@dataclass(frozen=True)
class GuardConfig:
    """How strict the guard is where limits alone do not say it."""

    stale_after_s: float = option(
        0.1, "age at which joint states are too old to move on", unit="s", low=0.01, high=2.0
    )
    start_tolerance_rad: float = option(
        0.05, "most a trajectory may start away from the arm", unit="rad", low=0.001, high=0.5
    )
    start_speed_share: float = option(
        0.15,
        "most a joint's first speed may differ from the measured one, as a share of its limit",
        low=0.01,
        high=1.0,
    )
    slack: float = option(
        0.02, "share by which a sampled derivative may exceed its limit", low=0.0, high=0.2
    )


@dataclass(frozen=True)
class Guard:
    """One arm's laws."""

    bounds: ActionBounds
    box: ToolBox
    limits: JointLimits
    config: GuardConfig = GuardConfig()

    def admit_action(self, action: Action, T_base_tool: Transform) -> Action:
        """The action within the step bounds and, from this pose, within the tool box.

        A tool that is outside the box may only be moved towards it; a wish without a
        displacement moves nothing.
        """
        clamped = self.bounds.clamp(action)
        start_m = T_base_tool[:3, 3]
        if not np.all(np.isfinite(start_m)):
            raise GuardRefusal("pose", f"the tool's position is not finite: {start_m}")
        if not any(clamped.delta_m):
            return clamped
        goal_m = self.box.clip(start_m + clamped.delta_m)
        bounds = np.asarray(self.bounds.delta_m)
        x, y, z = (float(d) for d in np.clip(goal_m - start_m, -bounds, bounds))
        return Action((x, y, z), clamped.yaw_rad, clamped.gripper, clamped.terminate)

    def admit_trajectory(
        self, trajectory: JointTrajectory, state: JointState, now_ns: int
    ) -> JointTrajectory:
        """The same trajectory, if it breaks no law; raises GuardRefusal otherwise."""
        self._finite_and_ordered(trajectory)
        self._fresh(state, now_ns)
        self._starts_here(trajectory, state)
        self._within("position", trajectory.q_rad, self.limits.lower_rad, self.limits.upper_rad)
        stretch = 1.0 + self.config.slack
        for law, samples, limit in self._derivatives(trajectory):
            self._within(law, samples, -limit * stretch, limit * stretch)
        self._truthful(trajectory)
        self._goes_on_as_it_moves(trajectory, state)
        self._ends_at_rest(trajectory)
        return trajectory

    def _derivatives(self, trajectory: JointTrajectory) -> list[tuple[str, Vector, Vector]]:
        """Stated derivatives, and those between samples."""
        limits = self.limits
        laws = [
            ("speed", trajectory.qd_rad_s, limits.speed_rad_s),
            ("acceleration", trajectory.qdd_rad_s2, limits.acceleration_rad_s2),
        ]
        if len(trajectory.t_s) > 1:
            dt_s = np.diff(trajectory.t_s)[:, None]
            laws += [
                ("speed", np.diff(trajectory.q_rad, axis=0) / dt_s, limits.speed_rad_s),
                (
                    "acceleration",
                    np.diff(trajectory.qd_rad_s, axis=0) / dt_s,
                    limits.acceleration_rad_s2,
                ),
                ("jerk", np.diff(trajectory.qdd_rad_s2, axis=0) / dt_s, limits.jerk_rad_s3),
            ]
        return laws

    def _truthful(self, trajectory: JointTrajectory) -> None:
        """A trajectory may not say less than it does: samples and stated rates must agree.

        Over dt, the mean of a rate whose own rate is limited to r is at most r dt / 4 away
        from the mean of its ends; twice that is let pass, for rates taken by differences.
        """
        limits = self.limits
        dt_s = np.diff(trajectory.t_s)[:, None]
        for samples, rate, limit in (
            (trajectory.q_rad, trajectory.qd_rad_s, limits.acceleration_rad_s2),
            (trajectory.qd_rad_s, trajectory.qdd_rad_s2, limits.jerk_rad_s3),
        ):
            gap = np.abs(np.diff(samples, axis=0) / dt_s - (rate[1:] + rate[:-1]) / 2.0)
            excess = gap - limit * dt_s / 2.0 - _DISAGREEMENT
            if np.any(excess > 0.0):
                row, joint = np.unravel_index(int(np.argmax(excess)), excess.shape)
                name, at_s = limits.names[joint], trajectory.t_s[row]
                raise GuardRefusal(
                    "truth",
                    f"{name} does {gap[row, joint]:.4g} (rad, s) more than stated at {at_s:.3f} s",
                )

    def _finite_and_ordered(self, trajectory: JointTrajectory) -> None:
        if trajectory.names != self.limits.names:
            names = f"{trajectory.names}, must be {self.limits.names}"
            raise GuardRefusal("joints", f"trajectory is for {names}")
        if len(trajectory.t_s) == 0:
            raise GuardRefusal("empty", "trajectory has no samples")
        if trajectory.t_s.ndim != 1:
            raise GuardRefusal("shape", f"times are {trajectory.t_s.shape}, must be (N,)")
        shape = (len(trajectory.t_s), len(trajectory.names))
        arrays = (trajectory.q_rad, trajectory.qd_rad_s, trajectory.qdd_rad_s2)
        for array in arrays:
            if array.shape != shape:
                raise GuardRefusal("shape", f"samples are {array.shape}, must be {shape}")
        if not all(np.all(np.isfinite(array)) for array in (trajectory.t_s, *arrays)):
            raise GuardRefusal("finite", "trajectory holds a value that is not a finite number")
        if trajectory.t_s[0] < 0.0 or np.any(np.diff(trajectory.t_s) <= 0.0):
            raise GuardRefusal("time", "sample times must rise from zero")

    def _fresh(self, state: JointState, now_ns: int) -> None:
        age_s = (now_ns - state.stamp_ns) * 1e-9
        bound = self.config.stale_after_s
        if age_s > bound:
            raise GuardRefusal("stale", f"joint states are {age_s:.3f} s old, bound {bound:g} s")
        if age_s < -CLOCK_SLACK_S:
            raise GuardRefusal("stale", f"joint states are from {-age_s:.3f} s in the future")

    def _starts_here(self, trajectory: JointTrajectory, state: JointState) -> None:
        absent = [name for name in self.limits.names if name not in state.names]
        if absent:
            raise GuardRefusal("joints", f"joint states lack {', '.join(absent)}")
        measured = state.select(self.limits.names)
        here = measured.q_rad
        if not (np.all(np.isfinite(here)) and np.all(np.isfinite(measured.qd_rad_s))):
            raise GuardRefusal("finite", "joint states hold a value that is not a finite number")
        jump = np.abs(trajectory.q_rad[0] - here)
        worst = int(np.argmax(jump))
        if jump[worst] > self.config.start_tolerance_rad:
            bound = self.config.start_tolerance_rad
            name = self.limits.names[worst]
            raise GuardRefusal(
                "start", f"{name} would start {jump[worst]:.3f} rad away, bound {bound:g} rad"
            )

    def _goes_on_as_it_moves(self, trajectory: JointTrajectory, state: JointState) -> None:
        """No jump in speed: an arm that moves is stopped first, one that rests starts from rest."""
        moving = state.select(self.limits.names).qd_rad_s
        bounds = self.config.start_speed_share * self.limits.speed_rad_s
        jump = np.abs(trajectory.qd_rad_s[0] - moving)
        worst = int(np.argmax(jump - bounds))
        if jump[worst] > bounds[worst]:
            name, stated = self.limits.names[worst], trajectory.qd_rad_s[0, worst]
            raise GuardRefusal(
                "start speed",
                f"{name} would start at {stated:.3f} while it moves at {moving[worst]:.3f}, "
                f"bound {bounds[worst]:.3f} apart (rad/s)",
            )

    def _ends_at_rest(self, trajectory: JointTrajectory) -> None:
        speed = np.abs(trajectory.qd_rad_s[-1])
        worst = int(np.argmax(speed))
        if speed[worst] > _REST_RAD_S:
            name = self.limits.names[worst]
            raise GuardRefusal("end", f"{name} would end at {speed[worst]:.4g} rad/s, must rest")

    def _within(self, law: str, samples: Vector, low: Vector, high: Vector) -> None:
        outside = np.maximum(samples - high, low - samples)
        row, joint = np.unravel_index(int(np.argmax(outside)), outside.shape)
        if outside[row, joint] > _ROUNDING:
            name, value = self.limits.names[joint], samples[row, joint]
            bound = f"{low[joint]:.4g} to {high[joint]:.4g}"
            raise GuardRefusal(law, f"{name} would reach {value:.4g}, bounds {bound} (rad, s)")
