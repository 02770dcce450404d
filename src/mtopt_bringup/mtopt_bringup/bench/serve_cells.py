"""What bench `serve` is made of: a policy server in its own process, and cells that ask it.

The server is the product's executable under the product's Fast DDS profile. The cells show
images at their camera's size and rate and ask through the runner's own client.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image as ImageMsg

from mtopt_bringup import programs
from mtopt_bringup.errors import StartFailed
from mtopt_core.observation import Image, Observation
from mtopt_msgs.srv import SelectAction
from mtopt_ros import convert
from mtopt_ros.calls import call
from mtopt_ros.errors import CallFailed
from mtopt_ros.parameters import flat
from mtopt_ros.qos import DRIVER
from mtopt_ros.remote import RemotePolicy

CAMERA_HZ = 10.0
SPACE = "bench"  # namespace of the server; the cells are bench1, bench2, ...
_PATIENCE_S = 120.0
_DEADLINE_S = 10.0
_STAMP_AT = 4  # of a serialized message that begins with a Header, behind the encapsulation
_NS = 1_000_000_000


class ServerProcess:
    """The policy node's executable, until it is ended."""

    def __init__(self, folder: Path, parameters: dict[str, Any], environment: dict[str, str]):
        path = folder / "policy.yaml"
        told = {"/**": {"ros__parameters": flat(parameters)}}
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        words = [str(programs.executable("mtopt_ros", "policy")), "--ros-args"]
        words += ["-r", f"__ns:=/{SPACE}", "--params-file", str(path)]
        self._log = folder / "policy.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT
            )

    def end(self) -> None:
        """Ask it to end; kill it if it does not."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raises StartFailed with its last words if it has ended."""
        if self._process.poll() is not None:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise StartFailed(f"the policy server ended: {tail}")


class Cells:
    """Cells of one process: an image of each, ten times a second, and their clients."""

    def __init__(self, count: int, images: Sequence[Image]) -> None:
        rclpy.init(args=[])
        self.node = Node("cells", namespace=f"/{SPACE}", use_global_arguments=False)
        self.names = tuple(f"{SPACE}{number + 1}" for number in range(count))
        self._images = images
        self._payloads = [
            bytearray(serialize_message(convert.image_msg(image, 0, "camera"))) for image in images
        ]
        self._cameras = [
            self.node.create_publisher(ImageMsg, f"/{name}/camera/overhead/image_raw", DRIVER)
            for name in self.names
        ]
        self._abort = threading.Event()
        self.shown = 0  # number of the newest image; its stamp is that many periods
        self.showing = 1  # cells whose cameras are on
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._threads = [threading.Thread(target=act, daemon=True) for act in (self._spin,)]
        self.policies = {name: self._policy(name) for name in self.names}

    def _policy(self, name: str) -> RemotePolicy:
        client = self.node.create_client(SelectAction, "policy/select_action")
        return RemotePolicy(client, name, _DEADLINE_S, self._abort)

    def start(self, server: ServerProcess) -> None:
        """Bring the server up and turn the cameras on; raises StartFailed."""
        self._threads.append(threading.Thread(target=self._show, daemon=True))
        for thread in self._threads:
            thread.start()
        client = self.node.create_client(ChangeState, "policy/change_state")
        end_s = time.monotonic() + _PATIENCE_S
        for number in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            request = ChangeState.Request(transition=Transition(id=number))
            while not self._done(client, request):
                server.check()
                if time.monotonic() > end_s:
                    raise StartFailed(f"the policy server was not up within {_PATIENCE_S:g} s")
                time.sleep(0.2)

    def _done(self, client: Any, request: Any) -> bool:
        try:
            return bool(call(client, request, 10.0, self._abort).success)
        except CallFailed:
            return False

    def seen(self) -> tuple[Observation, int]:
        """What a cell sees that has not moved since the image before the newest; its number."""
        number = self.shown - 1
        image = self._images[number % len(self._images)]
        return Observation(image, False, 0.2, number * _period_ns(), np.eye(4)), number

    def close(self) -> None:
        """Turn everything off."""
        self._abort.set()
        self._executor.shutdown(timeout_sec=1.0)
        for thread in self._threads:
            thread.join(2.0)
        self.node.destroy_node()
        rclpy.try_shutdown()

    def _spin(self) -> None:
        while not self._abort.is_set():
            try:
                self._executor.spin_once(timeout_sec=0.1)
            except ExternalShutdownException:
                return

    def _show(self) -> None:
        next_s = time.monotonic()
        while not self._abort.is_set():
            number = self.shown + 1
            payload = self._payloads[number % len(self._payloads)]
            stamp_ns = number * _period_ns()
            struct.pack_into("<iI", payload, _STAMP_AT, stamp_ns // _NS, stamp_ns % _NS)
            for camera in self._cameras[: self.showing]:
                camera.publish(bytes(payload))
            self.shown = number
            next_s = max(next_s + 1 / CAMERA_HZ, time.monotonic())
            self._abort.wait(next_s - time.monotonic())


def _period_ns() -> int:
    return round(_NS / CAMERA_HZ)
