"""A file system of its own that really fills up, and one that really is read-only."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.catalog import journal, moving, table
from mtopt_data.catalog.rebuild import catch_up
from mtopt_data.errors import DataError, DiskFull, FolderNotWritable
from mtopt_data.naming import finished_files, part_files
from mtopt_data.reader import EpisodeReader
from mtopt_data.recovery import recover_folder
from mtopt_data.verification import verify
from mtopt_data.writer import EpisodeWriter


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 400 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def episode(root: Path, make_start: Any, kilobytes: int) -> Path:
    """An episode that does not compress."""
    start = make_start()
    writer = EpisodeWriter(root, start, chunk_bytes=8000)
    writer.add_channel("/cell1/bytes", "mtopt_test/msg/Bytes", "uint8[] data")
    for index in range(kilobytes):
        data = hashlib.shake_256(f"{start.seed}/{index}".encode()).digest(1000)
        writer.write("/cell1/bytes", data, index, index)
    return writer.close(start.finished(ended_ns=10**10, steps=0, end_reason="terminated"))


def test_a_disk_that_fills_up_costs_the_open_episode_and_nothing_else(
    small: Path, make_start: Any, tmp_path: Path
) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(bytes(20_000))
    path = episode(small, make_start, 50)
    closed = {path: path.read_bytes()}
    with pytest.raises(DiskFull, match="no room left"):
        while True:
            path = episode(small, make_start, 90)
            closed[path] = path.read_bytes()
    assert {path: path.read_bytes() for path in closed} == closed
    [left] = part_files(small)
    [told] = recover_folder(small)  # there is no room for a copy either
    assert told.action == "failed" and "no room left" in told.reason and left.exists()
    away = tmp_path / "away"
    away.mkdir()
    with pytest.raises(DiskFull):  # the catalog must learn of it first
        moving.move(small, str(away))
    assert finished_files(small) == list(closed)
    ballast.unlink()
    assert moving.move(small, str(away)).moved == len(closed)  # which makes room
    [told] = recover_folder(small)
    assert told.action == "recovered" and told.messages > 0
    with EpisodeReader(told.path) as reader:
        assert len(list(reader.messages())) == told.messages
    after = episode(small, make_start, 20)
    assert not verify(after).damage
    catch_up(small)
    assert table.load(small).num_rows == len(closed) + 1


def test_a_catalog_without_room_stays_as_it_was(small: Path, make_start: Any) -> None:
    first = episode(small, make_start, 20)
    table.compact(small)
    filler = small / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while file.write(bytes(1000)):
            pass
    before = (journal.folder(small) / journal.TABLE).read_bytes()
    rows = [{"episode_id": f"x{n}", "path": "y" * 100} for n in range(100)]
    with pytest.raises(DiskFull, match=r"journal\.txt"):
        journal.append(small, rows)
    with pytest.raises(DiskFull):
        table.replace(small, [dict(rows[0], end_message="z" * 9000)], [])
    assert (journal.folder(small) / journal.TABLE).read_bytes() == before
    assert list(journal.folder(small).glob("*.new")) == []
    filler.unlink()
    second = episode(small, make_start, 20)
    names = table.load(small)["episode_id"].to_pylist()
    assert sorted(map(str, names)) == [first.stem, second.stem]


def test_a_read_only_disk_is_named_and_its_catalog_can_still_be_asked(
    small: Path, make_start: Any
) -> None:
    path = episode(small, make_start, 5)
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    for act in (
        lambda: episode(small, make_start, 5),
        lambda: journal.append(small, [{"episode_id": "a", "path": "b"}]),
        lambda: table.compact(small),
        lambda: moving.move(small, "memory://x"),
    ):
        with pytest.raises(FolderNotWritable, match="cannot be written"):
            act()
    assert table.load(small).num_rows == 1 and finished_files(small) == [path]
    assert recover_folder(small) == []


def test_a_wall_clock_that_goes_back_gives_ids_and_rows_all_the_same(
    begin: Any, make_start: Any, tmp_path: Path
) -> None:
    late = make_start(episode_id="20260807T142530123Z_cell1_00000001")
    early = make_start(episode_id="20260806T142530123Z_cell1_00000002", started_ns=9 * 10**9)
    for start in (late, early):
        recording = begin(start=start).play()
        recording.writer.close(recording.metadata(ended_ns=start.started_ns))
    data = tmp_path / "data"
    table.compact(data)
    rows = table.load(data).select(["episode_id", "duration_s"]).to_pylist()
    assert [row["episode_id"] for row in rows] == [early.episode_id, late.episode_id]
    assert all(row["duration_s"] == 0.0 for row in rows)
    with pytest.raises(DataError, match="nothing is overwritten"):
        begin(start=late)
