"""Verification finds every altered bit, and tells damage, gaps and notes apart."""

from __future__ import annotations

import random
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import Writer

from mtopt_data.errors import EpisodeMissing
from mtopt_data.survey import survey
from mtopt_data.verification import REQUIRED, verify, verify_folder


def test_a_good_episode_is_ok(begin: Any) -> None:
    found = verify(begin().play().close())
    assert found.ok and not found.damage and not found.gaps
    assert found.notes == ("2 messages of /cell1/joint_states were dropped while recording",)


def test_every_altered_bit_is_found(begin: Any) -> None:
    content = begin(steps=2, chunk_bytes=3000).play().close().read_bytes()
    assert not survey(BytesIO(content), len(content)).damage
    rng = random.Random(5)
    tail = range(len(content) - 60, len(content))
    for position in {*range(60), *tail, *rng.sample(range(len(content)), 150)}:
        altered = bytearray(content)
        altered[position] ^= 1 << rng.randrange(8)
        assert survey(BytesIO(altered), len(altered)).damage, position


def test_every_cut_is_found(begin: Any) -> None:
    content = begin(steps=1).play().close().read_bytes()
    for cut in [*range(30), *random.Random(6).sample(range(len(content)), 60), len(content) - 1]:
        assert survey(BytesIO(content[:cut]), cut).damage, cut


def test_bytes_behind_the_end_are_found(begin: Any) -> None:
    content = begin(steps=1).play().close().read_bytes() + b"\0"
    assert survey(BytesIO(content), len(content)).damage


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_channel_is_a_gap(begin: Any, name: str) -> None:
    found = verify(begin(skip=(name,)).play().close())
    assert not found.damage and not found.ok
    assert f"channel /cell1/{name} is missing" in found.gaps


def test_a_silent_channel_is_a_gap(begin: Any) -> None:
    recording = begin(steps=1)
    recording.open()
    recording.latched()
    recording.step(0)
    found = verify(recording.close())
    assert found.gaps == ("channel /cell1/episode/outcome has no message",)


def test_after_a_fault_gaps_are_only_noted(begin: Any) -> None:
    recording = begin(steps=0, skip=("episode/outcome",)).play()
    found = verify(recording.close(end_reason="camera_fault", end_message="left is silent"))
    assert found.ok
    assert "the episode ended with camera_fault: left is silent" in found.notes
    assert "channel /cell1/episode/outcome is missing" in found.notes


def test_steps_that_are_not_all_there_are_a_gap(begin: Any) -> None:
    found = verify(begin(steps=3).play().close(steps=5))
    assert found.gaps == ("3 steps are recorded, the episode had 5",)


def test_an_ungraded_episode_is_noted(begin: Any) -> None:
    found = verify(begin().play().close(success={}, probability={}))
    assert found.ok and "the outcome was not graded" in found.notes


def test_counts_that_differ_from_the_metadata_are_damage(begin: Any) -> None:
    recording = begin(steps=1)
    recording.open()
    recording.latched()
    metadata = recording.metadata(steps=0)
    recording.writer._container.add_metadata("mtopt.episode", metadata.to_map())
    recording.writer._container.finish()
    found = verify(recording.writer._part.path)
    assert any("the metadata says 0, the file holds 1" in each for each in found.damage)


def test_a_file_under_anothers_name_is_damage(begin: Any) -> None:
    path = begin().play().close()
    renamed = path.with_name(path.name.replace("cell1", "cell2"))
    path.rename(renamed)
    assert any("its metadata" in each for each in verify(renamed).damage)


def foreign(path: Path, profile: str, **options: bool) -> Path:
    """Another program's recording: whole, and no episode."""
    with path.open("wb") as stream:
        writer = Writer(stream, **options)
        writer.start(profile=profile)
        schema = writer.register_schema("std_msgs/msg/Empty", "ros2msg", b"")
        channel = writer.register_channel("/t", "cdr", schema)
        writer.add_message(channel, 1, b"\0\1\0\0\0", 1)
        writer.finish()
    return path


def test_a_recording_without_checksums_is_damage(tmp_path: Path) -> None:
    path = foreign(tmp_path / "foreign.mcap", "ros2", enable_crcs=False)
    damage = " ".join(verify(path).damage)
    assert "has no checksum" in damage and "data section: checksum" in damage


@pytest.mark.parametrize(
    ("profile", "said"),
    [("ros1", "profile 'ros1': an episode has 'ros2'"), ("ros2", "mtopt.episode: missing")],
)
def test_another_programs_recording_is_no_episode(tmp_path: Path, profile: str, said: str) -> None:
    found = verify(foreign(tmp_path / "foreign.mcap", profile, enable_data_crcs=True))
    assert not found.ok and said in " ".join(found.damage)


def test_statistics_that_lie_are_damage(begin: Any) -> None:
    content = bytearray(begin(steps=1).play().close().read_bytes())
    found = survey(BytesIO(content), len(content))
    record = content.index(struct.pack("<BQ", 0x0B, 46 + 10 * len(found.tallies)))
    content[record + 9] += 1
    again = survey(BytesIO(content), len(content))
    assert any(each.startswith("summary: checksum") for each in again.damage)


def test_a_folder_is_judged_as_a_whole(begin: Any, tmp_path: Path) -> None:
    root = tmp_path / "data"
    good, damaged, twice = (begin().play().close() for _ in range(3))
    damaged.write_bytes(damaged.read_bytes()[:-3])
    copy = root / "copy" / twice.name
    copy.parent.mkdir()
    copy.write_bytes(twice.read_bytes())
    left = good.with_name(good.name.replace("00000001", "0000000f") + ".part")
    left.write_bytes(b"")
    begin().play().writer.abandon("test")
    found = verify_folder(root)
    assert not found.ok
    assert [file.path for file in found.files if file.damage] == [damaged]
    assert found.leftovers == (left,)
    assert found.duplicates == (twice.name,)
    assert [path.suffix for path in found.quarantined] == [".mcap"]
    left.unlink(), damaged.unlink(), copy.unlink()
    assert verify_folder(root).ok


def test_nothing_to_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(EpisodeMissing, match=r"gone\.mcap: cannot be read"):
        verify(tmp_path / "gone.mcap")
    with pytest.raises(EpisodeMissing, match="no such folder"):
        verify_folder(tmp_path / "gone")
