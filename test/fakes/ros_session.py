"""ROS for tests: a domain of its own, nodes spinning in a thread, and calls that may wait."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.action import ActionClient
from rclpy.client import Client
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from mtopt_ros.calls import call, perform
from mtopt_ros.errors import CallFailed
from mtopt_ros.parameters import flat, leaves
from mtopt_ros.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
CELL = "cell1"
PATIENCE_S = 30.0  # a test that waits so long has failed; none asserts a time

FILES = {
    "workspace_file": str(ROOT / "config" / "workspace.yaml"),
    "actions_file": str(ROOT / "config" / "actions.yaml"),
    "tasks_file": str(ROOT / "config" / "tasks.yaml"),
    "sim_file": str(ROOT / "config" / "sim.yaml"),
    "description_file": str(ROOT / "urdf" / "mtopt_cell.urdf.xacro"),
    "scenes_file": str(ROOT / "config" / "scenes.yaml"),
    "variation_file": str(ROOT / "config" / "variation.yaml"),
    "lenses_file": str(ROOT / "urdf" / "cameras.yaml"),
}

TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}


@cache
def domain_id() -> int:
    """A domain that no other test process on this machine uses, for as long as this one lives."""
    for number in range(80, 90):
        path = Path(tempfile.gettempdir()) / f"mtopt-test-domain-{number}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return number
    raise RuntimeError("ten test sessions already run on this machine")


def environment() -> dict[str, str]:
    """For processes that should meet the nodes of this one."""
    return {
        **os.environ,
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": str(domain_id()),
        "PYTHONUNBUFFERED": "1",
    }


def start_ros() -> None:
    """Initialize rclpy once in this process, out of everybody else's sight."""
    gc.collect()  # nodes of the last test, whose lifecycle services would still be found
    if rclpy.ok():
        return
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    rclpy.init(args=[], domain_id=domain_id(), signal_handler_options=SignalHandlerOptions.NO)


def until(true: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait for a condition; its value. A condition that never holds fails the test by name."""
    deadline = time.monotonic() + patience_s
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {patience_s:g} s in vain for: {what}"
        time.sleep(0.02)


def parameters(values: dict[str, Any]) -> list[Parameter]:
    """Plain values, nested or dotted, as overrides of a node's parameters."""
    return [Parameter(name, value=value) for name, value in flat(values).items()]


def settings_of(name: str, **given: Any) -> list[Parameter]:
    """The project's own files and what a test wants otherwise, for the node of a name."""
    known = {leaf.name for leaf in leaves(SETTINGS[name])}
    files = {key: value for key, value in FILES.items() if key in known}
    return parameters(files | given)


def managed(kind: type, name: str, sim_time: bool = False, **given: Any) -> Any:
    """A node of the product in the test's cell."""
    overrides = settings_of(name, **given)
    overrides.append(Parameter("use_sim_time", value=sim_time))
    return kind(namespace=f"/{CELL}", parameter_overrides=overrides, use_global_arguments=False)


class Spinner:
    """An executor in a thread. An exception that a callback lets out fails the test at the end."""

    def __init__(self, executor: Executor | None = None) -> None:
        self.executor = executor or SingleThreadedExecutor()
        self.error: BaseException | None = None
        self._nodes: list[Any] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin, name="spinner", daemon=True)
        self._thread.start()

    def add(self, node: Any) -> Any:
        """Spin a node until the end, or until it is removed."""
        self._nodes.append(node)
        self.executor.add_node(node)
        self.executor.wake()
        return node

    def remove(self, node: Any) -> None:
        """The end of a node, as sudden as a crash is for everybody else."""
        self._nodes.remove(node)
        self.run(lambda: self.executor.remove_node(node))
        node.destroy_node()

    def run(self, act: Callable[[], Any]) -> Any:
        """Do something between two callbacks, so that nothing runs beside it."""
        task = self.executor.create_task(act)
        until(task.done, "the executor's attention")
        return task.result()

    def close(self) -> None:
        """Stop, close the nodes in the order of the product's processes."""
        self._stop.set()
        self.executor.wake()
        self._thread.join(timeout=PATIENCE_S)
        for node in reversed(self._nodes):
            if hasattr(node, "close"):
                node.close()
        self.executor.shutdown(timeout_sec=1.0)
        for node in self._nodes:
            node.destroy_node()
        if self.error is not None:
            raise self.error

    def _spin(self) -> None:
        try:
            while not self._stop.is_set():
                self.executor.spin_once(timeout_sec=0.05)
        except Exception as error:
            self.error = error


@contextlib.contextmanager
def spinning(*nodes: Any) -> Iterator[Spinner]:
    """Nodes that spin for as long as the block lasts."""
    spinner = Spinner()
    try:
        for node in nodes:
            spinner.add(node)
        yield spinner
    finally:
        spinner.close()


class Prober:
    """A test's own node: calls services and actions, collects messages."""

    def __init__(self, name: str = "prober", **options: Any) -> None:
        self.node = Node(name, namespace=f"/{CELL}", use_global_arguments=False, **options)
        self.spinner = Spinner()
        self.spinner.add(self.node)
        self.abort = threading.Event()
        self._clients: dict[str, Any] = {}

    def close(self) -> None:
        """The end of the node."""
        for client in self._clients.values():
            if isinstance(client, ActionClient):
                client.destroy()
        self._clients = {}
        self.spinner.close()

    def client(self, kind: Any, name: str) -> Client:
        """The client of a service, once it is there."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        found: Client = self._clients[name]
        until(found.service_is_ready, f"service {name}")
        return found

    def action(self, kind: Any, name: str) -> ActionClient:
        """The client of an action, once it is there."""
        if name not in self._clients:
            self._clients[name] = ActionClient(self.node, kind, name)
        found: ActionClient = self._clients[name]
        until(found.server_is_ready, f"action {name}")
        return found

    def ask(self, kind: Any, name: str, request: Any = None) -> Any:
        """A service's response."""
        client = self.client(kind, name)
        return call(client, request or kind.Request(), PATIENCE_S, self.abort)

    def do(self, kind: Any, name: str, goal: Any = None) -> Any:
        """An action's result."""
        client = self.action(kind, name)
        return perform(client, goal or kind.Goal(), PATIENCE_S, self.abort)

    def heard(self, kind: Any, topic: str, qos: Any) -> list[Any]:
        """A list that fills with the messages of a topic from now on."""
        messages: list[Any] = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def change(self, node: str, *transitions: str) -> bool:
        """Lead a node through transitions; whether all succeeded."""
        for transition in transitions:
            request = ChangeState.Request(transition=Transition(id=TRANSITIONS[transition]))
            if not self.ask(ChangeState, f"{node}/change_state", request).success:
                return False
        return True

    def bring_up(self, *nodes: str) -> None:
        """Configure and activate nodes, also such as follow a process that was killed.

        The services of one that was killed are found for a while, and requests to them are lost.
        """
        for node in nodes:
            until(lambda node=node: self._lead_up(node), f"{node} to come up")

    def _lead_up(self, node: str) -> bool:
        client = self.client(GetState, f"{node}/get_state")
        try:
            state = call(client, GetState.Request(), 2.0, self.abort).current_state.label
        except CallFailed:
            return False
        if state in ("unconfigured", "inactive"):
            order = "configure" if state == "unconfigured" else "activate"
            assert self.change(node, order), f"{node} did not {order}"
        return bool(state == "active")

    def state(self, node: str) -> str:
        """The lifecycle state of a node as `ros2 lifecycle get` says it."""
        return str(self.ask(GetState, f"{node}/get_state").current_state.label)
