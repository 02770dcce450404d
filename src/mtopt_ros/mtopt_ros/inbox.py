"""Subscriptions that are emptied on a beat, as serialized messages, many at a time.

To wait for every single message costs an executor far more than the message itself: it would
prepare its whole list of what to wait for again. So nobody waits for these; a timer comes by.
Each message brings along when it arrived, so nothing is lost by coming later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

MOST_AT_ONCE = 32  # of a topic in a round, so that everybody has a turn, services too


class Listened(Protocol):
    """A topic: its name, message type and how to listen to it."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> Any: ...

    @property
    def qos(self) -> QoSProfile: ...


Topic = TypeVar("Topic", bound=Listened)


@dataclass(frozen=True)
class Arrival:
    """What the middleware says of a message: its number at its publisher, and wall times in
    nanoseconds; 0 where it does not say."""

    sequence: int
    published_ns: int
    received_ns: int


Take = Callable[[Topic, bytes, Arrival], None]


class Inbox(Generic[Topic]):
    """Listens to some topics for a node; `empty` hands over what has come."""

    def __init__(self, node: Node, topics: tuple[Topic, ...], take: Take[Topic]) -> None:
        group = _Unattended()
        self._take = take
        self._subscriptions: list[tuple[Topic, Subscription]] = [
            (
                topic,
                node.create_subscription(
                    topic.type, topic.name, _never, topic.qos, callback_group=group, raw=True
                ),
            )
            for topic in topics
        ]

    def empty(self, before_ns: int = 0) -> bool:
        """One round; whether no message came up that had arrived before `before_ns`, wall time,
        and no topic had more than its share."""
        done = True
        for topic, subscription in self._subscriptions:
            taken, handle = 0, subscription.handle
            with handle:
                while taken < MOST_AT_ONCE:
                    found = handle.take_message(topic.type, True)
                    if found is None:
                        break
                    taken += 1
                    arrival = _arrival(found[1])
                    done &= not 0 < arrival.received_ns < before_ns
                    self._take(topic, found[0], arrival)
            done &= taken < MOST_AT_ONCE
        return done


class _Unattended(CallbackGroup):
    """Of whose members no executor takes notice."""

    unattended = True

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        return None


def _arrival(info: dict[str, Any]) -> Arrival:
    return Arrival(
        int(info["publication_sequence_number"]),
        int(info["source_timestamp"]),
        int(info["received_timestamp"]),
    )


def _never(message: bytes) -> None:
    """What rclpy wants a subscription to have; no executor calls it."""
