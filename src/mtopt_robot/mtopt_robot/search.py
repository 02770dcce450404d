"""Search for a way between two joint positions that goes around what is in it.

`Search` is the interface; `OmplSearch` grows two trees towards each other (RRT-Connect). What
comes out is a series of joint positions with clear straight ways between them, far from the
shortest; whoever asks shortens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from ompl import base, geometric, util

from mtopt_core.config import option
from mtopt_core.joints import Vector

from .collision import CollisionModel, Surroundings
from .errors import NoSolution


@dataclass(frozen=True)
class SearchConfig:
    """How long and how finely is searched."""

    range_rad: float = option(
        0.8, "longest branch of a tree, over all joints", unit="rad", low=0.05, high=5.0
    )
    tries: int = option(4000, "branches that one search may try", low=10, high=1_000_000)
    seed: int = option(1, "seed of the branches' directions", low=1, high=2**31 - 1)


class Search(Protocol):
    """Joint positions (K, 7) from the first to the second, each straight way between two clear.

    Both ends are clear and within the limits. `attempt` asks for another way than the last
    ones. Raises NoSolution.
    """

    def between(
        self, q_from_rad: Vector, q_goal_rad: Vector, around: Surroundings, attempt: int = 0
    ) -> Vector: ...


class OmplSearch:
    """A Search in this process; the same question has the same answer."""

    def __init__(self, collision: CollisionModel, config: SearchConfig = SearchConfig()) -> None:
        self.collision = collision
        self.config = config

    def between(
        self, q_from_rad: Vector, q_goal_rad: Vector, around: Surroundings, attempt: int = 0
    ) -> Vector:
        """See Search."""
        for end, q_rad in (("start", q_from_rad), ("goal", q_goal_rad)):
            if not self.collision.clear(q_rad, around):  # OMPL would wait for a better one
                raise NoSolution(f"no way around: the {end} touches something")
        util.noOutputHandler()  # OMPL narrates, and complains of being seeded twice
        util.RNG.setSeed(self.config.seed + attempt)
        # Nothing of OMPL's outlives the call: its bindings would speak up when Python ends.
        space = _space(self.collision)
        info = self._information(space, around)
        problem = base.ProblemDefinition(info)
        problem.setStartAndGoalStates(_state(space, q_from_rad), _state(space, q_goal_rad))
        planner = geometric.RRTConnect(info)
        planner.setRange(self.config.range_rad)
        planner.setProblemDefinition(problem)
        planner.setup()
        tries = iter(range(self.config.tries))
        planner.solve(base.PlannerTerminationCondition(lambda: next(tries, None) is None))
        if not problem.hasExactSolution():
            raise NoSolution(f"no way around after {self.config.tries} tries")
        return np.array([_joints(state) for state in problem.getSolutionPath().getStates()])

    def _information(self, space: base.StateSpace, around: Surroundings) -> base.SpaceInformation:
        collision = self.collision
        info = base.SpaceInformation(space)
        info.setStateValidityChecker(lambda state: collision.clear(_joints(state), around))
        # A step of length d over all joints moves no point further than d times this norm.
        reach_m = float(np.linalg.norm(self.collision.levers_m))
        longest_rad = self.collision.config.look_m / reach_m
        info.setStateValidityCheckingResolution(longest_rad / space.getMaximumExtent())
        info.setup()
        return info


def _space(collision: CollisionModel) -> base.RealVectorStateSpace:
    limits = collision.description.arm_limits
    space = base.RealVectorStateSpace(len(limits.names))
    bounds = base.RealVectorBounds(len(limits.names))
    for index, (low, high) in enumerate(zip(limits.lower_rad, limits.upper_rad, strict=True)):
        bounds.setLow(index, float(low))
        bounds.setHigh(index, float(high))
    space.setBounds(bounds)
    return space


def _joints(state: base.State) -> Vector:
    return np.array([state[index] for index in range(7)])


def _state(space: base.StateSpace, q_rad: Vector) -> base.State:
    state = space.allocState()
    for index, value in enumerate(q_rad):
        state[index] = float(value)
    return state
