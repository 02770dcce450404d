"""warden: brings the cell's nodes up in order, watches them, brings them back."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import Any, ClassVar

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rclpy.task import Future
from std_srvs.srv import Trigger

from mtopt_msgs.msg import CellStatus, Heartbeat

from . import convert
from .convert_diagnostics import diagnostic_array
from .health import Level
from .inbox import Arrival, Inbox
from .lifecycle import CellNode
from .qos import LATCHED, STATES
from .settings import WardenSettings
from .watching import Attention, Order, Watch

_TICK_S = 0.1
_STATUS_S = 1.0
_TRANSITIONS = {
    Order.CONFIGURE: Transition.TRANSITION_CONFIGURE,
    Order.ACTIVATE: Transition.TRANSITION_ACTIVATE,
}


@dataclass(frozen=True)
class _Beats:
    """Heartbeats of the cell's own nodes, or of those in another place."""

    place: str
    type: ClassVar[Any] = Heartbeat
    qos: ClassVar[QoSProfile] = STATES

    @property
    def name(self) -> str:
        return f"/{self.place}/heartbeat" if self.place else "heartbeat"


class WardenNode(CellNode):
    """Speaks to the other nodes only through their lifecycle, heartbeats and the arm's hold."""

    settings_type: ClassVar[type] = WardenSettings
    settings: WardenSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("warden", **options)
        self._asked: tuple[str, Future, float] | None = None
        self._runner = CellStatus(state=CellStatus.STARTING)
        self._beats: dict[str, Heartbeat] = {}
        self._lost: list[str] = []
        self._attention = Attention()

    def build(self) -> None:
        """Remember whom to watch."""
        settings = self.settings
        self._watch = Watch(settings.nodes, settings.silent_after_s, needs=settings.needs)

    def wire(self) -> None:
        """Heartbeats in, lifecycle orders out, status for the cell and the fleet."""
        places = {need.rpartition("/")[0] for need in self.settings.needs}
        # All that have come are taken in before anybody is judged: an executor that is kept from
        # its work, and then takes one message a round, would hear the living too late.
        self._heartbeats_in = Inbox(self, (_Beats(""), *map(_Beats, sorted(places))), self._on_beat)
        self.create_subscription(CellStatus, "runner/status", self._on_runner, LATCHED)
        self._orders = {
            name: self.create_client(ChangeState, f"{name}/change_state")
            for name in self.settings.nodes
        }
        self._hold = self.create_client(Trigger, "arm/hold")
        self._status = self.create_publisher(CellStatus, "cell/status", STATES)
        self._fleet = self.create_publisher(CellStatus, "/fleet/status", STATES)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", STATES)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_TICK_S, self._tick, clock=steady)
        self.create_timer(_STATUS_S, self._tell, clock=steady)

    def start(self) -> None:
        """Bring itself up: nobody stands above the warden."""
        self.trigger_configure()
        self.trigger_activate()

    def _on_beat(self, beats: _Beats, payload: bytes, _: Arrival) -> None:
        message = deserialize_message(payload, Heartbeat)
        if beats.place:
            self._note(f"{beats.place}/{message.node}", message)
        else:
            self._beats[message.node] = message
            self._note(message.node, message)

    def _note(self, name: str, message: Heartbeat) -> None:
        fault = f"{message.fault}: {message.message}" if message.level == Level.FAULT else ""
        known = self._watch.fault(name)
        self._watch.heard(name, message.state, fault, self._now_s())
        if fault.partition(":")[0] != known.partition(":")[0]:
            self._tell()  # bad news, and good, do not wait for their turn

    def _on_runner(self, message: CellStatus) -> None:
        self._runner = message
        self._tell()

    def _tick(self) -> None:
        self._heartbeats_in.empty()
        now_s = self._now_s()
        self._notice_lost(now_s)
        if self._still_asking(now_s):
            return
        order = self._watch.next_order(now_s)
        if order is not None:
            self._give(*order, now_s)

    def _give(self, name: str, order: Order, now_s: float) -> None:
        client = self._orders[name]
        if not client.service_is_ready():
            return
        request = ChangeState.Request(transition=Transition(id=_TRANSITIONS[order]))
        self.get_logger().info(f"{order} {name}")
        self._asked = (name, client.call_async(request), now_s)

    def _still_asking(self, now_s: float) -> bool:
        if self._asked is None:
            return False
        name, future, asked_s = self._asked
        if future.done():
            self._asked = None
            return False
        if now_s - asked_s > self.settings.call_timeout_s:
            self.get_logger().error(f"{name} did not answer within {now_s - asked_s:.1f} s")
            self._orders[name].remove_pending_request(future)
            self._asked = None
            return False
        return True

    def _notice_lost(self, now_s: float) -> None:
        """Stop the arm once when a node goes silent."""
        lost = self._watch.gone(now_s)
        for name in lost:
            if name not in self._lost:
                self.get_logger().error(f"{name} is gone: the arm holds until it is back")
                if self._hold.service_is_ready():
                    self._hold.call_async(Trigger.Request())
        for name in self._lost:
            if name not in lost:
                self.get_logger().warning(f"{name} is back")
        changed, self._lost = lost != self._lost, lost
        if changed:
            self._tell()

    def _tell(self) -> None:
        now_s = self._now_s()
        status = copy.deepcopy(self._runner)  # the runner's own word stays what it was
        status.cell = self.get_namespace().strip("/")
        status.header.stamp = convert.time_msg(time.time_ns())
        status.faults = self._watch.faults(now_s)
        status.state = self._state(status, now_s)
        self._status.publish(status)
        self._fleet.publish(status)
        self._diagnostics.publish(
            diagnostic_array(status.cell, self._beats, self._watch.lost(now_s), time.time_ns())
        )

    def _now_s(self) -> float:
        return self._attention.now_s(time.monotonic())

    def _state(self, status: CellStatus, now_s: float) -> str:
        """What the cell is doing: the runner's word, unless the cell is not up or not well."""
        parked = status.state == CellStatus.PARKED and "runner" not in self._lost
        if status.state == CellStatus.DONE or parked:
            return str(status.state)
        if status.faults:
            return str(CellStatus.FAULTED)
        if not self._watch.all_active(now_s):
            return str(CellStatus.STARTING)
        waiting = status.state == CellStatus.STARTING
        return str(CellStatus.READY if waiting else status.state)
