"""What an episode's file holds, and what it lacks."""

from __future__ import annotations

import pytest
from rclpy.node import Node

from fakes.ros_session import Prober, until
from mtopt_data.verification import REQUIRED
from mtopt_msgs.msg import CameraExtrinsics
from mtopt_ros.qos import LATCHED
from mtopt_ros.recorded_topics import DropCounter, qos_of, recorded_topics

UNKNOWN = 2**64 - 1


def test_the_file_holds_just_what_verification_asks_for() -> None:
    names = [topic.name for topic in recorded_topics()]
    assert sorted(names) == sorted(REQUIRED)


def test_type_names_are_those_of_a_schema() -> None:
    names = {topic.name: topic.type_name for topic in recorded_topics()}
    assert names["joint_states"] == "sensor_msgs/msg/JointState"
    assert names["camera/left/image_raw/compressed"] == "sensor_msgs/msg/CompressedImage"
    assert names["camera/right/camera_info"] == "sensor_msgs/msg/CameraInfo"
    assert names["camera/extrinsics"] == "mtopt_msgs/msg/CameraExtrinsics"
    assert names["episode/step"] == "mtopt_msgs/msg/EpisodeStep"
    assert names["episode/outcome"] == "mtopt_msgs/msg/EpisodeOutcome"


def test_what_is_said_once_is_latched() -> None:
    assert [topic.name for topic in recorded_topics() if topic.latched] == ["camera/extrinsics"]


def test_the_offer_of_a_publisher_is_told_as_rosbag2_would(ros: None, prober: Prober) -> None:
    node: Node = prober.node
    assert qos_of(node, "/cell1/camera/extrinsics") == ""
    node.create_publisher(CameraExtrinsics, "camera/extrinsics", LATCHED)
    told = until(lambda: qos_of(node, "/cell1/camera/extrinsics"), "the publisher to be found")
    assert "reliability: reliable" in told and "durability: transient_local" in told


# --- drops


@pytest.mark.parametrize(
    ("numbers", "lost"),
    [
        ((1, 2, 3, 4), 0),
        ((1, 2, 5, 6), 2),
        ((1, 3, 5), 2),
        ((7,), 0),  # what was before the first is unknown
        ((7, 8, 1, 2), 0),  # a publisher that began anew
        ((7, 8, 1, 4), 2),
        ((1, UNKNOWN, 2), 0),
        ((UNKNOWN, UNKNOWN), 0),
        ((0, 0, 1), 0),
        ((), 0),
    ],
)
def test_gaps_are_counted(numbers: tuple[int, ...], lost: int) -> None:
    drops = DropCounter()
    for number in numbers:
        drops.saw("a", number)
    assert sum(drops.drops.values()) == lost


def test_topics_do_not_mix() -> None:
    drops = DropCounter()
    for topic, number in (("a", 1), ("b", 10), ("a", 2), ("b", 13), ("a", 4)):
        drops.saw(topic, number)
    assert drops.drops == {"a": 1, "b": 2}


def test_a_new_episode_forgets_the_count_and_keeps_the_sequence() -> None:
    drops = DropCounter()
    for number in (1, 5):
        drops.saw("a", number)
    drops.reset()
    assert drops.drops == {}
    drops.saw("a", 7)
    assert drops.drops == {"a": 1}


def test_totals_stay_and_what_is_known_to_be_lost_counts() -> None:
    drops = DropCounter()
    for number in (1, 5):
        drops.saw("a", number)
    drops.reset()
    drops.lost("a", 2)
    assert drops.drops == {"a": 2} and drops.total == {"a": 5}


def test_several_publishers_of_a_topic_are_not_counted() -> None:
    drops = DropCounter()
    drops.saw("a", 5)
    drops.count("a", False)
    for number in (100, 7, 200):
        drops.saw("a", number)
    drops.count("a", True)
    drops.saw("a", 300)  # what was before is unknown again
    drops.saw("a", 302)
    assert drops.drops == {"a": 1}
