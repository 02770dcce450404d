"""What a person does to a running cell, for programs that stand in for one.

A node of its own context, spun by a thread of its own; every call waits for its answer.
"""

from __future__ import annotations

import threading
from typing import Any

import rclpy
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from mtopt_msgs.srv import Rearm, SetCollecting

from .calls import call
from .errors import CallFailed

_TURN_S = 0.2
_ANSWER_S = 5.0


class Operator:
    """Speaks to cells by name. Close it."""

    def __init__(self, name: str = "operator") -> None:
        self._name = name
        self._context = rclpy.Context()
        rclpy.init(context=self._context, args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node(name, context=self._context, use_global_arguments=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._clients: dict[str, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave."""
        self._stop.set()
        self._thread.join(timeout=3.0)
        self._executor.shutdown(timeout_sec=_TURN_S)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def emergency_stop(self, cell: str) -> None:
        """The arm holds until it is rearmed; raises CallFailed."""
        self._ask(Trigger, f"/{cell}/arm/emergency_stop", Trigger.Request())

    def rearm(self, cell: str) -> None:
        """The arm may move again; raises CallFailed."""
        self._ask(Rearm, f"/{cell}/arm/rearm", Rearm.Request(who=self._name))

    def resume(self, cell: str) -> None:
        """Collecting goes on; raises CallFailed."""
        request = SetCollecting.Request(command=SetCollecting.Request.RESUME)
        self._ask(SetCollecting, f"/{cell}/runner/set_collecting", request)

    def pause(self, cell: str) -> None:
        """No further episode begins; raises CallFailed."""
        request = SetCollecting.Request(command=SetCollecting.Request.PAUSE)
        self._ask(SetCollecting, f"/{cell}/runner/set_collecting", request)

    def set_broken(self, cell: str, parts: str) -> None:
        """Which parts of a simulated cell are out of order, with commas; raises CallFailed."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=parts)
        request = SetParameters.Request(parameters=[Parameter(name="broken", value=value)])
        answer = self._call(SetParameters, f"/{cell}/mujoco/set_parameters", request)
        for result in answer.results:
            if not result.successful:
                raise CallFailed(f"/{cell}/mujoco: {result.reason}")

    def _ask(self, kind: Any, name: str, request: Any) -> None:
        answer = self._call(kind, name, request)
        if not getattr(answer, "ok", getattr(answer, "success", True)):
            said = getattr(answer, "error", "") or getattr(answer, "message", "")
            raise CallFailed(f"{name}: {said or 'refused'}")

    def _call(self, kind: Any, name: str, request: Any) -> Any:
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self._node.create_client(kind, name)
        if not client.wait_for_service(_ANSWER_S):
            raise CallFailed(f"service {name} is not there")
        return call(client, request, _ANSWER_S, self._stop)

    def _spin(self) -> None:
        while not self._stop.is_set():
            self._executor.spin_once(timeout_sec=_TURN_S)
