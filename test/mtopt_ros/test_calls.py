"""Services and actions called from a thread, over real rclpy: what goes wrong has a name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from fakes.ros_session import CELL, Prober, Spinner, until
from mtopt_msgs.action import ResetBins
from mtopt_ros.calls import Aborted, call, perform
from mtopt_ros.errors import CallFailed

LONG_S = 60.0


class ServerNode(Node):
    """Its action goes with it, as with the nodes of the product."""

    server: ActionServer | None = None

    def close(self) -> None:
        if self.server is not None:
            self.server.destroy()


class Server:
    """A service `ask` and an action `work` that do what a test says."""

    def __init__(self, spinner: Spinner) -> None:
        self.node = ServerNode("server", namespace=f"/{CELL}", use_global_arguments=False)
        self.answer = Future()  # what both wait for before they answer
        self.accept: Callable[[], GoalResponse] = lambda: GoalResponse.ACCEPT
        self.asked = self.cancelled = 0
        self.node.create_service(Trigger, "ask", self._on_ask)
        self.node.server = ActionServer(
            self.node,
            ResetBins,
            "work",
            self._on_work,
            goal_callback=lambda _: self.accept(),
            cancel_callback=self._on_cancel,
        )
        self._spinner = spinner
        spinner.add(self.node)

    def leave(self) -> None:
        """Vanish without an answer."""
        self._spinner.run(self.node.close)
        self._spinner.remove(self.node)

    def release(self) -> None:
        """Answer."""
        self._spinner.run(lambda: self.answer.set_result(None))

    async def _on_ask(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.asked += 1
        await self.answer
        response.message = "here"
        return response

    async def _on_work(self, handle: Any) -> ResetBins.Result:
        self.asked += 1
        await self.answer
        handle.succeed()
        return ResetBins.Result(ok=True)

    def _on_cancel(self, _: Any) -> CancelResponse:
        self.cancelled += 1
        return CancelResponse.ACCEPT


@pytest.fixture
def server(spinner: Spinner) -> Server:
    return Server(spinner)


class Call:
    """A call in a thread of its own."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: CallFailed | None = None

        def run() -> None:
            try:
                self.result = act()
            except CallFailed as failed:
                self.error = failed

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def end(self) -> Any:
        self._thread.join(30.0)
        assert not self._thread.is_alive(), "the call never came back"
        return self.result


def asking(prober: Prober, timeout_s: float = LONG_S) -> Call:
    client = prober.client(Trigger, "ask")
    return Call(lambda: call(client, Trigger.Request(), timeout_s, prober.abort))


def working(prober: Prober, timeout_s: float = LONG_S) -> Call:
    client = prober.action(ResetBins, "work")
    return Call(lambda: perform(client, ResetBins.Goal(), timeout_s, prober.abort))


KINDS = pytest.mark.parametrize(("begin", "name"), [(asking, "ask"), (working, "work")])


@KINDS
def test_an_answer_comes_back(server: Server, prober: Prober, begin: Any, name: str) -> None:
    asked = begin(prober)
    until(lambda: server.asked, "the request")
    server.release()
    result = asked.end()
    assert result.message == "here" if name == "ask" else result.ok


def test_a_service_that_is_not_there_is_named_at_once(prober: Prober) -> None:
    client = prober.node.create_client(Trigger, "nobody")
    with pytest.raises(CallFailed, match=r"service .*nobody is not there"):
        call(client, Trigger.Request(), LONG_S, prober.abort)


def test_an_action_that_is_not_there_is_named_at_once(server: Server, prober: Prober) -> None:
    client = prober.action(ResetBins, "work")
    server.leave()
    until(lambda: not client.server_is_ready(), "the server to be missed")
    with pytest.raises(CallFailed, match=r"action .*work is not there"):
        perform(client, ResetBins.Goal(), LONG_S, prober.abort)


@KINDS
def test_silence_is_named_after_the_deadline(
    server: Server, prober: Prober, begin: Any, name: str
) -> None:
    asked = begin(prober, timeout_s=0.3)
    asked.end()
    assert type(asked.error) is CallFailed
    assert name in str(asked.error) and "did not answer within" in str(asked.error)


@KINDS
def test_a_server_that_leaves_is_named_before_the_deadline(
    server: Server, prober: Prober, begin: Any, name: str
) -> None:
    asked = begin(prober)
    until(lambda: server.asked, "the request")
    server.leave()
    asked.end()
    assert type(asked.error) is CallFailed
    assert name in str(asked.error) and "went away before it answered" in str(asked.error)


@KINDS
def test_an_abort_ends_the_wait(server: Server, prober: Prober, begin: Any, name: str) -> None:
    asked = begin(prober)
    until(lambda: server.asked, "the request")
    prober.abort.set()
    asked.end()
    assert isinstance(asked.error, Aborted) and name in str(asked.error)


def test_a_call_that_was_given_up_leaves_nothing_behind(server: Server, prober: Prober) -> None:
    asking(prober, timeout_s=0.2).end()
    assert not prober.client(Trigger, "ask")._pending_requests
    server.release()
    asked = asking(prober)
    assert asked.end().message == "here"


def test_a_goal_that_is_refused_is_named(server: Server, prober: Prober) -> None:
    server.accept = lambda: GoalResponse.REJECT
    asked = working(prober)
    asked.end()
    assert "work refused the goal" in str(asked.error) and server.asked == 0


def test_a_goal_that_is_given_up_is_cancelled(server: Server, prober: Prober) -> None:
    asked = working(prober)
    until(lambda: server.asked, "the goal")
    prober.abort.set()
    asked.end()
    until(lambda: server.cancelled, "the goal to be cancelled")


def test_a_goal_that_is_accepted_after_it_was_given_up_is_cancelled(
    server: Server, prober: Prober
) -> None:
    """Else the arm would do a step that nobody waits for."""
    given_up = threading.Event()

    def hesitate() -> GoalResponse:
        given_up.wait(30.0)
        return GoalResponse.ACCEPT

    server.accept = hesitate
    asked = working(prober, timeout_s=0.2)
    asked.end()
    assert asked.error is not None
    given_up.set()
    until(lambda: server.cancelled, "the late goal to be cancelled")
