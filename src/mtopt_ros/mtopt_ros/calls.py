"""Services and actions called from a thread that may wait, with names for what goes wrong.

The node that owns the clients spins elsewhere; a caller here waits for the answer, for its
deadline, for the server to vanish, or for its own abort, whichever comes first.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from rclpy.action import ActionClient
from rclpy.client import Client

from .errors import CallFailed

_POLL_S = 0.05


class Aborted(CallFailed):
    """The caller was told to stop waiting."""


def call(client: Client, request: Any, timeout_s: float, abort: threading.Event) -> Any:
    """The response of a service; raises CallFailed, or Aborted when `abort` is set."""
    name = client.srv_name
    _go_on(name, abort)
    if not client.service_is_ready():
        raise CallFailed(f"service {name} is not there")
    future = client.call_async(request)
    try:
        return _answer(future, name, timeout_s, abort, client.service_is_ready)
    except CallFailed:
        client.remove_pending_request(future)
        raise


def perform(client: ActionClient, goal: Any, timeout_s: float, abort: threading.Event) -> Any:
    """The result of an action; a goal that is given up is cancelled. Raises like `call`."""
    name = client._action_name  # rclpy keeps it private
    _go_on(name, abort)
    if not client.server_is_ready():
        raise CallFailed(f"action {name} is not there")
    deadline = time.monotonic() + timeout_s
    sent = client.send_goal_async(goal)
    try:
        handle = _answer(sent, name, timeout_s, abort, client.server_is_ready)
    except CallFailed:
        sent.add_done_callback(_cancel)  # it may still be accepted, and nobody waits for it
        raise
    if not handle.accepted:
        raise CallFailed(f"action {name} refused the goal")
    future = handle.get_result_async()
    try:
        left_s = deadline - time.monotonic()
        return _answer(future, name, left_s, abort, client.server_is_ready).result
    except CallFailed:
        handle.cancel_goal_async()
        raise


def _go_on(name: str, abort: threading.Event) -> None:
    if abort.is_set():
        raise Aborted(f"{name}: given up, since the caller is stopping")


def _cancel(sent: Any) -> None:
    if sent.exception() is None and sent.result().accepted:
        sent.result().cancel_goal_async()


def _answer(future: Any, name: str, timeout_s: float, abort: threading.Event, is_ready: Any) -> Any:
    answered = threading.Event()
    future.add_done_callback(lambda _: answered.set())
    deadline = time.monotonic() + timeout_s
    while not answered.wait(_POLL_S):
        _go_on(name, abort)
        if time.monotonic() > deadline:
            raise CallFailed(f"{name} did not answer within {timeout_s:.1f} s")
        if not is_ready():
            raise CallFailed(f"{name} went away before it answered")
    if future.exception() is not None:
        raise CallFailed(f"{name}: {future.exception()}")
    return future.result()
