"""A search's question and answer as moveit_msgs: the only module that touches their fields.

moveit_msgs come with MoveIt and are not needed without it, so they are looked up when a search
is made, and travel as values.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState as JointStateMsg

from mtopt_core.joints import Vector
from mtopt_robot.errors import NoSolution

PACKAGE = "moveit_msgs"
GROUP = "arm"  # of the semantic description that mtopt_robot.moveit_description writes
PIPELINE = "ompl"
GOAL_RAD = 1e-4  # how far from the goal each joint may end


@dataclass(frozen=True)
class MoveItTypes:
    """The types that are spoken, and the code that says that a way was found."""

    service: Any  # GetMotionPlan, its Request has a MotionPlanRequest
    constraints: Any
    joint_constraint: Any
    success: int


@dataclass(frozen=True, eq=False)
class Question:
    """From where to where, joints in the order of `names`; `others` stay where they are."""

    names: tuple[str, ...]
    q_from_rad: Vector
    q_goal_rad: Vector
    others: dict[str, float]
    allowed_s: float


def moveit_types() -> MoveItTypes | None:
    """The types of the MoveIt that is installed; None where none is."""
    try:
        messages = importlib.import_module(f"{PACKAGE}.msg")
        services = importlib.import_module(f"{PACKAGE}.srv")
    except ImportError:
        return None
    return MoveItTypes(
        services.GetMotionPlan,
        messages.Constraints,
        messages.JointConstraint,
        messages.MoveItErrorCodes.SUCCESS,
    )


def request_msg(types: MoveItTypes, question: Question) -> Any:
    """A question for the wire."""
    message = types.service.Request()
    wanted = message.motion_plan_request
    wanted.group_name, wanted.pipeline_id = GROUP, PIPELINE
    wanted.num_planning_attempts = 1
    wanted.allowed_planning_time = float(question.allowed_s)
    wanted.max_velocity_scaling_factor = wanted.max_acceleration_scaling_factor = 1.0
    # The whole state: nothing is left to what MoveIt last heard.
    joints = [*question.names, *question.others]
    values = [*(float(q) for q in question.q_from_rad), *question.others.values()]
    wanted.start_state.joint_state = JointStateMsg(name=joints, position=values)
    wanted.start_state.is_diff = False
    wanted.goal_constraints = [_goal(types, question)]
    return message


def _goal(types: MoveItTypes, question: Question) -> Any:
    held = [
        types.joint_constraint(
            joint_name=name,
            position=float(value),
            tolerance_above=GOAL_RAD,
            tolerance_below=GOAL_RAD,
            weight=1.0,
        )
        for name, value in zip(question.names, question.q_goal_rad, strict=True)
    ]
    return types.constraints(joint_constraints=held)


def way(types: MoveItTypes, message: Any, names: tuple[str, ...]) -> Vector:
    """The joint positions (K, 7) of an answer, in the order of `names`; raises NoSolution."""
    answer = message.motion_plan_response
    code = int(answer.error_code.val)
    if code != types.success:
        raise NoSolution(f"MoveIt found no way: error code {code}")
    given = answer.trajectory.joint_trajectory
    absent = [name for name in names if name not in given.joint_names]
    if absent:
        raise NoSolution(f"MoveIt's way lacks {', '.join(absent)}")
    columns = [list(given.joint_names).index(name) for name in names]
    rows = [list(point.positions) for point in given.points]
    if any(len(row) != len(given.joint_names) for row in rows):
        raise NoSolution(f"MoveIt's way has points without {len(given.joint_names)} positions")
    return np.array(rows, np.float64).reshape(len(rows), len(given.joint_names))[:, columns]
