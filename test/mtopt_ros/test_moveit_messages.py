"""Questions to MoveIt and its answers: joints by name, codes by name, nothing assumed."""

from __future__ import annotations

import numpy as np
import pytest
from trajectory_msgs.msg import JointTrajectoryPoint

from fakes.move_group import FAKE_TYPES, PLANNING_FAILED, GetMotionPlan
from mtopt_robot.errors import NoSolution
from mtopt_ros.moveit_messages import GOAL_RAD, Question, request_msg, way

NAMES = ("a", "b", "c")
FROM, GOAL = np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])


def answered(names: list[str], rows: list[list[float]]) -> GetMotionPlan.Response:
    response = GetMotionPlan.Response()
    response.motion_plan_response.error_code.val = FAKE_TYPES.success
    given = response.motion_plan_response.trajectory.joint_trajectory
    given.joint_names = names
    given.points = [JointTrajectoryPoint(positions=row) for row in rows]
    return response


def test_a_question_says_the_whole_state_and_one_goal() -> None:
    question = Question(NAMES, FROM, GOAL, {"finger": 0.035, "hinge": 0.7}, 0.8)
    wanted = request_msg(FAKE_TYPES, question).motion_plan_request
    state = wanted.start_state.joint_state
    assert list(state.name) == ["a", "b", "c", "finger", "hinge"]
    np.testing.assert_allclose(state.position, [*FROM, 0.035, 0.7])
    assert wanted.start_state.is_diff is False
    assert (wanted.group_name, wanted.pipeline_id) == ("arm", "ompl")
    assert wanted.allowed_planning_time == 0.8
    (goal,) = wanted.goal_constraints
    assert {h.joint_name: h.position for h in goal.joint_constraints} == {
        "a": 1.0, "b": 2.0, "c": 3.0,
    }  # fmt: skip
    for held in goal.joint_constraints:
        assert held.tolerance_above == held.tolerance_below == GOAL_RAD


def test_an_answer_is_read_by_the_names_of_its_joints() -> None:
    response = answered(["c", "spare", "a", "b"], [[3, 9, 1, 2], [6, 9, 4, 5]])
    np.testing.assert_array_equal(way(FAKE_TYPES, response, NAMES), [[1, 2, 3], [4, 5, 6]])


def test_an_empty_answer_has_no_rows() -> None:
    assert way(FAKE_TYPES, answered(list(NAMES), []), NAMES).shape[0] == 0


@pytest.mark.parametrize("code", [PLANNING_FAILED, 0, 99999])
def test_every_code_but_success_is_no_way(code: int) -> None:
    response = answered(list(NAMES), [[1, 2, 3], [4, 5, 6]])
    response.motion_plan_response.error_code.val = code
    with pytest.raises(NoSolution, match=f"error code {code}"):
        way(FAKE_TYPES, response, NAMES)


def test_an_answer_without_a_joint_or_a_position_is_no_way() -> None:
    with pytest.raises(NoSolution, match="lacks b, c"):
        way(FAKE_TYPES, answered(["a"], [[1], [2]]), NAMES)
    with pytest.raises(NoSolution, match="without 3 positions"):
        way(FAKE_TYPES, answered(list(NAMES), [[1, 2, 3], [4, 5]]), NAMES)
