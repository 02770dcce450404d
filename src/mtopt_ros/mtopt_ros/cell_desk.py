"""A person's own node: hears how the cells fare and tells them what to do, over their services."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from mtopt_msgs.msg import CellStatus
from mtopt_msgs.srv import DiscardEpisode, Rearm, RelabelEpisode, SetCollecting

from . import convert_status
from .calls import call
from .cell_view import CellView
from .errors import NotReady
from .qos import STATES

_THERE_S = 12.0  # to find a service of a cell, among the processes of a fleet
_ANSWER_S = 20.0
_HEARD_S = 2.5  # a running cell speaks once a second
_TURN_S = 0.1


class CellDesk:
    """Enter it, then ask. Every call raises NotReady or CallFailed where no answer comes."""

    def __enter__(self) -> CellDesk:
        self._context = rclpy.Context()
        no_signals = SignalHandlerOptions.NO
        rclpy.init(context=self._context, args=[], signal_handler_options=no_signals)
        self._node = Node("mtopt_desk", context=self._context, use_global_arguments=False)
        self._views: dict[str, CellView] = {}
        self._node.create_subscription(CellStatus, "/fleet/status", self._on_status, STATES)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._spin, name="desk", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(_ANSWER_S)
        self._executor.shutdown(timeout_sec=1.0)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def cells(self, cell: str = "") -> dict[str, CellView]:
        """The cells that speak, or the one that is named as soon as it does."""
        until_s = time.monotonic() + _HEARD_S
        while time.monotonic() < until_s and not (cell and cell in self._views):
            time.sleep(_TURN_S)
        return dict(sorted(self._views.items()))

    def set_collecting(self, cell: str, command: int, who: str) -> Any:
        """SetCollecting's answer."""
        request = SetCollecting.Request(command=command, who=who)
        return self._ask(SetCollecting, cell, "runner/set_collecting", request)

    def discard(self, cell: str, episode_id: str, who: str, why: str) -> Any:
        """DiscardEpisode's answer; without an id the running or the last episode is meant."""
        request = DiscardEpisode.Request(episode_id=episode_id, who=who, why=why)
        return self._ask(DiscardEpisode, cell, "runner/discard", request)

    def relabel(
        self, cell: str, episode_id: str, task: str, success: bool, who: str, why: str
    ) -> Any:
        """RelabelEpisode's answer; without an id the last episode is meant."""
        request = RelabelEpisode.Request(
            episode_id=episode_id, task=task, success=success, who=who, why=why
        )
        return self._ask(RelabelEpisode, cell, "runner/relabel", request)

    def emergency_stop(self, cell: str) -> Any:
        """Trigger's answer."""
        return self._ask(Trigger, cell, "arm/emergency_stop", Trigger.Request())

    def rearm(self, cell: str, who: str) -> Any:
        """Rearm's answer."""
        return self._ask(Rearm, cell, "arm/rearm", Rearm.Request(who=who))

    def _ask(self, kind: Any, cell: str, name: str, request: Any) -> Any:
        client = self._node.create_client(kind, f"/{cell}/{name}")
        until_s = time.monotonic() + _THERE_S
        while not client.service_is_ready():
            if time.monotonic() > until_s:
                raise NotReady(self._nobody(cell))
            time.sleep(_TURN_S)
        return call(client, request, _ANSWER_S, self._over)

    def _nobody(self, cell: str) -> str:
        domain = os.environ.get("ROS_DOMAIN_ID") or "0"
        if cell in self._views:
            return f"{cell} runs, but the node that is asked for is not up: look at its faults"
        others = ", ".join(sorted(self._views)) or "none"
        return f"no cell {cell} answers in ROS domain {domain}; cells that run there: {others}"

    def _on_status(self, message: CellStatus) -> None:
        self._views[message.cell] = convert_status.cell_view(message)

    def _spin(self) -> None:
        while not self._over.is_set():
            try:
                self._executor.spin_once(timeout_sec=_TURN_S)
            except ExternalShutdownException:
                return


def commands() -> dict[str, int]:
    """What SetCollecting can be told, by the words that people use."""
    wanted = SetCollecting.Request
    return {"pause": wanted.PAUSE, "resume": wanted.RESUME, "stop": wanted.FINISH}
