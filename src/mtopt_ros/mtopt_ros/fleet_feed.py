"""Listens to the cells' reports on /fleet/status, in a thread of its own.

ROS is imported in the thread, so that the process stays quick to answer Ctrl-C from the first
moment.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from typing import Any

from .cell_view import CellView

_TURN_S = 0.2
_DEPTH = 1000


class Feed:
    """Reports in the order of their arrival. `error` says why none can come."""

    def __init__(self, clocks: Mapping[str, str] | None = None) -> None:
        """`clocks`: topics of simulated time by cell, for whoever asks how much has passed."""
        self.error = ""
        self._views: queue.Queue[CellView] = queue.Queue()
        self._clocks = dict(clocks or {})
        self._passed = {cell: Passed() for cell in self._clocks}
        self.figures: dict[str, dict[str, str]] = {}
        """What each node said last in /diagnostics, by `cell/node`."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to listen; the environment must be complete by now."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Cease to listen. ROS must not be at work any more when this process ends."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def news(self) -> list[CellView]:
        """The reports since the last call."""
        views = []
        while not self._views.empty():
            views.append(self._views.get())
        return views

    def simulated_s(self, cell: str) -> float:
        """Simulated time that has passed in a cell whose clock is listened to."""
        return self._passed[cell].total_s

    def _run(self) -> None:
        try:
            import rclpy
            from diagnostic_msgs.msg import DiagnosticArray
            from rclpy.executors import SingleThreadedExecutor
            from rclpy.signals import SignalHandlerOptions

            from mtopt_msgs.msg import CellStatus

            from .convert_status import cell_view, node_figures
        except ImportError as error:
            self.error = f"no live view: {error}"
            return
        context = rclpy.Context()
        rclpy.init(context=context, args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node("mtopt_up", context=context, use_global_arguments=False)
        node.create_subscription(
            CellStatus, "/fleet/status", lambda m: self._views.put(cell_view(m)), _DEPTH
        )
        node.create_subscription(
            DiagnosticArray, "/diagnostics", lambda m: self.figures.update(node_figures(m)), _DEPTH
        )
        inboxes = self._listen_to_clocks(node)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        while not self._stop.is_set():
            executor.spin_once(timeout_sec=_TURN_S)
            for inbox in inboxes:
                inbox.empty()
        executor.shutdown(timeout_sec=_TURN_S)
        node.destroy_node()
        rclpy.try_shutdown(context=context)

    def _listen_to_clocks(self, node: Any) -> list[Any]:
        """Clocks tick a hundred times a second: only their newest tick is looked at."""
        if not self._clocks:
            return []
        from .clock_inbox import clock_inbox

        return [
            clock_inbox(node, topic, self._passed[cell].tick)
            for cell, topic in self._clocks.items()
        ]


class Passed:
    """How much time a clock has shown, over all its lives: a simulator that restarts begins at
    zero."""

    def __init__(self) -> None:
        self.total_s = 0.0
        self._now_s: float | None = None

    def tick(self, now_s: float) -> None:
        """The clock shows so much now."""
        before_s = now_s if self._now_s is None else self._now_s
        self.total_s += now_s - before_s if now_s >= before_s else now_s
        self._now_s = now_s
