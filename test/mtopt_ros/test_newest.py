"""Waiting inside a callback, with real timers of a real node."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from rclpy.node import Node
from rclpy.task import Future

from fakes.ros_session import Spinner, until
from mtopt_ros.newest import Newest, within

S = 1_000_000_000


@pytest.fixture
def node(spinner: Spinner) -> Iterator[Node]:
    yield spinner.add(Node("waiting", use_global_arguments=False))


def begin(spinner: Spinner, waiting: Coroutine[Any, Any, Any]) -> Any:
    return spinner.executor.create_task(waiting)


def end(task: Any) -> Any:
    until(task.done, "the wait's end")
    return task.result()


def test_a_result_that_comes_is_the_answer(spinner: Spinner, node: Node) -> None:
    future = Future()
    task = begin(spinner, within(node, future, 60.0))
    spinner.run(lambda: future.set_result("here"))
    assert end(task) == "here"


def test_time_that_is_up_is_none_and_leaves_no_timer(spinner: Spinner, node: Node) -> None:
    before = len(list(node.timers))
    assert end(begin(spinner, within(node, Future(), 0.01))) is None
    assert end(begin(spinner, within(node, Future(), 0.0))) is None
    assert len(list(node.timers)) == before


def test_a_value_that_is_there_is_given_at_once(spinner: Spinner, node: Node) -> None:
    newest: Newest[str] = Newest(node)
    assert newest.value is None
    newest.put(10, "a")
    assert newest.value == "a"
    assert end(begin(spinner, newest.since(10, 0.0))) == "a"


def test_an_older_value_is_waited_out(spinner: Spinner, node: Node) -> None:
    newest: Newest[str] = Newest(node)
    newest.put(10, "old")
    assert end(begin(spinner, newest.since(11, 0.02))) is None


def test_every_waiter_gets_the_first_value_that_is_new_enough_for_it(
    spinner: Spinner, node: Node
) -> None:
    newest: Newest[int] = Newest(node)
    tasks = [begin(spinner, newest.since(stamp, 60.0)) for stamp in (5, 15, 15)]
    spinner.run(lambda: None)
    for stamp in (1, 10, 20, 30):
        spinner.run(lambda stamp=stamp: newest.put(stamp, stamp))
    assert [end(task) for task in tasks] == [10, 20, 20]


def test_a_value_that_comes_late_does_not_replace_a_newer_one(spinner: Spinner, node: Node) -> None:
    newest: Newest[str] = Newest(node)
    newest.put(20, "new")
    newest.put(10, "late")
    assert newest.value == "new"
    assert end(begin(spinner, newest.since(20, 0.0))) == "new"


def test_a_clock_that_began_anew_is_believed(spinner: Spinner, node: Node) -> None:
    newest: Newest[str] = Newest(node)
    newest.put(500 * S, "before")
    newest.put(1 * S, "after")
    assert newest.value == "after"
