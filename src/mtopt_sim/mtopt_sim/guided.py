"""Policies that know the simulation's truth and are clumsy on purpose: seed data for learning.

A blind script seldom lifts what a task asks for. These go for the right thing, or for a part of
the plate, with an aim that is good in some episodes and bad in others; they go for something
else, do a random step, end too early, and mostly try again after a grip that came up empty. So
successes and failures are both plenty, and what to do after a mistake is in the data too. No
robot can run them: nothing but a simulator knows the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtopt_core.action import TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.exploration import random_action
from mtopt_core.geometry import wrap_angle, yaw_of
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision, Policy
from mtopt_core.rules import ANY, Placed
from mtopt_core.scene import Section
from mtopt_core.tasks import Task
from mtopt_robot.clearance import BinClearance

from .cell import SimCell
from .grasp import grasps

GUIDED = "guided"
_DICE = 4  # tells these random numbers from those of the other policies
_OVER_M = 0.11  # height above the floor at which the tool crosses the bin
_CARRY_M = 0.19  # and at which it carries something over the bins' walls
_AMONG = 4  # of an object's best grasps one is taken
_PATIENCE = 5  # steps to a place; a wall may keep the tool from it


@dataclass(frozen=True)
class Clumsiness:
    """How much goes wrong. Each episode draws one of `levels`, which all deviations grow with."""

    levels: tuple[float, ...] = (0.2, 0.6, 1.2, 2.4)
    aim_m: float = 0.009
    height_m: float = 0.007
    turn_rad: float = 0.16
    step_m: float = 0.007
    wrong: float = 0.12  # share of episodes and of tries that go for something else
    stray: float = 0.05  # share of random steps
    early: float = 0.02  # share of steps that end the episode for no reason
    again: float = 0.75  # share of failed grips that are followed by another try
    hasty: float = 0.35  # share of tries that go straight there, at no safe height


class _Guided:
    """What both have in common: noise, strays, and steps towards a place."""

    def __init__(
        self, cell: SimCell, bounds: ActionBounds, clumsy: Clumsiness = Clumsiness()
    ) -> None:
        self._cell, self._bounds, self._clumsy = cell, bounds, clumsy
        self._rng = np.random.default_rng(0)
        self._level = 1.0

    def begin(self, task: Task, seed: int) -> None:
        """Draw how clumsy this episode is."""
        self._rng = np.random.default_rng((seed, task.index, _DICE))
        self._level = float(self._rng.choice(self._clumsy.levels))

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The next action: the plan's, or a stray one."""
        dice = self._rng.random()
        if dice < self._clumsy.early:
            action = TERMINATE
        elif dice < self._clumsy.early + self._clumsy.stray:
            action = random_action(self._bounds, self._rng)
        else:
            action = self._next(observation, task)
        return Decision(action, GUIDED, image_stamp_ns=observation.stamp_ns)

    def _next(self, observation: Observation, task: Task) -> Action:
        raise NotImplementedError

    def _off(self, deviation: float, size: int) -> NDArray[np.float64]:
        return self._rng.normal(0.0, deviation * self._level, size)

    def _towards(self, delta_m: NDArray[np.float64], turn_rad: float = 0.0) -> Action:
        """A noisy step along a displacement, cut to the bounds."""
        x, y, z = (float(v) for v in delta_m + self._off(self._clumsy.step_m, 3))
        turn_rad += float(self._off(0.5 * self._clumsy.turn_rad, 1)[0])
        return self._bounds.clamp(Action((x, y, z), turn_rad))

    def _maybe(self, share: float) -> bool:
        return bool(self._rng.random() < share)


class GuidedPick(_Guided):
    """To what the task wants, down, close, look what it came to, lift; or once more."""

    def __init__(
        self, cell: SimCell, bounds: ActionBounds, clumsy: Clumsiness = Clumsiness()
    ) -> None:
        super().__init__(cell, bounds, clumsy)
        self._clearance = BinClearance(cell.workcell.workspace.bins)

    def begin(self, task: Task, seed: int) -> None:
        """Choose what to go for."""
        super().begin(task, seed)
        self._top_m = float(self._rng.uniform(0.13, 0.21))
        self._aim(task)

    def _aim(self, task: Task) -> None:
        """Choose a thing and a grasp of it, a little off; a new try."""
        truth, cell = self._cell.truth(), self._cell.workcell
        wanted = [thing.name for thing in truth.objects if _fits(task, thing.category)]
        if not wanted or self._maybe(self._clumsy.wrong):
            wanted = [thing.name for thing in truth.objects]
        name = wanted[int(self._rng.integers(len(wanted)))]
        found = grasps(cell, name, self._clearance)
        if found:
            best = found[int(self._rng.integers(min(len(found), _AMONG)))].T_base_tool
            place_m, yaw = best[:3, 3].copy(), yaw_of(best)
        else:
            place_m = cell.pose_of(name)[:3, 3].copy()
            yaw = float(self._rng.uniform(-math.pi / 2, math.pi / 2))
        place_m[:2] += self._off(self._clumsy.aim_m, 2)
        place_m[2] += abs(float(self._off(self._clumsy.height_m, 1)[0]))
        self._place_m = self._cell.workcell.workspace.tool_box.clip(place_m)
        self._yaw_rad = yaw + float(self._off(self._clumsy.turn_rad, 1)[0])
        self._hasty, self._judged = self._maybe(self._clumsy.hasty), False
        self._left = _PATIENCE

    def _next(self, observation: Observation, task: Task) -> Action:
        if observation.gripper_closed:
            return self._closed(observation, task)
        T, height_m = observation.T_base_tool, observation.gripper_height_m
        delta_m = self._place_m - T[:3, 3]
        turn = _half_turn(self._yaw_rad - yaw_of(T))
        aside_m = math.hypot(*delta_m[:2])
        there_m = 0.012 + 0.4 * self._level * self._clumsy.step_m
        self._left -= 1
        if self._left < 0:
            return self._close()
        if not self._hasty and (aside_m > 2.0 * there_m or abs(turn) > 0.5):
            over = np.array([*delta_m[:2], max(delta_m[2], _OVER_M - height_m)])
            return self._towards(over, turn)
        if aside_m > there_m or delta_m[2] < -there_m:
            return self._towards(delta_m, turn)
        return self._close()

    def _close(self) -> Action:
        self._judged, self._left = False, _PATIENCE
        return Action(gripper=Gripper.CLOSE)

    def _closed(self, observation: Observation, task: Task) -> Action:
        """Up with it, unless a look at it says to try again."""
        if not self._judged and observation.gripper_height_m > 0.05:
            self._judged = True
            held = [thing.category for thing in self._cell.truth().held]
            good = len(held) == 1 and _fits(task, held[0])
            if not good and self._maybe(self._clumsy.again):
                self._aim(task)
                return Action(gripper=Gripper.OPEN)
        up_m = self._top_m - observation.gripper_height_m
        if up_m < 0.012:
            return TERMINATE
        return self._towards(np.array([0.0, 0.0, up_m]))


class GuidedPlace(_Guided):
    """Over the part of the plate that the task wants, down, let go; maybe up again."""

    def begin(self, task: Task, seed: int) -> None:
        """Choose where to let go, from where the thing is in the gripper."""
        super().begin(task, seed)
        truth, workspace = self._cell.truth(), self._cell.workcell.workspace
        section = task.rule.section if isinstance(task.rule, Placed) else ANY
        if self._maybe(self._clumsy.wrong):
            section = str(self._rng.choice([s.value for s in Section]))
        plate = truth.plate
        if plate is None or self._maybe(0.5 * self._clumsy.wrong):
            low, high = np.array(workspace.tool_box.min_m), np.array(workspace.tool_box.max_m)
            self._place_m = self._rng.uniform(low, high)
        else:
            self._place_m = self._point_of(plate.T_base_plate, plate.radius_m, section)
            if truth.held:
                hangs_m = truth.held[0].position_m - truth.T_base_tool[:3, 3]
                self._place_m[:2] -= hangs_m[:2]
        self._place_m[:2] += self._off(self._clumsy.aim_m, 2)
        self._release_m = float(self._rng.uniform(0.03, 0.08)) + 0.01 * self._level
        self._turn_rad = float(self._off(self._clumsy.turn_rad, 1)[0])
        self._leaves = self._maybe(0.4)

    def _point_of(
        self, T_base_plate: NDArray[np.float64], radius_m: float, section: str
    ) -> NDArray[np.float64]:
        """A point of a section, away from the ridges and the rim, base frame (3,)."""
        while True:
            x, y = self._rng.uniform(-radius_m, radius_m, 2)
            if math.hypot(x, y) > 0.75 * radius_m:
                continue
            if section == ANY or (section == Section.BOTTOM and y < -0.2 * radius_m):
                break
            upper = section == Section.TOP_RIGHT, section == Section.TOP_LEFT
            if y > 0.2 * radius_m and ((upper[0] and x > 0.02) or (upper[1] and x < -0.02)):
                break
        point: NDArray[np.float64] = (T_base_plate @ np.array([x, y, 0.0, 1.0]))[:3]
        return point

    def _next(self, observation: Observation, task: Task) -> Action:
        height_m = observation.gripper_height_m
        if not observation.gripper_closed:
            if not self._leaves or height_m > 0.14:
                return TERMINATE
            return self._towards(np.array([0.0, 0.0, _CARRY_M - height_m]))
        delta_m = self._place_m - observation.T_base_tool[:3, 3]
        there_m = 0.012 + self._level * self._clumsy.step_m
        if math.hypot(*delta_m[:2]) > 1.5 * there_m:
            delta_m[2] = max(_CARRY_M - height_m, 0.0)
            turn, self._turn_rad = self._turn_rad, 0.0
            return self._towards(delta_m, turn)
        if height_m > self._release_m + there_m:
            delta_m[2] = self._release_m - height_m
            return self._towards(delta_m)
        return Action(gripper=Gripper.OPEN)


class PartlyGuided:
    """Guides act in a share of the episodes, another policy in the rest."""

    def __init__(self, guides: dict[str, Policy], otherwise: Policy, share: float) -> None:
        self._guides, self._otherwise, self._share = guides, otherwise, share
        self._acting = otherwise

    def begin(self, task: Task, seed: int) -> None:
        """Draw who acts from the episode's seed."""
        drawn = np.random.default_rng((seed, task.index, _DICE, 1)).random() < self._share
        self._acting = self._guides.get(task.skill, self._otherwise) if drawn else self._otherwise
        self._acting.begin(task, seed)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The decision of who was drawn."""
        return self._acting(observation, task)


def _fits(task: Task, category: str) -> bool:
    """Whether a thing of that category is what a task wants in the gripper."""
    wanted = getattr(task.rule, "category", ANY)
    return wanted in (ANY, category)


def _half_turn(angle_rad: float) -> float:
    """The smallest turn that brings two equal fingers there, in (-pi / 2, pi / 2]."""
    turn = wrap_angle(angle_rad)
    return turn - math.copysign(math.pi, turn) if abs(turn) > math.pi / 2 else turn
