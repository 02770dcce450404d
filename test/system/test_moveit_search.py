"""The client of move_group's service over real transport; MoveIt's own types where it is there."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from std_srvs.srv import SetBool

from fakes.move_group import FAKE_TYPES, FakeMoveGroup
from fakes.ros_session import CELL, Prober, Spinner, managed, until
from mtopt_robot.arm import Arm
from mtopt_robot.collision import OPEN_AND_LEVEL
from mtopt_robot.errors import NoSolution
from mtopt_robot.search import OmplSearch, SearchConfig
from mtopt_robot.searched_way import SearchedWay
from mtopt_ros import arm_node
from mtopt_ros.arm_node import ArmNode
from mtopt_ros.errors import CallFailed
from mtopt_ros.moveit_messages import MoveItTypes, moveit_types
from mtopt_ros.moveit_search import SERVICE, PlanningService, moveit_first

pytestmark = pytest.mark.system
DEADLINE_S = 20.0  # for what is to be answered


class Clock:
    """A time that stands until it is told to go on."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def serve(prober: Prober) -> Callable[..., PlanningService]:
    """A server in the test's cell, and the product's client of it."""
    made: list[PlanningService] = []

    def make(kind: type, callback: Callable | None, clock: Clock | None = None) -> PlanningService:
        if callback is not None:
            group = ReentrantCallbackGroup()  # a question that waits holds up no other
            prober.node.create_service(kind, SERVICE, callback, callback_group=group)
        made.append(PlanningService(kind, f"/{CELL}", now_s=clock or Clock()))
        if callback is not None:
            until(made[-1]._client.service_is_ready, "the service")
        return made[-1]

    yield make
    for client in made:
        client.close()


def obey(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
    response.success = request.data
    return response


def test_an_answer_comes_back(serve: Callable[..., PlanningService]) -> None:
    assert serve(SetBool, obey)(SetBool.Request(data=True), DEADLINE_S).success


def test_nobody_there_is_said_at_once(serve: Callable[..., PlanningService]) -> None:
    with pytest.raises(CallFailed, match=f"service /{CELL}/{SERVICE} is not there"):
        serve(SetBool, None)(SetBool.Request(), math.inf)


def test_one_that_does_not_answer_is_left_alone_for_a_while(
    serve: Callable[..., PlanningService],
) -> None:
    clock, heard = Clock(), []

    async def ponder(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        heard.append(request)
        await Future()  # for ever
        return response

    ask = serve(SetBool, ponder, clock)
    with pytest.raises(CallFailed, match=r"did not answer within 0\.2 s"):
        ask(SetBool.Request(), 0.2)
    until(lambda: heard, "the first question")
    with pytest.raises(CallFailed, match="is not asked for 30 s"):
        ask(SetBool.Request(), math.inf)
    clock.now_s += 31.0
    with pytest.raises(CallFailed, match="did not answer within"):
        ask(SetBool.Request(), 0.2)
    until(lambda: len(heard) == 2, "the second question")


def search_of(node: ArmNode) -> object:
    searched = node._driving.arm.ways.planners[-1]
    assert isinstance(searched, SearchedWay)
    return searched.search


def test_without_moveit_the_arm_node_takes_ompl(
    prober: Prober, spinner: Spinner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arm_node, "moveit_types", lambda: None)
    node = spinner.add(managed(ArmNode, "arm"))
    prober.bring_up("arm")
    assert isinstance(search_of(node), OmplSearch)


def test_moveit_that_is_wanted_and_not_installed_is_named(
    prober: Prober, spinner: Spinner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arm_node, "moveit_types", lambda: None)
    node = spinner.add(managed(ArmNode, "arm", search="moveit"))
    assert not prober.change("arm", "configure")
    assert any("moveit_msgs are not installed" in text for text in node.health.faults.values())


def real() -> MoveItTypes:
    types = moveit_types()
    if types is None:
        pytest.skip("moveit_msgs are not installed")
    return types


def test_the_fakes_have_the_fields_of_the_real_messages() -> None:
    types = real()
    fake, true = FAKE_TYPES.service, types.service
    pairs = [
        (FAKE_TYPES.constraints(), types.constraints()),
        (FAKE_TYPES.joint_constraint(), types.joint_constraint()),
        (fake.Request().motion_plan_request, true.Request().motion_plan_request),
        (fake.Request().motion_plan_request.start_state,
         true.Request().motion_plan_request.start_state),
        (fake.Response().motion_plan_response, true.Response().motion_plan_response),
    ]  # fmt: skip
    for ours, theirs in pairs:
        assert set(ours.__slots__) <= set(theirs.get_fields_and_field_types())
    assert FAKE_TYPES.success == types.success


def test_a_way_comes_through_moveits_own_messages(
    serve: Callable[..., PlanningService], arm: Arm
) -> None:
    types = real()
    group = FakeMoveGroup(arm.collision, types)
    ask = serve(types.service, group.answer)
    search = moveit_first(ask, types, DEADLINE_S, None)(arm.collision, SearchConfig())
    home = arm.kinematics.home_q_rad
    start = np.array([-2.8, 1.74, -0.78, -1.84, 2.04, -1.91, -3.02])
    found = search.between(start, home, OPEN_AND_LEVEL)
    np.testing.assert_allclose(found[[0, -1]], [start, home])
    assert len(group.asked) == 1
    group.code = -1
    with pytest.raises(NoSolution, match="error code -1"):
        search.between(start, home, OPEN_AND_LEVEL)


def test_the_arm_node_asks_move_group_and_goes_on_without_it(
    prober: Prober, spinner: Spinner, arm: Arm
) -> None:
    types = real()
    group = FakeMoveGroup(arm.collision, types)
    prober.node.create_service(types.service, SERVICE, group.answer)
    node = spinner.add(managed(ArmNode, "arm", search_deadline_s=2.0))
    prober.bring_up("arm")
    search, home = search_of(node), arm.kinematics.home_q_rad
    until(search.searches[0].search.ask._client.service_is_ready, "the service")

    def find() -> np.ndarray:
        return spinner.run(lambda: search.between(home + 0.3, home, OPEN_AND_LEVEL))

    assert len(find()) >= 2 and len(group.asked) == 1
    group.code = -1
    assert len(find()) >= 2 and len(group.asked) == 2
    assert prober.change("arm", "deactivate", "cleanup")
