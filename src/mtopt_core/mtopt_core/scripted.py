"""The two crude scripted policies that everything is bootstrapped from.

Both are blind: they act on the gripper's own state, with noise on every motion, and never
look at the image. Picking goes down where it is, closes, lifts. Placing goes to a random
point above the left bin, goes down, lets go, retracts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .action import TERMINATE, Action, ActionBounds, Gripper
from .config import option
from .observation import Observation
from .policy import Decision
from .tasks import Task
from .workspace import Bin, Workspace

SOURCE = "scripted"


@dataclass(frozen=True)
class ScriptConfig:
    """Heights and noise of the scripted policies."""

    grasp_height_m: float = option(
        0.03, "height above the bin floor at which picking closes", unit="m", low=0.0, high=0.2
    )
    lift_height_m: float = option(
        0.17, "height above the bin floor at which picking ends", unit="m", low=0.05, high=0.4
    )
    release_height_m: float = option(
        0.06, "height above the bin floor at which placing lets go", unit="m", low=0.0, high=0.3
    )
    noise_m: float = option(
        0.01, "standard deviation added to each displacement", unit="m", low=0.0, high=0.1
    )
    noise_rad: float = option(
        0.2, "standard deviation added to each turn", unit="rad", low=0.0, high=1.5
    )

    def near_m(self, deviations: float) -> float:
        """How near counts as there: so many deviations of noise, never finer than an arm is."""
        return max(deviations * self.noise_m, 0.005)


class _Script:
    """What both scripts share: bounds, noise, and steps towards a height."""

    def __init__(
        self, workspace: Workspace, bounds: ActionBounds, config: ScriptConfig = ScriptConfig()
    ) -> None:
        self.workspace, self.bounds, self.config = workspace, bounds, config
        self._rng = np.random.default_rng(0)

    def begin(self, task: Task, seed: int) -> None:
        """Draw this episode's noise from its seed."""
        self._rng = np.random.default_rng((seed, task.index))

    def _move(self, delta_m: NDArray[np.float64]) -> Action:
        """A noisy step along a displacement, cut to the bounds."""
        noisy = delta_m + self._rng.normal(0.0, self.config.noise_m, size=3)
        x, y, z = (float(value) for value in noisy)
        yaw_rad = float(self._rng.normal(0.0, self.config.noise_rad))
        return self.bounds.clamp(Action((x, y, z), yaw_rad))

    def _to_height(self, observation: Observation, height_m: float) -> Action:
        return self._move(np.array([0.0, 0.0, height_m - observation.gripper_height_m]))


class ScriptedPick(_Script):
    """Down to the bottom of the bin, close, lift."""

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The next action of the script."""
        return Decision(self._next(observation), SOURCE, image_stamp_ns=observation.stamp_ns)

    def _next(self, observation: Observation) -> Action:
        height_m, config = observation.gripper_height_m, self.config
        if observation.gripper_closed:
            if height_m >= config.lift_height_m - config.near_m(1.0):
                return TERMINATE
            # Aimed a little too high, so that noise seldom costs one more step.
            return self._to_height(observation, config.lift_height_m + 2.0 * config.noise_m)
        if height_m > config.grasp_height_m + config.near_m(2.0):
            return self._to_height(observation, config.grasp_height_m)
        return Action(gripper=Gripper.CLOSE)


class ScriptedPlace(_Script):
    """To a random point above the left bin, down, let go, retract."""

    def begin(self, task: Task, seed: int) -> None:
        """Draw where this episode will let go."""
        super().begin(task, seed)
        self._target_m = self.workspace.hover_point(Bin.LEFT, self._rng)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The next action of the script."""
        return Decision(self._next(observation), SOURCE, image_stamp_ns=observation.stamp_ns)

    def _next(self, observation: Observation) -> Action:
        height_m, config = observation.gripper_height_m, self.config
        if not observation.gripper_closed:
            if height_m >= self._travel_height_m - config.near_m(2.0):
                return TERMINATE
            return self._to_height(observation, self._travel_height_m + config.noise_m)
        offset_m = self._target_m - observation.T_base_tool[:3, 3]
        if np.hypot(offset_m[0], offset_m[1]) > config.near_m(4.0):
            return self._move(np.array([*offset_m[:2], self._travel_height_m - height_m]))
        if height_m > config.release_height_m + config.near_m(2.0):
            return self._to_height(observation, config.release_height_m)
        return Action(gripper=Gripper.OPEN)

    @property
    def _travel_height_m(self) -> float:
        """High enough to carry an object over the bins' inner walls."""
        return self.workspace.hover_z_m - self.workspace.bins.floor_z_m
