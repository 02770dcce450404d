"""Recording an episode: what other readers find in it, and what goes wrong by name."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import SeekingReader
from rosbags.highlevel import AnyReader

from mtopt_data.errors import (
    ChannelConflict,
    ChannelUnknown,
    DiskFull,
    EpisodeDamaged,
    EpisodeExists,
    FolderNotWritable,
    MessageInvalid,
    MetadataInvalid,
    WriterClosed,
)
from mtopt_data.reader import EpisodeReader, read_metadata
from mtopt_data.recovery import recover_folder
from mtopt_data.survey import survey_file
from mtopt_data.writer import EpisodeWriter

JOINTS = "/cell1/joint_states"


def test_a_closed_episode_lies_under_its_name_alone(begin: Any, tmp_path: Path) -> None:
    recording = begin().play()
    part = next((tmp_path / "data").rglob("*.part"))
    path = recording.close()
    assert path == tmp_path / "data/cell1/2026-08-07" / f"{recording.writer.start.episode_id}.mcap"
    assert not part.exists()
    assert [file for file in (tmp_path / "data/cell1").rglob("*") if file.is_file()] == [path]
    assert recording.writer.report.ok, recording.writer.report


def test_every_message_comes_back_byte_for_byte(begin: Any) -> None:
    recording = begin().play()
    with EpisodeReader(recording.close()) as reader:
        found = [(item.topic, item.data, item.log_ns) for item in reader.messages()]
    assert found == recording.written


def test_mcap_reads_it_with_its_summary_and_checksums(begin: Any) -> None:
    recording = begin(chunk_bytes=4096).play()
    with recording.close().open("rb") as stream:
        reader = SeekingReader(stream, validate_crcs=True)
        header, summary = reader.get_header(), reader.get_summary()
        assert (header.profile, header.library) == ("ros2", "mtopt 0.1.0")
        assert summary is not None and summary.statistics is not None
        assert len(summary.chunk_indexes) > 3
        assert {index.compression for index in summary.chunk_indexes} == {"zstd"}
        assert all(index.message_index_offsets for index in summary.chunk_indexes)
        assert summary.statistics.message_count == len(list(reader.iter_messages()))
        assert [record.name for record in reader.iter_metadata()] == [
            "mtopt.start",
            "mtopt.episode",
        ]


def test_rosbags_decodes_every_message_of_every_channel(begin: Any) -> None:
    recording = begin(chunk_bytes=4096).play()
    with AnyReader([recording.close()]) as reader:
        topics = {connection.topic for connection in reader.connections}
        assert topics == {topic for topic, _, _ in recording.written}
        for connection in reader.connections:
            profile = connection.ext.offered_qos_profiles[0]
            assert (profile.depth, profile.reliability.name) == (5, "RELIABLE")
        decoded = 0
        for connection, _, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            again = reader.typestore.serialize_cdr(message, connection.msgtype)
            assert bytes(again) == bytes(raw)
            decoded += 1
    assert decoded == len(recording.written)


def test_the_metadata_counts_what_was_really_written(begin: Any) -> None:
    recording = begin(steps=2).play()
    metadata = read_metadata(recording.close(frames={JOINTS: 999}))
    assert metadata.frames[JOINTS] == 20
    assert sum(metadata.frames.values()) == len(recording.written)
    assert metadata.drops == {JOINTS: 2}


def test_a_chunk_reaches_the_system_when_it_spans_a_second(begin: Any) -> None:
    recording = begin()
    recording.open()
    recording.latched()
    before = recording.writer.size_bytes
    recording.step(0)
    recording.t_ns += 1_000_000_001
    recording.step(1)
    assert recording.writer.size_bytes > before
    assert recording.writer.size_bytes == recording.writer._part.path.stat().st_size


def test_announcing_a_topic_again_changes_nothing_but_its_type_is_fixed(begin: Any) -> None:
    recording = begin()
    recording.announce("joint_states", "sensor_msgs/msg/JointState")
    recording.announce("joint_states", "sensor_msgs/msg/JointState")
    assert recording.writer.counts == {JOINTS: 0}
    with pytest.raises(ChannelConflict, match="cannot also be sensor_msgs/msg/CameraInfo"):
        recording.announce("joint_states", "sensor_msgs/msg/CameraInfo")
    with pytest.raises(ChannelConflict, match="another definition"):
        recording.writer.add_channel("/other", "sensor_msgs/msg/JointState", "int32 x\n")


@pytest.mark.parametrize(
    ("topic", "data", "stamp", "error"),
    [
        ("/cell1/nothing", b"\0\1\0\0", 1, ChannelUnknown),
        (JOINTS, b"", 1, MessageInvalid),
        (JOINTS, b"\0\1\0\0", -1, MessageInvalid),
        (JOINTS, b"\0\1\0\0", 2**64, MessageInvalid),
    ],
)
def test_a_bad_message_is_named_and_spoils_nothing(
    begin: Any, topic: str, data: bytes, stamp: int, error: type[Exception]
) -> None:
    recording = begin().play()
    with pytest.raises(error, match=topic):
        recording.writer.write(topic, data, stamp, 0)
    assert recording.close().exists()
    assert recording.writer.report.ok


def test_an_episode_is_never_overwritten(begin: Any, make_start: Any) -> None:
    start = make_start()
    open_one = begin(start=start)
    with pytest.raises(EpisodeExists, match=r"\.mcap\.part: is already there"):
        begin(start=start)
    before = open_one.play().close().read_bytes()
    with pytest.raises(EpisodeExists, match=r"\.mcap: is already there"):
        begin(start=start)
    assert open_one.writer.path.read_bytes() == before


def test_a_name_taken_meanwhile_is_not_replaced(begin: Any) -> None:
    recording = begin().play()
    recording.writer.path.write_bytes(b"somebody else's")
    with pytest.raises(EpisodeExists):
        recording.close()
    assert recording.writer.path.read_bytes() == b"somebody else's"
    assert recording.writer._part.path.exists()


def test_metadata_of_another_episode_is_refused(begin: Any) -> None:
    one, other = begin().play(), begin().play()
    with pytest.raises(MetadataInvalid, match="this file is"):
        one.writer.close(other.metadata())
    assert one.close().exists()


def test_nothing_goes_into_a_closed_episode(begin: Any) -> None:
    recording = begin().play()
    recording.close()
    with pytest.raises(WriterClosed):
        recording.step(0)
    with pytest.raises(WriterClosed):
        recording.close()
    with pytest.raises(WriterClosed):
        recording.writer.abandon("too late")
    assert recording.writer.path.exists()


def test_a_folder_that_cannot_be_made_is_named(begin: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderNotWritable, match="file/data"):
        begin(root=tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(begin: Any, tmp_path: Path) -> None:
    root = tmp_path / "locked"
    root.mkdir(mode=0o555)
    with pytest.raises(FolderNotWritable, match="locked"):
        begin(root=root)


def test_a_folder_that_cannot_lock_is_named(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(FolderNotWritable, match="cannot be locked"):
        begin()
    assert not list((tmp_path / "data").rglob("*.part"))


def test_too_little_room_is_told_before_the_episode(begin: Any, tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="MB must be; free some space"):
        begin(keep_free_bytes=2**62)
    assert not list((tmp_path / "data").rglob("*.part"))


def test_a_disk_that_fills_up_stops_the_episode_at_a_whole_record(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = begin(chunk_bytes=2000)
    room = 6000
    real_write = os.write

    def write(descriptor: int, data: Any) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = real_write(descriptor, bytes(data[:room]))
        room -= taken
        return taken

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(DiskFull, match=r"\.mcap\.part: no room left"):
        recording.play()
    with pytest.raises(WriterClosed):
        recording.close()
    monkeypatch.undo()
    [recovery] = recover_folder(tmp_path / "data")
    assert recovery.action == "recovered"
    with EpisodeReader(recovery.path) as reader:
        found = [(item.topic, item.data, item.log_ns) for item in reader.messages()]
    assert found and found == recording.written[: len(found)]
    assert "cut short" not in recovery.reason


LIMITED = """
import resource, sys
from pathlib import Path
from mtopt_data.errors import DiskFull
from mtopt_data.partfile import PartFile
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
part = PartFile.create(Path(sys.argv[1]))
part.write(b"a" * 900)
try:
    part.write(b"b" * 200)
except DiskFull:
    part.write(b"c" * 100)
    sys.exit(7)
"""


def test_the_kernels_own_refusal_leaves_only_whole_writes(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap.part"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LIMITED, str(path)]
    done = subprocess.run(command, env=environment, check=False)
    assert done.returncode == 7
    assert path.read_bytes() == b"a" * 900 + b"c" * 100


def test_a_file_that_does_not_read_back_is_not_an_episode(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = begin(chunk_bytes=2000).play()
    part = recording.writer._part.path
    sync = recording.writer._part.sync

    def sync_then_alter() -> None:
        sync()
        with part.open("r+b") as stream:
            stream.seek(survey_file(part).chunk_offsets[1] + 100)
            stream.write(b"\x55\xaa\x55")

    monkeypatch.setattr(recording.writer._part, "sync", sync_then_alter)
    with pytest.raises(EpisodeDamaged, match="did not read back"):
        recording.close()
    assert not recording.writer.path.exists()
    names = sorted(path.name.split(".", 1)[1] for path in (tmp_path / "data/quarantine").iterdir())
    assert names == ["mcap", "mcap.remains", "reason.txt"]


def test_leaving_the_block_early_puts_the_episode_aside(begin: Any, tmp_path: Path) -> None:
    recording = begin()
    with pytest.raises(RuntimeError, match="a camera is gone"), recording.writer:
        recording.play()
        raise RuntimeError("a camera is gone")
    assert not recording.writer.path.exists()
    [reason] = (tmp_path / "data/quarantine").glob("*.reason.txt")
    assert "RuntimeError: a camera is gone" in reason.read_text()


def test_abandoned_episodes_keep_every_message(begin: Any) -> None:
    recording = begin().play()
    recovery = recording.writer.abandon("discarded by the operator")
    assert (recovery.action, recovery.messages) == ("recovered", len(recording.written))
    metadata = read_metadata(recovery.path)
    assert metadata.end_reason == "recorder_lost"
    assert metadata.end_message == "recovered: discarded by the operator"
    assert metadata.steps == 3


def test_two_recorders_share_a_folder(begin: Any, tmp_path: Path) -> None:
    one, other = begin(), begin()
    for recording in (one, other):
        recording.play()
    assert one.close() != other.close()
    assert len(list((tmp_path / "data").rglob("*.mcap"))) == 2


def test_a_clock_that_goes_back_costs_nothing(begin: Any) -> None:
    recording = begin(steps=2)
    recording.open()
    recording.latched()
    recording.step(0)
    recording.t_ns -= 4_000_000_000
    recording.step(1)
    recording.outcome()
    path = recording.close()
    report = recording.writer.report
    assert report.ok
    assert any("clock went back" in note for note in report.notes)
    with EpisodeReader(path) as reader:
        assert len(list(reader.messages())) == len(recording.written)


def test_the_writer_is_the_only_one_that_names_its_root(tmp_path: Path, make_start: Any) -> None:
    writer = EpisodeWriter(str(tmp_path / "deep" / "down"), make_start(cell="cell_7"))
    assert writer.path.parent == tmp_path / "deep/down/cell_7/2026-08-07"
    writer.abandon("test")
