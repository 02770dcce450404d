"""A move_group for tests: answers plans for the cell, and lies when told to.

`FakeTypes` have moveit_msgs' fields, as many as the product touches, and no others: a name that
moveit_msgs do not know fails here, too (`test/system/test_moveit_search.py` compares them with
the real ones where MoveIt is installed).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from mtopt_core.joints import Vector
from mtopt_robot.collision import CollisionModel, Surroundings
from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS, GRIPPER_JOINTS
from mtopt_robot.errors import NoSolution
from mtopt_robot.search import OmplSearch, SearchConfig
from mtopt_ros.errors import CallFailed
from mtopt_ros.moveit_messages import MoveItTypes

SUCCESS, PLANNING_FAILED = 1, -1
Way = Callable[[Vector, Vector], Vector]


@dataclass(slots=True)
class JointConstraint:
    joint_name: str = ""
    position: float = 0.0
    tolerance_above: float = 0.0
    tolerance_below: float = 0.0
    weight: float = 0.0


@dataclass(slots=True)
class Constraints:
    joint_constraints: list[JointConstraint] = field(default_factory=list)


@dataclass(slots=True)
class RobotState:
    joint_state: JointStateMsg = field(default_factory=JointStateMsg)
    is_diff: bool = False


@dataclass(slots=True)
class MotionPlanRequest:
    start_state: RobotState = field(default_factory=RobotState)
    goal_constraints: list[Constraints] = field(default_factory=list)
    pipeline_id: str = ""
    group_name: str = ""
    num_planning_attempts: int = 0
    allowed_planning_time: float = 0.0
    max_velocity_scaling_factor: float = 0.0
    max_acceleration_scaling_factor: float = 0.0


@dataclass(slots=True)
class MoveItErrorCodes:
    val: int = 0


@dataclass(slots=True)
class RobotTrajectory:
    joint_trajectory: JointTrajectory = field(default_factory=JointTrajectory)


@dataclass(slots=True)
class MotionPlanResponse:
    trajectory: RobotTrajectory = field(default_factory=RobotTrajectory)
    error_code: MoveItErrorCodes = field(default_factory=MoveItErrorCodes)


class GetMotionPlan:
    @dataclass(slots=True)
    class Request:
        motion_plan_request: MotionPlanRequest = field(default_factory=MotionPlanRequest)

    @dataclass(slots=True)
    class Response:
        motion_plan_response: MotionPlanResponse = field(default_factory=MotionPlanResponse)


FAKE_TYPES = MoveItTypes(GetMotionPlan, Constraints, JointConstraint, SUCCESS)


class FakeMoveGroup:
    """Reads a request as move_group would, searches by itself, answers in its own joint order.

    `way` in place of the search says what comes back; `silent` says nothing at all.
    """

    def __init__(self, collision: CollisionModel, types: MoveItTypes = FAKE_TYPES) -> None:
        self.types = types
        self.way: Way | None = None
        self.code = SUCCESS
        self.silent = False
        self.asked: list[Any] = []
        self._description = collision.description
        # Other seeds than the product's: another process finds other ways.
        own = CollisionModel(collision.description, collision.config)
        self._search = OmplSearch(own, SearchConfig(seed=77))

    def __call__(self, request: Any, deadline_s: float) -> Any:
        """As an Asking of the product."""
        if self.silent:
            raise CallFailed(f"plan_kinematic_path did not answer within {deadline_s:.1f} s")
        return self.answer(request, self.types.service.Response())

    def answer(self, request: Any, response: Any) -> Any:
        """As the callback of a service."""
        wanted = request.motion_plan_request
        self.asked.append(wanted)
        answer = response.motion_plan_response
        answer.error_code.val = self.code
        if self.code != SUCCESS:
            return response
        try:
            rows = self._rows(wanted)
        except NoSolution:
            answer.error_code.val = PLANNING_FAILED
            return response
        given = answer.trajectory.joint_trajectory
        given.joint_names = list(reversed(self._description.names(ARM_JOINTS)))
        given.points = [JointTrajectoryPoint(positions=list(row[::-1])) for row in rows.tolist()]
        return response

    def _rows(self, wanted: Any) -> Vector:
        """What the request asks for, each joint found by its name."""
        names = self._description.names
        state = wanted.start_state.joint_state
        here = dict(zip(state.name, state.position, strict=True))
        (goal,) = wanted.goal_constraints
        there = {held.joint_name: held.position for held in goal.joint_constraints}
        q_from = np.array([here[name] for name in names(ARM_JOINTS)])
        q_goal = np.array([there[name] for name in names(ARM_JOINTS)])
        around = Surroundings(*(here[name] for name in names((*GRIPPER_JOINTS, *BIN_JOINTS))))
        if self.way is not None:
            return self.way(q_from, q_goal)
        return self._search.between(q_from, q_goal, around)
