"""Reading an episode: in order, by topic, decoded, and never silently wrong."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import Writer

from mtopt_data.errors import ChannelUnknown, EpisodeDamaged, EpisodeMissing
from mtopt_data.reader import EpisodeReader, read_metadata


def test_the_metadata_is_what_was_written(begin: Any) -> None:
    recording = begin().play()
    path = recording.close()
    known = recording.metadata()
    assert read_metadata(path) == known.with_frames(read_metadata(path).frames)
    with EpisodeReader(path) as reader:
        assert reader.start == recording.writer.start
        assert reader.channels["/cell1/joint_states"] == "sensor_msgs/msg/JointState"
        assert reader.summary.statistics.message_count == len(recording.written)


def test_messages_of_one_topic_are_in_order_of_time(begin: Any) -> None:
    recording = begin(chunk_bytes=1500).play()
    topic = recording.topic("joint_states")
    with EpisodeReader(recording.close()) as reader:
        found = [(item.data, item.log_ns) for item in reader.messages([topic])]
    assert found == [(data, ns) for name, data, ns in recording.written if name == topic]


def test_decoded_messages_have_their_fields(begin: Any) -> None:
    recording = begin(steps=3).play()
    with EpisodeReader(recording.close()) as reader:
        steps = [item.message for item in reader.decoded([recording.topic("episode/step")])]
        assert sum(1 for _ in reader.decoded()) == len(recording.written)
    assert [step.index for step in steps] == [0, 1, 2]
    assert [step.sent.terminate for step in steps] == [False, False, True]
    assert steps[1].sent.delta.x == pytest.approx(0.04)
    assert steps[1].q == pytest.approx(0.25)


def test_an_unknown_topic_is_named_with_the_known_ones(begin: Any) -> None:
    with (
        EpisodeReader(begin().play().close()) as reader,
        pytest.raises(ChannelUnknown, match=r"no topic /nothing; topics: /cell1/camera"),
    ):
        list(reader.messages(["/nothing"]))


def test_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EpisodeMissing, match=r"gone\.mcap"):
        EpisodeReader(tmp_path / "gone.mcap")


@pytest.mark.parametrize("content", [b"", b"\x89MCAP0\r\n", b"not an episode at all" * 9])
def test_another_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.mcap"
    path.write_bytes(content)
    with pytest.raises(EpisodeDamaged, match=r"other\.mcap: "):
        EpisodeReader(path)


def test_a_recording_without_statistics_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream, use_statistics=False)
        writer.start(profile="ros2")
        writer.finish()
    with pytest.raises(EpisodeDamaged, match="never closed"):
        EpisodeReader(path)


def test_altered_or_cut_bytes_never_come_out_as_messages(begin: Any) -> None:
    recording = begin(steps=1, chunk_bytes=3000).play()
    path = recording.close()
    content = path.read_bytes()
    rng = random.Random(8)
    for position in rng.sample(range(len(content)), 120):
        altered = bytearray(content)
        altered[position] ^= 1 << rng.randrange(8)
        path.write_bytes(altered if position % 2 else content[:position])
        try:
            with EpisodeReader(path) as reader:
                found = [(item.topic, item.data) for item in reader.messages()]
        except EpisodeDamaged as error:
            assert str(path) in str(error)
        else:
            assert {data for _, data in found} <= {data for _, data, _ in recording.written}
