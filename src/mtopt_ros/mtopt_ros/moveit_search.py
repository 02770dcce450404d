"""MoveIt as a Search: move_group, in its own process, asked with a deadline.

move_group's planning service is all that is used: its Python bindings end their process badly,
and nothing of MoveIt may ever move the arm. The question is asked from within the arm node's
only thread, so the client has a node and an executor of its own, and one that did not answer is
left alone for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from mtopt_core.joints import Vector
from mtopt_robot.answered_search import CheckedSearch, FirstSearch
from mtopt_robot.arm import MakeSearch
from mtopt_robot.collision import CollisionModel, Surroundings
from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS, GRIPPER_JOINTS, RobotDescription
from mtopt_robot.errors import NoSolution
from mtopt_robot.search import OmplSearch, Search, SearchConfig

from .errors import CallFailed
from .moveit_messages import MoveItTypes, Question, request_msg, way

SERVICE = "plan_kinematic_path"  # move_group's, in the cell's namespace
_AGAIN_S = 30.0  # for which one that did not answer is not asked
_PLANNING = 0.8  # share of the deadline that the search itself may take


class Asking(Protocol):
    """A request's response within the deadline; raises CallFailed."""

    def __call__(self, request: Any, deadline_s: float) -> Any: ...


class PlanningService:
    """The client of a service, for a thread that has no other way to wait."""

    def __init__(
        self,
        kind: Any,
        namespace: str,
        name: str = SERVICE,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        # Remappings of the process are the arm node's; this one has none of them.
        self._node = Node(
            "arm_search",
            namespace=namespace,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._executor = SingleThreadedExecutor(context=self._node.context)
        self._executor.add_node(self._node)
        self._client = self._node.create_client(kind, name)
        self._now_s = now_s
        self._again_at_s = float("-inf")

    def __call__(self, request: Any, deadline_s: float) -> Any:
        """See Asking."""
        name = self._node.resolve_service_name(self._client.srv_name)
        if not self._client.service_is_ready():
            raise CallFailed(f"service {name} is not there")
        left_alone_s = self._again_at_s - self._now_s()
        if left_alone_s > 0.0:
            raise CallFailed(f"{name} did not answer, and is not asked for {left_alone_s:.0f} s")
        future = self._client.call_async(request)
        self._executor.spin_until_future_complete(future, timeout_sec=deadline_s)
        if not future.done():
            self._client.remove_pending_request(future)
            self._again_at_s = self._now_s() + _AGAIN_S
            raise CallFailed(f"{name} did not answer within {deadline_s:.1f} s")
        return future.result()

    def close(self) -> None:
        """Let go of the node."""
        self._executor.shutdown(timeout_sec=1.0)
        self._node.destroy_node()


@dataclass(frozen=True, eq=False)
class MoveItSearch:
    """A Search that MoveIt answers: what comes back is as good as MoveIt's word."""

    ask: Asking
    types: MoveItTypes
    description: RobotDescription
    deadline_s: float

    def between(
        self, q_from_rad: Vector, q_goal_rad: Vector, around: Surroundings, attempt: int = 0
    ) -> Vector:
        """See Search; MoveIt's searches are random, so each attempt is another."""
        del attempt
        names = self.description.names(ARM_JOINTS)
        others = self.description.names((*GRIPPER_JOINTS, *BIN_JOINTS))
        values = (around.finger_m, around.left_rad, around.right_rad)
        question = Question(
            names,
            q_from_rad,
            q_goal_rad,
            dict(zip(others, values, strict=True)),
            _PLANNING * self.deadline_s,
        )
        try:
            answer = self.ask(request_msg(self.types, question), self.deadline_s)
        except CallFailed as error:
            raise NoSolution(f"MoveIt: {error}") from error
        return way(self.types, answer, names)


def moveit_first(
    ask: Asking,
    types: MoveItTypes,
    deadline_s: float,
    otherwise: Callable[[str], None] | None,
) -> MakeSearch:
    """What makes a search by MoveIt, every way of which is looked at again.

    OMPL takes over where MoveIt has none, and `otherwise` is told why; None leaves it at that.
    """

    def make(collision: CollisionModel, config: SearchConfig) -> Search:
        answered = MoveItSearch(ask, types, collision.description, deadline_s)
        checked = CheckedSearch("MoveIt", answered, collision)
        if otherwise is None:
            return checked
        return FirstSearch((checked, OmplSearch(collision, config)), otherwise)

    return make
