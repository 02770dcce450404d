"""The newest tick of a clock, looked at now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock

from . import convert
from .inbox import Arrival, Inbox
from .qos import NEWEST

_S = 1e9


@dataclass(frozen=True)
class _Listened:
    name: str
    type: Any
    qos: QoSProfile


def clock_inbox(node: Node, topic: str, tick: Callable[[float], None]) -> Inbox[_Listened]:
    """Whoever empties it is told the newest time, in seconds."""

    def take(_: _Listened, payload: bytes, __: Arrival) -> None:
        tick(convert.stamp_ns(deserialize_message(payload, Clock).clock) / _S)

    return Inbox(node, (_Listened(topic, Clock, NEWEST),), take)
