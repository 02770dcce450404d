"""The processes' executor keeps rclpy's semantics, though it gathers its entities once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_msgs.msg import String
from std_srvs.srv import Trigger

from fakes.ros_session import Spinner, until
from mtopt_ros.executor import SteadyExecutor
from mtopt_ros.one_clock import share_clock

pytestmark = pytest.mark.system


@pytest.fixture
def spinner(ros: None) -> Iterator[Spinner]:
    made = Spinner(SteadyExecutor())
    yield made
    made.close()


@pytest.fixture
def node(spinner: Spinner) -> Any:
    return spinner.add(Node("trial", namespace="/executor"))


def test_entities_that_come_and_go_while_it_waits(node: Any, spinner: Spinner) -> None:
    heard: list[str] = []
    publisher = node.create_publisher(String, "words", 10)
    for turn in range(3):
        name = f"turn {turn}"
        subscription = spinner.run(
            lambda: node.create_subscription(String, "words", lambda m: heard.append(m.data), 10)
        )
        until(lambda: publisher.get_subscription_count() == 1, "the match")
        publisher.publish(String(data=name))
        until(lambda name=name: name in heard, name)
        spinner.run(lambda subscription=subscription: node.destroy_subscription(subscription))
        until(lambda: publisher.get_subscription_count() == 0, "the end of the match")
    assert heard == ["turn 0", "turn 1", "turn 2"]


def test_a_coroutine_that_waits_holds_its_own_group_and_no_other(
    node: Any, spinner: Spinner
) -> None:
    gate, ticks, answers = Future(), [], []

    async def wait(_: Any, response: Trigger.Response) -> Trigger.Response:
        response.success = bool(await gate)
        return response

    node.create_service(Trigger, "wait", wait)
    node.create_timer(0.02, lambda: ticks.append("held"))  # of the same group
    free = ReentrantCallbackGroup()
    node.create_timer(0.02, lambda: ticks.append("free"), callback_group=free)
    client = node.create_client(Trigger, "wait", callback_group=free)
    until(client.service_is_ready, "the service")
    client.call_async(Trigger.Request()).add_done_callback(lambda f: answers.append(f.result()))
    until(lambda: "free" in ticks[-20:] and "held" not in ticks[-20:], "the group being held")
    spinner.run(lambda: gate.set_result(True))
    until(lambda: answers, "the answer")
    assert answers[0].success
    count = ticks.count("held")
    until(lambda: ticks.count("held") > count, "the group being free again")


def test_tasks_of_other_threads_and_errors_of_callbacks(ros: None) -> None:
    spinner = Spinner(SteadyExecutor())
    node = spinner.add(Node("failing", namespace="/executor"))
    assert spinner.run(lambda: 7) == 7

    def fail() -> None:
        raise ValueError("a callback failed")

    node.create_timer(0.01, fail)
    until(lambda: spinner.error, "the error")
    with pytest.raises(ValueError, match="a callback failed"):
        spinner.close()


def test_nodes_of_a_process_hear_one_clock(ros: None) -> None:
    simulated = [Parameter("use_sim_time", value=True)]
    nodes = [
        Node(f"clocked_{number}", namespace="/executor", parameter_overrides=simulated)
        for number in range(3)
    ]
    nodes.append(Node("wall", namespace="/executor"))
    share_clock(nodes)
    assert nodes[0].count_subscribers("/clock") <= 1
    assert [sum("clock" in s.topic_name for s in n.subscriptions) for n in nodes] == [1, 0, 0, 0]
    nodes[0]._time_source.clock_callback(_clock(12))
    assert [n.get_clock().now().nanoseconds for n in nodes[:3]] == [12_000_000_000] * 3
    assert nodes[3].get_clock().now().nanoseconds > 10**18
    for node in nodes:
        node.destroy_node()


def _clock(seconds: int) -> Any:
    from rosgraph_msgs.msg import Clock

    message = Clock()
    message.clock.sec = seconds
    return message
