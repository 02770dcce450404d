"""All that plans for one arm, put together from one description and one workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mtopt_core.action import ActionBounds
from mtopt_core.config import section
from mtopt_core.guard import Guard, GuardConfig
from mtopt_core.workspace import Workspace

from .clearance import BinClearance, ClearanceConfig
from .collision import CollisionConfig, CollisionModel
from .description import RobotDescription
from .home import FirstWay, LiftAndCross, RestingPlaces, WayHome
from .kinematics import ArmKinematics, InverseConfig
from .line import LineConfig, StraightLine
from .motion import MotionConfig, MotionPlanner
from .search import OmplSearch, Search, SearchConfig
from .searched_way import SearchedWay
from .step import StepConfig, StepPlanner

# What makes the search of a cell from its collision model.
MakeSearch = Callable[[CollisionModel, SearchConfig], Search]


@dataclass(frozen=True)
class ArmConfig:
    """The settings of every part, each with its own defaults."""

    inverse: InverseConfig = section(InverseConfig, "inverse kinematics")
    line: LineConfig = section(LineConfig, "straight lines of the tool")
    motion: MotionConfig = section(MotionConfig, "speed and sampling of motions")
    clearance: ClearanceConfig = section(ClearanceConfig, "distance kept from the bins")
    collision: CollisionConfig = section(CollisionConfig, "distance kept from everything")
    search: SearchConfig = section(SearchConfig, "search for a way around what is in it")
    guard: GuardConfig = section(GuardConfig, "the guard before the wire")
    step: StepConfig = section(StepConfig, "what one step may do")


@dataclass(frozen=True, eq=False)
class Arm:
    """The parts that whoever drives an arm needs; one thread at a time."""

    kinematics: ArmKinematics
    collision: CollisionModel
    motion: MotionPlanner
    guard: Guard
    steps: StepPlanner
    ways: WayHome

    @classmethod
    def of(
        cls,
        description: RobotDescription,
        workspace: Workspace,
        bounds: ActionBounds,
        config: ArmConfig = ArmConfig(),
        search: MakeSearch = OmplSearch,
    ) -> Arm:
        """The planners of a cell; raises DescriptionInvalid."""
        collision = CollisionModel(description, config.collision)
        kinematics = ArmKinematics(description, workspace.home_q_rad, config.inverse, collision)
        motion = MotionPlanner(description.arm_limits, config.motion)
        fingers = MotionPlanner(description.gripper_limits, config.motion)
        guard = Guard(bounds, workspace.tool_box, description.arm_limits, config.guard)
        line = StraightLine(kinematics, config.line)
        clearance = BinClearance(workspace.bins, config.clearance)
        steps = StepPlanner(kinematics, line, motion, fingers, guard, clearance, config.step)
        places = RestingPlaces(kinematics, workspace, clearance)
        simple = LiftAndCross(places, line, motion, guard, collision)
        around = search(collision, config.search)
        searched = SearchedWay(places, around, motion, guard, collision)
        ways = FirstWay((simple, searched))
        return cls(kinematics, collision, motion, guard, steps, ways)
