"""What runs on the wire of a fleet, shown to Foxglove clients as it comes.

Every topic of the cells is offered; only what a client looks at is listened to, and passed on as
the serialized message that it was: nobody pays for images that nobody watches. It reads, it never
publishes.
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import foxglove
import rclpy
from foxglove.websocket import ChannelView, Client, ServerListener
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from mtopt_core.errors import MtoptError
from mtopt_data.schema import ENCODING, ament_finder, message_definition, split_type

log = logging.getLogger(__name__)
LOOK_S = 1.0  # between two looks at what topics there are
_TURN_S = 0.1
_DEPTH = 5
_INTERNAL = ("/rosout", "/parameter_events")
_SHARED = ("/clock", "/diagnostics", "/fleet/")


@dataclass
class _Shown:
    """One topic on offer, and who listens for how many clients."""

    type_name: str
    channel: foxglove.Channel
    clients: int = 0
    subscription: Any = None


@dataclass
class _Wishes(ServerListener):
    """What clients began and ceased to look at, from the server's threads."""

    waiting: list[tuple[str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def on_subscribe(self, client: Client, channel: ChannelView) -> None:
        """A client looks at a topic."""
        del client
        with self.lock:
            self.waiting.append((channel.topic, 1))

    def on_unsubscribe(self, client: Client, channel: ChannelView) -> None:
        """It has ceased to, or has gone."""
        del client
        with self.lock:
            self.waiting.append((channel.topic, -1))

    def taken(self) -> list[tuple[str, int]]:
        """All since the last call."""
        with self.lock:
            taken, self.waiting = self.waiting, []
        return taken


class Showing:
    """A WebSocket server in front of a node of its own context. `run` until told to stop."""

    def __init__(self, host: str, port: int, cells: tuple[str, ...] = ()) -> None:
        """`cells`: namespaces to show; none: all. Port 0 takes a free one. Raises OSError where
        the port is taken."""
        self._cells = cells
        self._foxglove = foxglove.Context()
        self._wishes = _Wishes()
        try:
            self._server = foxglove.start_server(
                name="mtopt",
                host=host,
                port=port,
                server_listener=self._wishes,
                supported_encodings=["cdr"],
                context=self._foxglove,
            )
        except RuntimeError as error:
            raise OSError(f"{host}:{port}: cannot be listened on: {error}") from error
        self._context = rclpy.Context()
        rclpy.init(context=self._context, args=[], signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node("mtopt_view", context=self._context, use_global_arguments=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._node.create_timer(LOOK_S, self._look)
        prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
        self._finder = ament_finder(prefixes)
        self._shown: dict[str, _Shown] = {}
        self._unreadable: set[str] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.port)

    @property
    def topics(self) -> tuple[str, ...]:
        """On offer now."""
        return tuple(sorted(self._shown))

    @property
    def listening(self) -> tuple[str, ...]:
        """Looked at by some client now."""
        return tuple(sorted(name for name, shown in self._shown.items() if shown.subscription))

    def run(self, stopped: Callable[[], bool]) -> None:
        """Pass on until stopped."""
        self._look()
        while not stopped():
            self._executor.spin_once(timeout_sec=_TURN_S)
            for topic, change in self._wishes.taken():
                self._wish(topic, change)

    def close(self) -> None:
        """Say goodbye to clients and to ROS."""
        self._server.stop()
        self._executor.shutdown(timeout_sec=_TURN_S)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _look(self) -> None:
        """Offer what has come since the last look. What a node that died offered stays: it will
        be back."""
        for name, types in self._node.get_topic_names_and_types():
            if name not in self._shown and len(types) == 1 and self._wanted(name):
                self._offer(name, types[0])

    def _wanted(self, name: str) -> bool:
        if name.startswith(_SHARED):
            return True
        cell = name.split("/")[1]
        return (cell in self._cells or not self._cells) and not name.startswith(_INTERNAL)

    def _offer(self, name: str, type_name: str) -> None:
        if type_name in self._unreadable:
            return
        try:
            text = message_definition(type_name, self._finder)
        except MtoptError as error:
            self._unreadable.add(type_name)
            log.warning("%s is not shown: %s", name, error)
            return
        schema = foxglove.Schema(name=type_name, encoding=ENCODING, data=text.encode())
        channel = foxglove.Channel(
            name, schema=schema, message_encoding="cdr", context=self._foxglove
        )
        self._shown[name] = _Shown(type_name, channel)

    def _wish(self, topic: str, change: int) -> None:
        shown = self._shown.get(topic)
        if shown is None:
            return
        shown.clients = max(0, shown.clients + change)
        if shown.clients and shown.subscription is None:
            shown.subscription = self._node.create_subscription(
                _type(shown.type_name),
                topic,
                shown.channel.log,
                self._qos(topic),
                raw=True,
            )
        elif not shown.clients and shown.subscription is not None:
            self._node.destroy_subscription(shown.subscription)
            shown.subscription = None

    def _qos(self, topic: str) -> QoSProfile:
        """Whatever its publishers offer; what is latched comes at once."""
        offered = [info.qos_profile for info in self._node.get_publishers_info_by_topic(topic)]
        latched = bool(offered) and all(
            qos.durability == DurabilityPolicy.TRANSIENT_LOCAL for qos in offered
        )
        reliable = latched or (
            "image" not in topic
            and bool(offered)
            and all(qos.reliability == ReliabilityPolicy.RELIABLE for qos in offered)
        )
        return QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )


def _type(type_name: str) -> Any:
    """The generated class of "sensor_msgs/msg/JointState"."""
    package, name = split_type(type_name)
    return getattr(importlib.import_module(f"{package}.msg"), name)
