"""Cells that do nothing but show images and ask: the load on a policy server that is measured.

They ask through the runner's own client, and publish as a camera's driver does.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image as ImageMsg

from mtopt_core.observation import Image, Observation
from mtopt_msgs.srv import SelectAction

from . import convert
from .calls import call
from .errors import CallFailed, NotReady
from .qos import DRIVER
from .remote import RemotePolicy

CAMERA_HZ = 10.0
SPACE = "bench"  # namespace of the server; the cells are bench1, bench2, ...
_PATIENCE_S = 120.0
_DEADLINE_S = 10.0
_STAMP_AT = 4  # of a serialized message that begins with a Header, behind the encapsulation
_NS = 1_000_000_000


class Cells:
    """Cells of one process: an image of each, ten times a second, and their clients."""

    def __init__(self, count: int, images: Sequence[Image]) -> None:
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context)
        self.node = Node(
            "cells", context=self._context, namespace=f"/{SPACE}", use_global_arguments=False
        )
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
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._threads = [threading.Thread(target=act, daemon=True) for act in (self._spin,)]
        self.policies = {name: self._policy(name) for name in self.names}

    def _policy(self, name: str) -> RemotePolicy:
        client = self.node.create_client(SelectAction, "policy/select_action")
        return RemotePolicy(client, name, _DEADLINE_S, self._abort)

    def start(self, check: Callable[[], None]) -> None:
        """Bring the server up and turn the cameras on; raises NotReady, and what `check` raises."""
        self._threads.append(threading.Thread(target=self._show, daemon=True))
        for thread in self._threads:
            thread.start()
        client = self.node.create_client(ChangeState, "policy/change_state")
        end_s = time.monotonic() + _PATIENCE_S
        for number in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            request = ChangeState.Request(transition=Transition(id=number))
            while not self._done(client, request):
                check()
                if time.monotonic() > end_s:
                    raise NotReady(f"the policy server was not up within {_PATIENCE_S:g} s")
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
        self._context.try_shutdown()

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
