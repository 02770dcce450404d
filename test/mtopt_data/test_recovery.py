"""What a crash leaves, cut anywhere, is settled by name and never passes for an episode."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mtopt_data.recovery as recovery_module
from mtopt_data.errors import EpisodeMissing
from mtopt_data.partfile import PartFile
from mtopt_data.reader import EpisodeReader, read_metadata
from mtopt_data.recovery import recover_folder
from mtopt_data.survey import survey_file
from mtopt_data.verification import verify, verify_folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def whole_part(begin: Any, **options: Any) -> tuple[Any, Path, bytes]:
    """A recording, where its unfinished file lay, and the bytes it had when closed."""
    recording = begin(chunk_bytes=1500, **options).play()
    part = recording.writer._part.path
    path = recording.close()
    content = path.read_bytes()
    path.unlink()
    return recording, part, content


def messages_of(path: Path) -> list[tuple[str, bytes, int]]:
    with EpisodeReader(path) as reader:
        return [(item.topic, item.data, item.log_ns) for item in reader.messages()]


def test_a_file_cut_at_any_byte_is_settled_and_counted(begin: Any, data: Path) -> None:
    recording, part, content = whole_part(begin, steps=2)
    rng = random.Random(1)
    cuts = {
        *range(12),
        *range(len(content) - 12, len(content)),
        *rng.sample(range(len(content)), 90),
    }
    most = 0
    for cut in sorted(cuts):
        part.write_bytes(content[:cut])
        [done] = recover_folder(data)
        assert done.action in ("recovered", "quarantined"), (cut, done)
        assert not part.exists()
        assert done.path.exists() and done.path.parent == data / "quarantine"
        reason = data / "quarantine" / f"{recording.writer.start.episode_id}.reason.txt"
        assert recovery_module.KILLED in reason.read_text()
        if done.action == "recovered":
            found = messages_of(done.path)
            assert found == recording.written[: len(found)]
            assert done.messages == len(found) >= most
            assert verify(done.path).ok
            assert not read_metadata(done.path).ordinary
            most = len(found)
        else:
            assert most == 0
        assert verify_folder(data).files == ()
    assert most == len(recording.written)


def test_only_the_last_chunk_can_be_lost(begin: Any, data: Path) -> None:
    recording, part, content = whole_part(begin)
    part.write_bytes(content)
    offsets = survey_file(part).chunk_offsets
    part.write_bytes(content[: offsets[-1] + 20])
    [done] = recover_folder(data)
    whole = [len(messages_of(done.path)), done.messages]
    assert 0 < len(recording.written) - done.messages < 10
    assert whole == [done.messages] * 2


def test_a_complete_file_only_gets_its_name(begin: Any, data: Path) -> None:
    recording, part, content = whole_part(begin)
    part.write_bytes(content)
    [done] = recover_folder(data)
    assert (done.action, done.path) == ("finished", recording.writer.path)
    assert done.path.read_bytes() == content
    assert verify_folder(data).ok


def test_a_recovered_file_knows_its_task_and_its_counts(begin: Any, data: Path) -> None:
    recording, part, content = whole_part(begin)
    part.write_bytes(content[: len(content) // 2])
    [done] = recover_folder(data, "the power went")
    metadata = read_metadata(done.path)
    assert (metadata.task, metadata.seed, metadata.operator) == ("lift-any", 42, "ada")
    assert (metadata.end_reason, metadata.succeeded) == ("recorder_lost", None)
    assert metadata.end_message == "recovered: the power went"
    assert sum(metadata.frames.values()) == done.messages
    assert metadata.steps == metadata.frames["/cell1/episode/step"]
    assert recording.writer.start.started_ns < metadata.ended_ns <= recording.t_ns


def test_an_altered_chunk_in_the_middle_costs_only_itself(begin: Any, data: Path) -> None:
    recording, part, content = whole_part(begin)
    part.write_bytes(content)
    offset = survey_file(part).chunk_offsets[2]
    part.write_bytes(content[: offset + 100] + b"\x00\xff\x00" + content[offset + 103 :])
    [done] = recover_folder(data)
    found = messages_of(done.path)
    assert set(found) < set(recording.written)
    assert len(recording.written) - 10 < len(found) < len(recording.written)
    assert f"chunk at byte {offset}" in done.reason
    assert done.path.with_name(done.path.name + ".remains").exists()


def test_without_its_first_record_the_messages_are_still_kept(begin: Any, data: Path) -> None:
    recording, part, content = whole_part(begin)
    start = content.index(b"mtopt.start")
    part.write_bytes(content[:start] + b"mtopt.smart" + content[start + 11 :])
    [done] = recover_folder(data)
    assert (done.action, done.messages) == ("recovered", len(recording.written))
    assert "its start record is lost" in done.reason


def test_an_empty_file_is_put_aside_with_its_reason(begin: Any, data: Path) -> None:
    _, part, _ = whole_part(begin)
    part.write_bytes(b"")
    [done] = recover_folder(data)
    assert (done.action, done.messages) == ("quarantined", 0)
    assert "the file is empty" in done.reason


def test_garbage_is_kept_as_it_is(begin: Any, data: Path) -> None:
    _, part, _ = whole_part(begin)
    garbage = random.Random(3).randbytes(5000)
    part.write_bytes(garbage)
    [done] = recover_folder(data)
    assert (done.action, done.path.read_bytes()) == ("quarantined", garbage)


def test_a_file_that_is_being_written_is_left_alone(begin: Any, data: Path) -> None:
    living = begin().play()
    [done] = recover_folder(data)
    assert (done.action, done.path) == ("busy", living.writer._part.path)
    found = verify_folder(data)
    assert (found.being_written, found.leftovers) == ((living.writer._part.path,), ())
    assert found.ok
    assert living.close().exists()
    assert recover_folder(data) == []


def test_strangers_files_are_left_alone(data: Path) -> None:
    data.mkdir()
    stranger = data / "notes.mcap.part"
    stranger.write_bytes(b"mine")
    [done] = recover_folder(data)
    assert (done.action, stranger.read_bytes()) == ("failed", b"mine")
    assert "episode id 'notes'" in done.reason


def test_closed_episodes_stay_byte_for_byte(begin: Any, data: Path) -> None:
    closed = [begin().play().close() for _ in range(3)]
    before = [path.read_bytes() for path in closed]
    _, part, content = whole_part(begin)
    part.write_bytes(content[:4000])
    recover_folder(data)
    assert [path.read_bytes() for path in closed] == before
    assert len(verify_folder(data).files) == 3


def test_a_recovery_that_is_killed_starts_over(
    begin: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, part, content = whole_part(begin)
    part.write_bytes(content[:-40])
    for name in ("replace", "unlink"):
        with monkeypatch.context() as patch:
            patch.setattr(recovery_module.os, name, _killed)
            patch.setattr(Path, name, _killed) if name == "unlink" else None
            with pytest.raises(KeyboardInterrupt):
                recover_folder(data)
        assert part.read_bytes() == content[:-40]
    [done] = recover_folder(data)
    assert done.messages == len(recording.written)
    assert sorted(path.suffix for path in (data / "quarantine").iterdir()) == [".mcap", ".txt"]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_does_not_read_back_is_not_deleted(
    begin: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, part, content = whole_part(begin)
    part.write_bytes(content[:-40])
    sync = PartFile.sync

    def lose_a_byte(self: PartFile) -> None:
        sync(self)
        os.truncate(self.path, self.tell() - 1)

    monkeypatch.setattr(PartFile, "sync", lose_a_byte)
    [done] = recover_folder(data)
    assert (done.action, done.path) == ("failed", part)
    assert part.read_bytes() == content[:-40]
    monkeypatch.undo()
    assert [each.action for each in recover_folder(data)] == ["recovered"]


def test_no_room_for_the_copy_leaves_the_remains_where_they_are(
    begin: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, part, content = whole_part(begin)
    part.write_bytes(content[:-40])

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    [done] = recover_folder(data)
    monkeypatch.undo()
    assert done.action == "failed" and "no room left" in done.reason
    assert part.read_bytes() == content[:-40]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EpisodeMissing, match="nowhere: no such folder"):
        recover_folder(tmp_path / "nowhere")


RECORDER = """
import sys, time
from pathlib import Path
from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.writer import EpisodeWriter
start = EpisodeStart(
    episode_id=str(EpisodeId.new("cell1", time.time_ns())), cell="cell1", task="lift-any",
    skill="pick", robot_serial="", operator="", calibration_hash="", software_version="0.1.0",
    seed=1, started_ns=0,
)
writer = EpisodeWriter(sys.argv[1], start, chunk_bytes=2000)
writer.add_channel("/cell1/text", "std_msgs/msg/String", "string data\\n")
for index in range(10**9):
    data = b"\\0\\1\\0\\0\\x05\\0\\0\\0%04d\\0" % (index % 10000)
    writer.write("/cell1/text", data, index * 10**6, index * 10**6)
    if index % 100 == 99:
        print(writer.size_bytes, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 4, 9])
def test_a_recorder_killed_outright_loses_only_its_open_chunk(data: Path, lines: int) -> None:
    command = [sys.executable, "-c", RECORDER, str(data)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as recorder:
        assert recorder.stdout is not None
        for _ in range(lines):
            recorder.stdout.readline()
        assert [done.action for done in recover_folder(data)] == ["busy"]
        recorder.send_signal(signal.SIGKILL)
    [done] = recover_folder(data)
    assert done.action == "recovered"
    texts = [item.data[8:12] for item in EpisodeReader(done.path).messages()]
    assert texts == [b"%04d" % (index % 10000) for index in range(len(texts))]
    assert len(texts) >= 100 * lines - 60
