"""The load of a trial: three cameras and joint states, serialized once and published on time."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image, JointState

from mtopt_robot.jpeg import jpeg

from ..qos import DRIVER
from ..recorded_topics import RecordedTopic, recorded_topics
from ..settings import CAMERAS

HEIGHT_PX, WIDTH_PX = 512, 640
IMAGES_HZ, JOINTS_HZ = 30.0, 100.0
RAW, JPEG = "raw", "jpeg"
_RAW_IMAGES = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=60, reliability=ReliabilityPolicy.BEST_EFFORT
)  # two seconds, as there is no memory for more
_SCENES = 8  # images that take turns


@dataclass(frozen=True)
class Load:
    """What is published: `images` is raw or jpeg, rates are `scale` times the usual ones."""

    images: str
    scale: float
    seconds: float


def topics(images: str) -> tuple[RecordedTopic, ...]:
    """What the recorder of a trial listens to: images as they are, in place of compressed ones."""
    if images == JPEG:
        return recorded_topics()
    return tuple(
        RecordedTopic(topic.name.removesuffix("/compressed"), Image, _RAW_IMAGES)
        if topic.type is CompressedImage
        else topic
        for topic in recorded_topics()
    )


def payloads(images: str) -> list[bytes]:
    """Serialized images of a scene with a sensor's noise, each another one."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    found = []
    for scene in range(_SCENES):
        light = 128 + 60 * np.sin(columns / 90 + scene) + 50 * np.cos(rows / 70)
        noisy = light[..., None] + rng.normal(0.0, 1.5, (HEIGHT_PX, WIDTH_PX, 3))
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
        found.append(bytes(serialize_message(_message(images, pixels))))
    return found


def _message(images: str, pixels: np.ndarray) -> CompressedImage | Image:
    if images == JPEG:
        return CompressedImage(format="rgb8; jpeg compressed rgb8", data=jpeg(pixels, 92))
    data = array("B", pixels.tobytes())
    height, width = pixels.shape[:2]
    return Image(height=height, width=width, encoding="rgb8", step=3 * width, data=data)


@dataclass
class Stream:
    """One topic of the load: what it publishes, how often, and how much it has."""

    topic: str
    publisher: Publisher
    payloads: list[bytes]
    period_s: float
    due_s: float = 0.0
    count: int = 0

    def publish(self) -> None:
        """The next message."""
        self.publisher.publish(self.payloads[self.count % len(self.payloads)])
        self.count += 1
        self.due_s += self.period_s


def streams(node: Node, load: Load) -> list[Stream]:
    """Publishers of a load's topics."""
    suffix, kind = ("image_raw", Image) if load.images == RAW else (
        "image_raw/compressed", CompressedImage
    )  # fmt: skip
    images, joints = payloads(load.images), _joints()
    made = [
        Stream(
            f"camera/{camera}/{suffix}",
            node.create_publisher(kind, f"camera/{camera}/{suffix}", DRIVER),
            images,
            1.0 / (IMAGES_HZ * load.scale),
            due_s=number / (3 * IMAGES_HZ * load.scale),
        )
        for number, camera in enumerate(CAMERAS)
    ]
    publisher = node.create_publisher(JointState, "joint_states", DRIVER)
    return [*made, Stream("joint_states", publisher, [joints], 1.0 / (JOINTS_HZ * load.scale))]


def publish(
    load: list[Stream], seconds: float, clock: Callable[[], float] = time.monotonic
) -> float:
    """Publish for some seconds, as late as the machine makes it and never in bursts to catch up;
    how long it took, seconds."""
    began_s = clock()
    while True:
        stream = min(load, key=lambda one: one.due_s)
        now_s = clock() - began_s
        if now_s >= seconds:
            return now_s
        if stream.due_s > now_s:
            time.sleep(min(stream.due_s, seconds) - now_s)
            continue
        stream.publish()
        stream.due_s = max(stream.due_s, now_s - stream.period_s)


def _joints() -> bytes:
    names = [f"iiwa_joint_{number}" for number in range(1, 8)]
    names += ["finger_left", "finger_right", "hinge_left", "hinge_right"]
    zeros = [0.0] * len(names)
    return bytes(
        serialize_message(JointState(name=names, position=zeros, velocity=zeros, effort=zeros))
    )
