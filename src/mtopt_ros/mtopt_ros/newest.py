"""Waiting inside a callback: for a value that is new enough, or until time is up."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future

from .frames import supersedes

Value = TypeVar("Value")


async def within(node: Node, future: Future, wait_s: float) -> Any:
    """The future's result, or None after `wait_s` of wall time."""

    def give_up() -> None:
        if not future.done():
            future.set_result(None)

    clock = Clock(clock_type=ClockType.STEADY_TIME)
    timer = node.create_timer(max(wait_s, 0.001), give_up, clock=clock)
    try:
        return await future
    finally:
        node.destroy_timer(timer)


class Newest(Generic[Value]):
    """The newest value of a topic by its stamp, and the callbacks that wait for a newer one."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._stamp_ns = -1
        self._value: Value | None = None
        self._waiting: list[tuple[int, Future]] = []

    @property
    def value(self) -> Value | None:
        """The newest value, None before the first."""
        return self._value

    def put(self, stamp_ns: int, value: Value) -> None:
        """A value of a stamp in the cell's clock; one that comes late is dropped."""
        if self._value is not None and not supersedes(stamp_ns, self._stamp_ns):
            return
        self._stamp_ns, self._value = stamp_ns, value
        for not_before_ns, arrived in self._waiting:
            if stamp_ns >= not_before_ns and not arrived.done():
                arrived.set_result(value)

    async def since(self, not_before_ns: int, wait_s: float) -> Value | None:
        """The newest value if it is no older than asked, else the next one; None if none came."""
        if self._value is not None and self._stamp_ns >= not_before_ns:
            return self._value
        entry = (not_before_ns, Future())
        self._waiting.append(entry)
        try:
            found: Value | None = await within(self._node, entry[1], wait_s)
        finally:
            self._waiting.remove(entry)
        return found
