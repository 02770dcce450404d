"""The rows that were appended and those read from the files are the same, byte for byte."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.catalog import journal, query, table
from mtopt_data.catalog.rebuild import catch_up, rebuild
from mtopt_data.catalog.row import COLUMNS
from mtopt_data.errors import CatalogBusy, CatalogDamaged, CatalogMissing, EpisodeMissing
from mtopt_data.recovery import recover_folder


def parquet(data: Path) -> Path:
    return data / "catalog" / journal.TABLE


def ids(data: Path) -> list[str]:
    return sorted(str(name) for name in table.load(data)["episode_id"].to_pylist())


def test_a_closed_episode_has_its_row(record: Any, data: Path) -> None:
    path = record()
    answer = query.ask(data, "SELECT * FROM episodes")
    [row] = [dict(zip(answer.columns, values, strict=True)) for values in answer.rows]
    assert list(answer.columns) == [column.name for column in COLUMNS]
    assert f"{row['episode_id']}.mcap" == path.name and data / row["path"] == path
    assert (row["task"], row["skill"], row["cell"]) == ("lift-any", "pick", "cell1")
    assert (row["operator"], row["calibration_hash"]) == ("ada", "c0ffee")
    assert row["succeeded"] is True and row["task_probability"] == 0.75
    assert row["success"] == {"lift-any": True, "lift-can": False}
    assert row["probability"] == {"lift-any": 0.75, "lift-can": 0.0}
    assert row["sources"] == {"scripted": 2, "q": 1} and row["steps"] == 3
    assert (row["messages"], row["dropped"], row["duration_s"]) == (5, 2, 2.5)
    assert row["size_bytes"] == path.stat().st_size
    assert row["opened"].isoformat().startswith("2026-08-07T")


def test_an_ungraded_episode_has_no_verdict(record: Any, data: Path) -> None:
    record(graded=False, end_reason="camera_fault")
    asked = "SELECT succeeded, task_probability, ordinary, end_reason FROM episodes"
    assert query.ask(data, asked).rows == [(None, None, False, "camera_fault")]


def test_rebuilt_is_what_was_appended_in_any_order(record: Any, data: Path) -> None:
    for index in range(12):
        record(cell=f"cell{index % 3 + 1}", won=bool(index % 2))
    rows = list(journal.read(data).rows.values())
    shutil.rmtree(data / "catalog")
    random.Random(3).shuffle(rows)
    for part in (rows[:5], rows[5:6], rows[3:]):  # some of them twice
        journal.append(data, part)
        table.compact(data)
    appended = parquet(data).read_bytes(), (data / "catalog" / journal.PLACES).read_bytes()
    shutil.rmtree(data / "catalog")
    for thorough in (False, True):
        assert rebuild(data, thorough=thorough).rows == 12
        again = parquet(data).read_bytes(), (data / "catalog" / journal.PLACES).read_bytes()
        assert again == appended


def test_compacting_changes_no_answer(record: Any, data: Path) -> None:
    paths = [record() for _ in range(4)]
    before = ids(data)
    assert before == sorted(path.stem for path in paths)
    table.compact(data)
    assert ids(data) == before and journal.read(data).rows == {}
    record()
    assert len(ids(data)) == 5


def test_a_grown_journal_is_folded_in_by_who_reads(
    record: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record()
    monkeypatch.setattr(table, "COMPACT_BYTES", 100)
    assert query.ask(data, "SELECT count(*) FROM episodes").rows == [(1,)]
    assert parquet(data).exists() and journal.size_bytes(data) == 0


def test_a_start_makes_up_for_rows_and_opens_no_file_twice(
    record: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [record() for _ in range(3)]
    table.compact(data)
    record()
    with monkeypatch.context() as full:
        full.setattr(journal, "_append_whole", no_room)
        writer_path = record()
    assert writer_path.exists() and writer_path.stem not in ids(data)
    opened: list[Path] = []
    real = rebuild_module().read_tail
    monkeypatch.setattr(rebuild_module(), "read_tail", lambda p: opened.append(p) or real(p))
    assert catch_up(data).rows == 1 and opened == [writer_path]
    assert catch_up(data).rows == 0 and len(opened) == 1
    assert len(ids(data)) == len(paths) + 2


def rebuild_module() -> Any:
    import mtopt_data.catalog.rebuild as module

    return module


def no_room(descriptor: int, data: Any) -> int:
    raise OSError(28, "No space left on device")


def test_a_row_that_finds_no_room_is_told_and_costs_no_episode(
    begin: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = begin().play()
    real = os.write

    def write(descriptor: int, bytes_: Any) -> int:
        is_row = bytes(bytes_[9:22]) == b'{"episode_id"'
        return no_room(descriptor, bytes_) if is_row else real(descriptor, bytes_)

    monkeypatch.setattr(os, "write", write)
    path = recording.close()
    assert path.exists() and "no room left" in recording.writer.uncatalogued
    monkeypatch.undo()
    assert catch_up(data).rows == 1 and ids(data) == [path.stem]


def test_a_start_in_an_empty_folder_makes_an_empty_catalog(data: Path) -> None:
    data.mkdir()
    assert catch_up(data).rows == 0 and ids(data) == []


def test_a_start_takes_the_newest_and_leaves_the_rest_for_later(record: Any, data: Path) -> None:
    paths = [record() for _ in range(5)]
    shutil.rmtree(data / "catalog")
    done = catch_up(data, most=2)
    assert (done.rows, done.waiting) == (2, 3)
    assert ids(data) == [path.stem for path in paths[3:]]


def test_a_file_finished_by_recovery_is_entered(begin: Any, record: Any, data: Path) -> None:
    path = record()
    shutil.rmtree(data / "catalog")
    path.rename(path.with_name(f"{path.name}.part"))
    [done] = recover_folder(data)
    assert done.action == "finished" and ids(data) == [path.stem]


def test_what_cannot_be_read_is_named_and_not_counted(record: Any, data: Path) -> None:
    whole, cut, renamed = record(), record(), record()
    cut.write_bytes(cut.read_bytes()[:-20])
    other = renamed.with_name(renamed.name.replace("0000000", "f000000"))
    renamed.rename(other)
    done = rebuild(data)
    assert done.rows == 1 and ids(data) == [whole.stem]
    assert [why for why in done.refused if str(cut) in why and "closing record" in why]
    assert [why for why in done.refused if str(other) in why and renamed.stem in why]


@pytest.mark.parametrize("where", ["summary", "data"])
def test_altered_bytes_are_found(record: Any, data: Path, where: str) -> None:
    """The end is checked at once; what lies before it where every byte is read."""
    path = record()
    assert rebuild(data).refused == ()
    content = bytearray(path.read_bytes())
    content[-60 if where == "summary" else 400] ^= 1
    path.write_bytes(content)
    assert rebuild(data).rows == (0 if where == "summary" else 1)
    done = rebuild(data, thorough=True)
    assert done.rows == 0 and str(path) in done.refused[0]


def test_an_episode_that_is_there_twice_counts_once(record: Any, data: Path) -> None:
    path = record()
    twin = data / "other" / path.name
    twin.parent.mkdir()
    shutil.copy(path, twin)
    done = rebuild(data)
    assert done.rows == 1 and [why for why in done.refused if "which counts" in why]


def test_the_quarantine_is_not_in_the_catalog(begin: Any, record: Any, data: Path) -> None:
    begin().play().writer.abandon("test")
    record()
    assert rebuild(data).rows == 1


@pytest.mark.parametrize("harm", ["flipped", "gone", "text"])
def test_a_damaged_table_is_named_and_remade(record: Any, data: Path, harm: str) -> None:
    for _ in range(20):
        record()
    table.compact(data)
    path = parquet(data)
    good = path.read_bytes()
    if harm == "flipped":
        path.write_bytes(good[:300] + bytes([good[300] ^ 0x10]) + good[301:])
    elif harm == "gone":
        path.unlink()
    else:
        path.write_text("no Parquet at all")
    with pytest.raises(CatalogDamaged, match=r"episodes\.parquet: .*`data rebuild`"):
        table.load(data)
    assert rebuild(data).rows == 20
    assert path.read_bytes() == good


def test_a_cut_off_journal_line_is_named_and_made_up_for(record: Any, data: Path) -> None:
    record()
    path = data / "catalog" / journal.JOURNAL
    path.write_bytes(path.read_bytes()[:-30])
    record()  # begins a new line
    found = journal.read(data)
    assert len(found.rows) == 1 and "line 1 is cut off or altered" in found.damage[0]
    assert catch_up(data).rows == 1 and len(ids(data)) == 2


def test_an_altered_journal_line_is_no_row(record: Any, data: Path) -> None:
    record()
    path = data / "catalog" / journal.JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"steps":3', b'"steps":4'))
    assert journal.read(data).rows == {}


def test_a_compaction_that_was_killed_anywhere_loses_nothing(
    record: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        record()
    expected = ids(data)
    for stage in ("_write", "_settle", "_write_places", "_drop"):

        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(table, stage, killed)
            with pytest.raises(KeyboardInterrupt):
                table.compact(data)
        assert ids(data) == expected
    table.compact(data)
    assert ids(data) == expected and journal.size_bytes(data) == 0


def test_a_table_of_an_older_version_is_read(record: Any, data: Path) -> None:
    import pyarrow.parquet as pq

    record()
    table.compact(data)
    pq.write_table(pq.read_table(parquet(data)).drop_columns(["operator"]), parquet(data))
    assert query.ask(data, "SELECT operator, steps FROM episodes").rows == [(None, 3)]


def test_a_folder_without_a_catalog_is_named(data: Path) -> None:
    data.mkdir()
    with pytest.raises(CatalogMissing, match="data rebuild"):
        query.ask(data, "SELECT 1")
    with pytest.raises(EpisodeMissing, match="no such folder"):
        rebuild(data / "none")


def test_two_rebuilds_at_once_are_refused(record: Any, data: Path) -> None:
    record()
    with journal.remaking(data), pytest.raises(CatalogBusy, match="another process"):
        rebuild(data)
    assert rebuild(data).rows == 1
