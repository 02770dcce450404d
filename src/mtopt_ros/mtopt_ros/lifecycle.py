"""The shape of every node of a cell: four acts under a managed life, and a heartbeat.

A node says what its settings are and implements `build` (make the core objects), `wire`
(topics, services, actions) and, where it must, `activate` and `deactivate`. Everything that
`wire` creates is destroyed again on clean-up. A node that cannot be configured stays
unconfigured and says why in its heartbeat.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.task import Future

from mtopt_core.errors import MtoptError
from mtopt_msgs.msg import Heartbeat

from . import convert
from .cell_time import CellTime
from .health import Health
from .parameters import read_settings
from .qos import STATES

HEARTBEAT_S = 0.5


class CellNode(LifecycleNode):
    """Base of the nodes of a cell. `settings` is there from configure to clean-up."""

    settings_type: ClassVar[type]
    settings: Any

    def __init__(self, name: str, **node_options: Any) -> None:
        super().__init__(name, **node_options)
        self.health = Health()
        self.cell_time = CellTime(self._now_ns)  # in which the cell's own parts are waited for
        self.state = "unconfigured"
        self.finished = Future()  # completed by a node whose work is done: its process then ends
        self._closers: list[Callable[[], None]] = []
        self._heartbeats = self.create_publisher(Heartbeat, "heartbeat", STATES)
        self._beat_timer = self.create_timer(
            HEARTBEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._own = self._entities()
        # An order that does not fit the state must not end the process, as rclpy would have it.
        self._obey = self._service_change_state.callback
        self._service_change_state.callback = self._on_change_state

    def build(self) -> None:
        """Make the core objects from the settings; may raise MtoptError."""

    def wire(self) -> None:
        """Create topics, services, actions and timers; may raise MtoptError."""

    def activate(self) -> None:
        """Begin to act; may raise MtoptError."""

    def deactivate(self) -> None:
        """Cease to act. Must not raise."""

    def serve_waiting(self, kind: Any, name: str, callback: Any) -> None:
        """A service whose handler is a coroutine.

        It gets a group of its own: in the node's default group everything else of the node,
        the awaited subscription included, would stand still until it has answered.
        """
        self.create_service(kind, name, callback, callback_group=ReentrantCallbackGroup())

    def on_cleanup_call(self, closer: Callable[[], None]) -> None:
        """Remember something that clean-up must close besides ROS entities."""
        self._closers.append(closer)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the settings, build, wire."""
        del state
        return self._transition(self._configure, "inactive")

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to act."""
        done = self._transition(self.activate, "active")
        return super().on_activate(state) if done == TransitionCallbackReturn.SUCCESS else done

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Cease to act."""
        self.deactivate()
        self.state = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo configure."""
        del state
        self._unwire()
        self.health.clear()
        self.state = "unconfigured"
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Cease to act and undo configure, from whatever state."""
        self.deactivate()
        done = self.on_cleanup(state)
        self.state = "finalized"
        return done

    def close(self) -> None:
        """Stop acting and let go of everything, at the end of the process."""
        self.deactivate()
        self._unwire()

    def _on_change_state(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        try:
            return self._obey(request, response)
        except RuntimeError as error:  # from rclpy's state machine: not possible from here
            self.get_logger().warning(f"transition {request.transition.id} refused: {error}")
            response.success = False
            return response

    def _configure(self) -> None:
        self.settings = read_settings(self, self.settings_type)
        self.build()
        self.wire()

    def _transition(self, act: Callable[[], None], reached: str) -> TransitionCallbackReturn:
        """Do a transition; one that fails leaves the node as it was, with a named fault."""
        self.health.clear()  # what is still wrong, or was all along, `act` says again
        try:
            act()
        except Exception as error:
            self.health.fault(type(error).__name__, str(error))
            if reached == "inactive":
                self._unwire()
            if not isinstance(error, MtoptError):
                # rclpy would swallow it; whoever reads the log must see what broke.
                self.get_logger().fatal(traceback.format_exc())
                raise
            self.get_logger().error(f"{type(error).__name__}: {error}")
            return TransitionCallbackReturn.FAILURE
        self.state = reached
        self._beat()  # the warden need not wait for the next one
        return TransitionCallbackReturn.SUCCESS

    def _now_ns(self) -> int:
        """The cell's clock."""
        return int(self.get_clock().now().nanoseconds)

    def _beat(self) -> None:
        beat = convert.heartbeat_msg(self.get_name(), self.state, self.health, time.time_ns())
        self._heartbeats.publish(beat)

    def _entities(self) -> set[Any]:
        kinds: Iterable[Iterable[Any]] = (
            self.publishers,
            self.subscriptions,
            self.clients,
            self.services,
            self.timers,
        )
        return {entity for kind in kinds for entity in kind}

    def _unwire(self) -> None:
        while self._closers:
            self._closers.pop()()
        for entity in self._entities() - self._own:
            self._destroy(entity)

    def _destroy(self, entity: Any) -> None:
        destroyers = {
            "Publisher": self.destroy_publisher,
            "LifecyclePublisher": self.destroy_lifecycle_publisher,
            "Subscription": self.destroy_subscription,
            "Client": self.destroy_client,
            "Service": self.destroy_service,
            "Timer": self.destroy_timer,
        }
        destroyers[type(entity).__name__](entity)
