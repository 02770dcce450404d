"""What an episode's file holds: topics of a cell, their types, and how to listen to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible
from sensor_msgs.msg import CameraInfo, CompressedImage, JointState

from mtopt_data.qos import QosProfile, offered_qos
from mtopt_msgs.msg import CameraExtrinsics, EpisodeOutcome, EpisodeStep

from .qos import LATCHED, RECORDED, STATES
from .settings import CAMERAS

STEP_TOPIC, OUTCOME_TOPIC = "episode/step", "episode/outcome"
EXTRINSICS_TOPIC = "camera/extrinsics"


@dataclass(frozen=True)
class RecordedTopic:
    """A topic relative to the cell's namespace; a latched one is repeated in every file."""

    name: str
    type: Any
    qos: QoSProfile
    latched: bool = False

    @property
    def type_name(self) -> str:
        """As in an MCAP schema: package/msg/Name."""
        package, kind, *_ = self.type.__module__.split(".")
        return f"{package}/{kind}/{self.type.__name__}"


def recorded_topics() -> tuple[RecordedTopic, ...]:
    """All topics of an episode's file."""
    cameras = [
        topic
        for camera in CAMERAS
        for topic in (
            RecordedTopic(f"camera/{camera}/image_raw/compressed", CompressedImage, RECORDED),
            RecordedTopic(f"camera/{camera}/camera_info", CameraInfo, RECORDED),
        )
    ]
    return (
        *cameras,
        RecordedTopic(EXTRINSICS_TOPIC, CameraExtrinsics, LATCHED, latched=True),
        RecordedTopic("joint_states", JointState, RECORDED),
        RecordedTopic(STEP_TOPIC, EpisodeStep, STATES),
        RecordedTopic(OUTCOME_TOPIC, EpisodeOutcome, STATES),
    )


def qos_of(node: Node, topic: str) -> str:
    """The offers of a topic's publishers, as rosbag2 would write them."""
    profiles = []
    for publisher in node.get_publishers_info_by_topic(topic):
        qos = publisher.qos_profile
        profiles.append(
            QosProfile(
                depth=qos.depth,
                reliability=qos.reliability.name.lower(),
                durability=qos.durability.name.lower(),
            )
        )
    return offered_qos(profiles)


@dataclass(frozen=True)
class Offers:
    """What the publishers of a topic offer: how many can be heard, and of each that cannot,
    why."""

    heard: int
    mismatches: tuple[str, ...]


def offers_of(node: Node, topic: RecordedTopic, name: str) -> Offers:
    """What there is of a topic, by its full name."""
    publishers = node.get_publishers_info_by_topic(name)
    mismatches = []
    for publisher in publishers:
        fits, reason = qos_check_compatible(publisher.qos_profile, topic.qos)
        if fits == QoSCompatibility.ERROR:
            owner = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
            told = " ".join(reason.replace("ERROR:", "").strip(" ;").split())
            mismatches.append(f"{owner} publishes {name} as the recorder cannot hear it: {told}")
    return Offers(len(publishers) - len(mismatches), tuple(mismatches))


class DropCounter:
    """Gaps in the sequence numbers that each publisher gave its messages.

    It counts one publisher a topic: the numbers of several cannot be told apart.
    """

    _UNKNOWN = 2**64 - 1

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._uncounted: set[str] = set()
        self.drops: dict[str, int] = {}
        self.total: dict[str, int] = {}

    def reset(self) -> None:
        """Forget the counts but the totals, keep the sequence."""
        self.drops = {}

    def count(self, topic: str, countable: bool) -> None:
        """Whether a topic has one publisher."""
        if countable:
            self._uncounted.discard(topic)
        else:
            self._uncounted.add(topic)
            self._last.pop(topic, None)

    def saw(self, topic: str, sequence: int) -> None:
        """A message arrived; a number that went back means a new publisher, not a loss."""
        if sequence in (0, self._UNKNOWN) or topic in self._uncounted:
            return
        last = self._last.get(topic)
        if last is not None and sequence > last + 1:
            self.lost(topic, sequence - last - 1)
        self._last[topic] = sequence

    def lost(self, topic: str, count: int) -> None:
        """So many messages are known to be lost."""
        self.drops[topic] = self.drops.get(topic, 0) + count
        self.total[topic] = self.total.get(topic, 0) + count
