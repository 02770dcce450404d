"""Listens to the cells' reports on /fleet/status, in a thread of its own.

ROS is imported in the thread, so that the process stays quick to answer Ctrl-C from the first
moment.
"""

from __future__ import annotations

import queue
import threading

from .cell_view import CellView

_TURN_S = 0.2
_DEPTH = 1000


class Feed:
    """Reports in the order of their arrival. `error` says why none can come."""

    def __init__(self) -> None:
        self.error = ""
        self._views: queue.Queue[CellView] = queue.Queue()
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

    def _run(self) -> None:
        try:
            import rclpy
            from rclpy.executors import SingleThreadedExecutor
            from rclpy.signals import SignalHandlerOptions

            from mtopt_msgs.msg import CellStatus

            from . import convert
        except ImportError as error:
            self.error = f"no live view: {error}"
            return
        context = rclpy.Context()
        rclpy.init(context=context, args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node("mtopt_up", context=context, use_global_arguments=False)
        node.create_subscription(
            CellStatus, "/fleet/status", lambda m: self._views.put(convert.cell_view(m)), _DEPTH
        )
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        while not self._stop.is_set():
            executor.spin_once(timeout_sec=_TURN_S)
        executor.shutdown(timeout_sec=_TURN_S)
        node.destroy_node()
        rclpy.try_shutdown(context=context)
