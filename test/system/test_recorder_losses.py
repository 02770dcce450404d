"""What a recorder loses it counts, by topic; what it cannot hear it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import JointState

from fakes.recorded_cell import Cell, begin, end, new_id
from fakes.ros_session import CELL, Prober, Spinner, managed, until
from mtopt_data.metadata import EpisodeMetadata
from mtopt_data.reader import EpisodeReader
from mtopt_msgs.msg import EpisodeStep, Heartbeat
from mtopt_ros import recorder_node
from mtopt_ros.qos import DRIVER, STATES
from mtopt_ros.recorder_node import RecorderNode

pytestmark = pytest.mark.system

JOINTS = f"/{CELL}/joint_states"
DEPTH = 500  # of the recorder's subscription


@pytest.fixture
def cell(prober: Prober) -> Cell:
    return Cell(prober)


@pytest.fixture
def beats(prober: Prober) -> list[Heartbeat]:
    return prober.heard(Heartbeat, "heartbeat", STATES)


@pytest.fixture
def recorder(cell: Cell, spinner: Spinner, prober: Prober, tmp_path: Path) -> RecorderNode:
    node: RecorderNode = spinner.add(
        managed(RecorderNode, "recorder", data=str(tmp_path), stop_wait_s=0.3)
    )
    prober.bring_up("recorder")
    until(cell.heard, "the recorder to listen")
    return node


def joints(cell: Cell, count: int) -> None:
    """So many joint states as fast as they go."""
    publisher = cell.publisher("joint_states")
    for _ in range(count):
        publisher.publish(JointState())


def hold_up(spinner: Spinner, meanwhile: Callable[[], None]) -> None:
    """Have the recorder's process be busy with something else until this is done."""
    spinner.run(meanwhile)


def recorded(prober: Prober, cell: Cell, act: Callable[[], None], steps: int = 0) -> Any:
    """The metadata of an episode in which something was done."""
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    act()
    done = end(prober, cell.outcome(episode_id), steps)
    assert done.ok, done.error
    with EpisodeReader(done.path) as reader:
        metadata: EpisodeMetadata = reader.metadata
        counts = [item.topic for item in reader.messages([JOINTS])]
    assert len(counts) == metadata.frames[JOINTS]
    assert done.drops == sum(metadata.drops.values())
    return metadata


def values(beat: Heartbeat) -> dict[str, str]:
    return {pair.key: pair.value for pair in beat.values}


def test_what_had_arrived_when_the_end_was_asked_for_is_in_the_file(
    recorder: RecorderNode, cell: Cell, prober: Prober, spinner: Spinner
) -> None:
    found = recorded(prober, cell, lambda: hold_up(spinner, lambda: joints(cell, 300)))
    assert found.frames[JOINTS] == 300 and not found.drops


def test_what_overflowed_is_counted_by_topic_in_the_file_and_in_the_heartbeat(
    recorder: RecorderNode, cell: Cell, prober: Prober, spinner: Spinner, beats: list[Heartbeat]
) -> None:
    def overflow() -> None:
        joints(cell, 10)
        time.sleep(0.2)  # so that the sequence has a beginning
        hold_up(spinner, lambda: joints(cell, DEPTH + 250))

    found = recorded(prober, cell, overflow)
    lost = found.drops[JOINTS]
    assert lost >= 250 and found.frames[JOINTS] + lost == 10 + DEPTH + 250
    assert set(found.drops) == {JOINTS}
    until(lambda: values(beats[-1]).get("drops joint_states") == str(lost), "the count in a beat")
    assert values(beats[-1])["drops"] == str(lost)
    assert beats[-1].level == Heartbeat.WARN and f"{lost} of joint_states" in beats[-1].message


def test_what_was_not_written_in_time_is_counted_too(
    recorder: RecorderNode,
    cell: Cell,
    prober: Prober,
    spinner: Spinner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recorder_node, "_WORK_OFF_S", 0.0)
    recorder.settings = type(recorder.settings)(
        data=recorder.settings.data, stop_wait_s=0.0
    )  # no time at all
    found = recorded(prober, cell, lambda: hold_up(spinner, lambda: joints(cell, 400)))
    assert found.drops.get(JOINTS, 0) > 0
    assert found.frames[JOINTS] + found.drops[JOINTS] == 400


def test_between_two_episodes_nothing_is_lost(
    recorder: RecorderNode, cell: Cell, prober: Prober, spinner: Spinner
) -> None:
    recorded(prober, cell, lambda: joints(cell, 5))
    hold_up(spinner, lambda: joints(cell, DEPTH + 100))  # nobody wants these
    found = recorded(prober, cell, lambda: joints(cell, 5))
    assert found.frames[JOINTS] == 5 and not found.drops


def test_times_are_those_of_arrival(
    recorder: RecorderNode, cell: Cell, prober: Prober, spinner: Spinner
) -> None:
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    began_ns = time.time_ns()

    def three() -> None:
        for _ in range(3):
            joints(cell, 1)
            time.sleep(0.1)

    hold_up(spinner, three)  # all three are taken at once, later
    done = end(prober, cell.outcome(episode_id))
    with EpisodeReader(done.path) as reader:
        times = [item.log_ns for item in reader.messages([JOINTS])]
    apart = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 3 and times[0] >= began_ns
    assert all(80_000_000 < ns < 400_000_000 for ns in apart)


# --- what cannot be heard


def test_a_publisher_that_cannot_be_heard_is_named_until_it_is_gone(
    recorder: RecorderNode, cell: Cell, prober: Prober, beats: list[Heartbeat]
) -> None:
    offer = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
    odd = prober.node.create_publisher(EpisodeStep, "episode/step", offer)
    name = "IncompatibleQos episode/step"
    until(lambda: beats and beats[-1].fault == name, "the warning")
    assert beats[-1].level == Heartbeat.WARN
    assert f"/{CELL}/prober publishes /{CELL}/episode/step" in beats[-1].message
    assert "est effort" in beats[-1].message
    assert begin(prober, new_id()).ok  # an episode's start clears what is over, and no more
    assert name in recorder.health.warnings
    prober.node.destroy_publisher(odd)
    until(lambda: beats[-1].fault != name, "the warning to be over")


def test_what_is_said_once_must_be_offered_to_late_listeners(
    recorder: RecorderNode, prober: Prober, beats: list[Heartbeat]
) -> None:
    from mtopt_msgs.msg import CameraExtrinsics

    offer = QoSProfile(depth=1, durability=DurabilityPolicy.VOLATILE)
    prober.node.create_publisher(CameraExtrinsics, "camera/extrinsics", offer)
    until(lambda: beats and "camera/extrinsics" in beats[-1].fault, "the warning")
    assert "olatile" in beats[-1].message


def test_the_numbers_of_several_publishers_are_not_mixed_up(
    recorder: RecorderNode, cell: Cell, prober: Prober, beats: list[Heartbeat]
) -> None:
    joints(cell, 50)
    second = prober.node.create_publisher(JointState, "joint_states", DRIVER)
    until(lambda: beats and beats[-1].fault == "SeveralPublishers joint_states", "the warning")

    def by_turns() -> None:
        until(lambda: second.get_subscription_count() > 0, "the recorder to hear the second")
        for _ in range(10):
            joints(cell, 1)
            second.publish(JointState())
            time.sleep(0.01)

    found = recorded(prober, cell, by_turns)
    assert found.frames[JOINTS] == 20 and not found.drops


def test_an_episode_that_the_catalog_did_not_learn_of_is_told_and_made_up_for(
    recorder: RecorderNode, cell: Cell, prober: Prober, beats: list[Heartbeat], tmp_path: Path
) -> None:
    from mtopt_data.catalog import journal

    recorded(prober, cell, lambda: joints(cell, 1))
    assert len(journal.read(tmp_path).rows) == 1
    catalog = tmp_path / "catalog"
    catalog.rename(tmp_path / "aside")
    catalog.write_text("in the way")
    recorded(prober, cell, lambda: joints(cell, 1))
    until(lambda: beats and beats[-1].fault == "CatalogBehind", "the warning")
    catalog.unlink()
    (tmp_path / "aside").rename(catalog)
    assert prober.change("recorder", "deactivate", "cleanup", "configure", "activate")
    assert len(journal.read(tmp_path).rows) == 2
