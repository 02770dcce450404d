"""Listens to a simulated cell's hardware topics while it keeps the cell busy: for measuring.

The arm swings about its home and the right bin shakes what lies in it, without a pause, so that
nothing comes to rest. What is read of the images is their stamps: the rest is the reader's cost.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS

from . import convert
from .errors import CallFailed
from .qos import DRIVER, RECORDED
from .settings import CAMERAS

_SWING_RAD, _SHAKE_RAD = 0.5, 0.15
_BEAT_S = 1.0  # simulated time of each swing
_STAMP = struct.Struct("<iI")  # of a header, behind the four bytes that begin every message
_STAMP_AT = 4
_NS = 1_000_000_000


@dataclass
class Heard:
    """What came in over some wall time: stamps in ns, of the clock and of each camera's images."""

    wall_s: float = 0.0
    clock_ns: list[int] = field(default_factory=list)
    images_ns: dict[str, list[int]] = field(default_factory=lambda: {c: [] for c in CAMERAS})

    @property
    def simulated_s(self) -> float:
        """Simulated time from the first to the last clock message."""
        return (self.clock_ns[-1] - self.clock_ns[0]) / _NS if self.clock_ns else 0.0

    @property
    def steps_back(self) -> int:
        """How often the clock did not go forward from one message to the next."""
        return sum(after <= before for before, after in pairwise(self.clock_ns))

    @property
    def received(self) -> int:
        """Images, each counted once."""
        return sum(len(set(stamps)) for stamps in self.images_ns.values())

    def published(self, rate_hz: float) -> int:
        """Images that a rate in simulated time made, from each camera's first to its last."""
        spans = [stamps[-1] - stamps[0] for stamps in self.images_ns.values() if stamps]
        return sum(round(span / _NS * rate_hz) + 1 for span in spans)


class HardwareProbe:
    """A node of its own context in a cell's namespace. Close it."""

    def __init__(self, namespace: str, home_q_rad: Sequence[float]) -> None:
        self._home = [float(q) for q in home_q_rad]
        self._context = rclpy.Context()
        rclpy.init(context=self._context, args=[], signal_handler_options=SignalHandlerOptions.NO)
        self.node = Node(
            "probe", namespace=namespace, context=self._context, use_global_arguments=False
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._heard = Heard()
        self._beat = -1
        self.node.create_subscription(Clock, "/clock", self._on_clock, RECORDED)
        for camera in CAMERAS:
            self.node.create_subscription(
                Image,
                f"camera/{camera}/image_raw",
                lambda data, camera=camera: self._on_image(camera, data),
                RECORDED,
                raw=True,
            )
        self._arm, self._bin = (
            self.node.create_publisher(
                JointTrajectory, f"{name}_controller/joint_trajectory", DRIVER
            )
            for name in ("arm", "bin")
        )

    def close(self) -> None:
        """Leave."""
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def wait(self, timeout_s: float) -> None:
        """Until images of all cameras come in; raises CallFailed."""
        self._heard = Heard()
        end_s = time.monotonic() + timeout_s
        while not all(self._heard.images_ns.values()):
            if time.monotonic() > end_s:
                raise CallFailed(f"no images of all cameras within {timeout_s:g} s")
            self._executor.spin_once(timeout_sec=0.1)
        if self.node.count_publishers("/clock") != 1:
            raise CallFailed("another simulation is on /clock: end it, or set ROS_DOMAIN_ID")

    def listen(self, duration_s: float) -> Heard:
        """What comes in over some wall time."""
        self._heard = heard = Heard()
        began_s = time.monotonic()
        while time.monotonic() - began_s < duration_s:
            self._executor.spin_once(timeout_sec=0.1)
        heard.wall_s = time.monotonic() - began_s
        return heard

    def _on_clock(self, message: Clock) -> None:
        now_ns = convert.stamp_ns(message.clock)
        self._heard.clock_ns.append(now_ns)
        beat = int(now_ns // round(_BEAT_S * _NS))
        if beat != self._beat:
            self._beat = beat
            self._swing(1.0 if beat % 2 else 0.0)

    def _on_image(self, camera: str, data: bytes) -> None:
        sec, nanosec = _STAMP.unpack_from(data, _STAMP_AT)
        self._heard.images_ns[camera].append(sec * _NS + nanosec)

    def _swing(self, share: float) -> None:
        arm = [self._home[0] + _SWING_RAD * (2.0 * share - 1.0), *self._home[1:]]
        for publisher, names, goal in (
            (self._arm, ARM_JOINTS, arm),
            (self._bin, BIN_JOINTS, [0.0, _SHAKE_RAD * share]),
        ):
            point = JointTrajectoryPoint(positions=goal)
            point.time_from_start.sec = int(_BEAT_S)
            publisher.publish(JointTrajectory(joint_names=list(names), points=[point]))
