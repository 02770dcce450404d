"""Services and actions called from a thread that may wait, with names for what goes wrong.

The node that owns the clients spins elsewhere; a caller here waits for the answer, for its
deadline in seconds of the cell, for the server to vanish, or for its own abort, whichever comes
first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.action import ActionClient
from rclpy.client import Client

from .cell_time import WALL, CellTime
from .errors import CallFailed

_POLL_S = 0.05


class Aborted(CallFailed):
    """The caller was told to stop waiting."""


@dataclass(frozen=True)
class _Wait:
    """For one answer, or for the two of an action."""

    name: str
    timeout_s: float
    abort: threading.Event
    cell_time: CellTime
    until_s: float

    @classmethod
    def begun(
        cls, name: str, timeout_s: float, abort: threading.Event, cell_time: CellTime
    ) -> _Wait:
        """One that begins now; raises Aborted."""
        wait = cls(name, timeout_s, abort, cell_time, cell_time.now_s() + timeout_s)
        wait.go_on()
        return wait

    def go_on(self) -> None:
        """Raises Aborted."""
        if self.abort.is_set():
            raise Aborted(f"{self.name}: given up, since the caller is stopping")

    def answer(self, future: Any, is_ready: Callable[[], bool]) -> Any:
        """Raises CallFailed."""
        answered = threading.Event()
        future.add_done_callback(lambda _: answered.set())
        while not answered.wait(_POLL_S):
            self.go_on()
            if self.cell_time.now_s() > self.until_s:
                raise CallFailed(f"{self.name} did not answer within {self.timeout_s:.1f} s")
            if not is_ready():
                raise CallFailed(f"{self.name} went away before it answered")
        if future.exception() is not None:
            raise CallFailed(f"{self.name}: {future.exception()}")
        return future.result()


def call(
    client: Client,
    request: Any,
    timeout_s: float,
    abort: threading.Event,
    cell_time: CellTime = WALL,
) -> Any:
    """The response of a service; raises CallFailed, or Aborted when `abort` is set."""
    wait = _Wait.begun(client.srv_name, timeout_s, abort, cell_time)
    if not client.service_is_ready():
        raise CallFailed(f"service {wait.name} is not there")
    future = client.call_async(request)
    try:
        return wait.answer(future, client.service_is_ready)
    except CallFailed:
        client.remove_pending_request(future)
        raise


def perform(
    client: ActionClient,
    goal: Any,
    timeout_s: float,
    abort: threading.Event,
    cell_time: CellTime = WALL,
) -> Any:
    """The result of an action; a goal that is given up is cancelled. Raises like `call`."""
    name = client._action_name  # rclpy keeps it private
    wait = _Wait.begun(name, timeout_s, abort, cell_time)
    if not client.server_is_ready():
        raise CallFailed(f"action {name} is not there")
    sent = client.send_goal_async(goal)
    try:
        handle = wait.answer(sent, client.server_is_ready)
    except CallFailed:
        sent.add_done_callback(_cancel)  # it may still be accepted, and nobody waits for it
        raise
    if not handle.accepted:
        raise CallFailed(f"action {name} refused the goal")
    try:
        return wait.answer(handle.get_result_async(), client.server_is_ready).result
    except CallFailed:
        handle.cancel_goal_async()
        raise


def _cancel(sent: Any) -> None:
    if sent.exception() is None and sent.result().accepted:
        sent.result().cancel_goal_async()
