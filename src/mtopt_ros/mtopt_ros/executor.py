"""An executor for processes whose entities seldom change: it gathers what to wait for once.

rclpy's own gathers every subscription, service and timer anew before each wait, and wakes itself
once more after each callback: with the nodes of a cell in one process that is most of what the
process does. This one keeps its list until an entity comes or goes, and leaves out, as rclpy
does, what a callback under way keeps from running. Callbacks, coroutines and tasks are rclpy's.

What a publisher or subscription has to tell of its peers (a QoS that does not fit) is looked
at once a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from rclpy.event_handler import EventHandler
from rclpy.executors import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.task import Task
from rclpy.utilities import timeout_sec_to_nsec
from rclpy.waitable import NumberOfEntities

_PEERS_S = 1.0
_KINDS = ("timers", "subscriptions", "clients", "services", "guards")


@dataclass
class _Gathered:
    """Entities by kind and handle pointer, each with its node, and waitables. Handles are held:
    one that is destroyed lives on until these are let go."""

    held: ExitStack = field(default_factory=ExitStack)
    known: dict[str, dict[int, tuple[Any, Any]]] = field(
        default_factory=lambda: {kind: {} for kind in _KINDS}
    )
    waitables: list[tuple[Any, Any]] = field(default_factory=list)
    peers: list[tuple[Any, Any]] = field(default_factory=list)
    sets: dict[tuple[bool, int], Any] = field(default_factory=dict)


class SteadyExecutor(SingleThreadedExecutor):
    """One thread; `spin_once` as rclpy's. Entities are created and destroyed in that thread."""

    def __init__(self, **options: Any) -> None:
        self._stale = True
        self._gathered = _Gathered()
        self._peers_due_s = 0.0
        self._tasks: list[tuple[Task, Any, Any]] = []
        super().__init__(**options)

    def wake(self) -> None:
        """An entity has come or gone, or a future is done."""
        self._stale = True
        super().wake()

    def add_node(self, node: Any) -> bool:
        """Take over a node's callbacks."""
        self._stale = True
        return bool(super().add_node(node))

    def remove_node(self, node: Any) -> None:
        """Leave a node's callbacks to others."""
        self._stale = True
        super().remove_node(node)

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop; let go of everything."""
        done = bool(super().shutdown(timeout_sec))
        self._gathered.held.close()
        self._gathered = _Gathered()
        return done

    # --- rclpy asks for these -----------------------------------------------------------------

    def _make_handler(self, entity: Any, node: Any, take_from_wait_list: Any) -> Task:
        """A task that takes what has come and runs its callback."""
        entity._executor_event = True
        group = entity.callback_group

        async def handler() -> None:
            if self._is_shutdown or not group.beginning_execution(entity):
                entity._executor_event = False
                return
            with self._work_tracker:
                taken = take_from_wait_list(entity)
                entity._executor_event = False
                try:
                    if taken is not None:
                        await taken()
                finally:
                    group.ending_execution(entity)

        task = Task(handler, executor=self)
        with self._tasks_lock:
            self._tasks.append((task, entity, node))
        return task

    def _wait_for_ready_callbacks(
        self,
        timeout_sec: float | None = None,
        nodes: Any = None,
        condition: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[Task, Any, Any]]:
        """One wait, and a task for all that is ready. Raises what rclpy's raises."""
        left_ns = timeout_sec_to_nsec(timeout_sec)
        end_ns = time.monotonic_ns() + left_ns
        worked = False
        while not worked and not self._is_shutdown and not condition():
            for task in self._in_progress():
                worked = True
                yield task
            # A coroutine that went on may have more to do at once: do not sleep over it.
            ready = self._ready(left_ns)
            for entity, node, take in ready:
                if entity.callback_group.can_execute(entity):
                    worked = True
                    yield self._make_handler(entity, node, take), entity, node
            if left_ns >= 0:
                left_ns = max(0, end_ns - time.monotonic_ns())
                if left_ns == 0 and not worked:
                    raise TimeoutException
        if self._is_shutdown:
            raise ShutdownException
        if condition():
            raise ConditionReachedException

    # --- tasks --------------------------------------------------------------------------------

    def _in_progress(self) -> list[tuple[Task, Any, Any]]:
        with self._tasks_lock:
            self._tasks = [
                entry for entry in self._tasks if not entry[0].done() and not entry[0].cancelled()
            ]
            return [entry for entry in reversed(self._tasks) if not entry[0].executing()]

    def _busy(self) -> bool:
        """Whether a callback has begun and not ended, so that some entities must wait."""
        with self._tasks_lock:
            return any(entity is not None and not task.done() for task, entity, _ in self._tasks)

    # --- waiting ------------------------------------------------------------------------------

    def _ready(self, timeout_ns: int) -> list[tuple[Any, Any, Any]]:
        """Wait; what is ready, in rclpy's order, each with how to take from it."""
        if self._stale:
            self._gather()
        gathered = self._gathered
        waitables = gathered.waitables
        if time.monotonic() >= self._peers_due_s:
            self._peers_due_s = time.monotonic() + _PEERS_S
            waitables = waitables + gathered.peers
        known = gathered.known
        if self._busy():
            known = {kind: self._free(known[kind]) for kind in _KINDS}
            waitables = [entry for entry in waitables if self.can_execute(entry[0])]
        wait_set = self._wait_set(known, [waitable for waitable, _ in waitables])
        with self._context.handle:
            wait_set.wait(timeout_ns)
        if self._is_shutdown:
            raise ShutdownException
        if not self._context.ok():
            raise ExternalShutdownException
        found = [
            (waitable, node, self._take_waitable)
            for waitable, node in waitables
            if waitable.is_ready(wait_set)
        ]
        return found + self._taken(known, wait_set)

    def _taken(
        self, known: dict[str, dict[int, tuple[Any, Any]]], wait_set: Any
    ) -> list[tuple[Any, Any, Any]]:
        takes = {
            "timers": self._take_timer,
            "subscriptions": self._take_subscription,
            "clients": self._take_client,
            "services": self._take_service,
        }
        found: list[tuple[Any, Any, Any]] = []
        for kind, take in takes.items():
            entities = known[kind]
            for pointer in wait_set.get_ready_entities(_NAMES[kind]):
                if pointer not in entities:
                    continue  # part of a waitable
                entity, node = entities[pointer]
                if kind == "timers" and not entity.handle.is_timer_ready():
                    continue  # cancelled meanwhile
                found.append((entity, node, take))
        for pointer in wait_set.get_ready_entities("guard_condition"):
            if pointer in known["guards"]:
                entity, node = known["guards"][pointer]
                entity._executor_triggered = True
        waiting = [entry for entry in known["guards"].values() if entry[0]._executor_triggered]
        return found + [(gc, node, self._take_guard_condition) for gc, node in waiting]

    def _free(self, entities: dict[int, tuple[Any, Any]]) -> dict[int, tuple[Any, Any]]:
        return {pointer: entry for pointer, entry in entities.items() if self.can_execute(entry[0])}

    def _wait_set(self, known: dict[str, dict[int, tuple[Any, Any]]], waitables: list[Any]) -> Any:
        count = NumberOfEntities(
            len(known["subscriptions"]), len(known["guards"]) + 2, len(known["timers"]),
            len(known["clients"]), len(known["services"]),
        )  # fmt: skip
        for waitable in waitables:
            count += waitable.get_num_entities()
        wait_set = _rclpy.WaitSet(
            count.num_subscriptions, count.num_guard_conditions, count.num_timers,
            count.num_clients, count.num_services, count.num_events, self._context.handle,
        )  # fmt: skip
        wait_set.clear_entities()
        for kind, add in (
            ("subscriptions", wait_set.add_subscription),
            ("timers", wait_set.add_timer),
            ("clients", wait_set.add_client),
            ("services", wait_set.add_service),
            ("guards", wait_set.add_guard_condition),
        ):
            for entity, _ in known[kind].values():
                add(entity.handle)
        wait_set.add_guard_condition(self._guard.handle)
        wait_set.add_guard_condition(self._sigint_gc.handle)
        for waitable in waitables:
            waitable.add_to_wait_set(wait_set)
        return wait_set

    def _gather(self) -> None:
        """Everything that all nodes have now, and that some executor may ever run."""
        self._stale = False
        gathered, before = _Gathered(), self._gathered
        for node in self.get_nodes():
            for kind in _KINDS:
                for entity in getattr(node, kind):
                    if _attended(entity):
                        with suppress(_rclpy.InvalidHandle):
                            gathered.held.enter_context(entity.handle)
                            gathered.known[kind][entity.handle.pointer] = entity, node
            for waitable in node.waitables:
                with suppress(_rclpy.InvalidHandle):
                    gathered.held.enter_context(waitable)
                    kept = gathered.peers if isinstance(waitable, EventHandler) else None
                    (gathered.waitables if kept is None else kept).append((waitable, node))
        self._gathered = gathered
        before.held.close()


_NAMES = {
    "timers": "timer",
    "subscriptions": "subscription",
    "clients": "client",
    "services": "service",
}


def _attended(entity: Any) -> bool:
    """Whether an executor may ever run it: a group may say never."""
    return not getattr(entity.callback_group, "unattended", False)
