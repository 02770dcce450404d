"""One operating-system process with one or more nodes in it, and its orderly end.

SIGINT and SIGTERM end the process: every node first ceases to act and closes what it holds,
while ROS still works, then ROS shuts down. A node that completes its `finished` future ends
the process with exit code 0. One that has work to finish and was stopped before leaves with 130,
so that nobody takes it for done.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from rclpy.executors import Executor
from rclpy.signals import SignalHandlerOptions

from mtopt_core.errors import MtoptError

from .executor import SteadyExecutor
from .one_clock import share_clock

_POLL_S = 0.1
_STOPPED = 128 + signal.SIGINT


class _Stop:
    """Set by the first signal; a second one ends the process at once."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: Any) -> None:
        if self.asked:
            os._exit(128 + number)
        self.asked = True


def run(*factories: Callable[[], Any], argv: Sequence[str] | None = None) -> int:
    """Run the nodes until a signal or until one of them has finished; the exit code."""
    stop = _Stop()
    rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    executor = SteadyExecutor()
    nodes: list[Any] = []
    try:
        for factory in factories:
            node = factory()
            nodes.append(node)
            executor.add_node(node)
        share_clock(nodes)
        _spin(executor, nodes, stop)
    except MtoptError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    finally:
        _close(executor, nodes)
    has_end = any(getattr(node, "has_an_end", False) for node in nodes)
    return _STOPPED if has_end and not any(node.finished.done() for node in nodes) else 0


def _spin(executor: Executor, nodes: list[Any], stop: _Stop) -> None:
    while not stop.asked and not any(node.finished.done() for node in nodes):
        executor.spin_once(timeout_sec=_POLL_S)


def _close(executor: Executor, nodes: list[Any]) -> None:
    for node in reversed(nodes):
        node.close()
    executor.shutdown(timeout_sec=1.0)
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()
