"""Many processes append, some are killed: every row that was written stands once and whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.catalog import journal, table
from mtopt_data.catalog.row import COLUMNS, Row
from mtopt_data.errors import DiskFull, FolderNotWritable

WRITER = """
import sys
from pathlib import Path
from mtopt_data.catalog import journal
root, cell = Path(sys.argv[1]), sys.argv[2]
for number in range(10**9):
    name = f"{cell}-{number:06d}"
    journal.append(root, [{"episode_id": name, "path": cell + "/" + name, "steps": number}])
    print(number, flush=True)
"""


def row(name: str, path: str = "cell1/x", **values: Any) -> Row:
    return {column.name: None for column in COLUMNS} | {"episode_id": name, "path": path} | values


def test_several_writers_killed_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    rng = random.Random(7)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    told: dict[str, int] = {}
    cells = [f"cell{number}" for number in range(3)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), cell],
            stdout=subprocess.PIPE,
            env=environment,
        )
        for cell in cells
    ]
    for cell, writer in zip(cells, writers, strict=True):
        assert writer.stdout is not None
        for _ in range(30):
            writer.stdout.readline()  # it is at work
        if cell == cells[1]:
            table.compact(tmp_path)  # beside the others' appending
        time.sleep(rng.random() * 0.01)
        writer.kill()
        last = 29 + len(writer.stdout.read().splitlines())
        told[cell] = last
        writer.wait()
    names = [str(name) for name in table.load(tmp_path)["episode_id"].to_pylist()]
    assert len(names) == len(set(names))
    for cell, last in told.items():
        numbers = sorted(int(name[-6:]) for name in names if name.startswith(f"{cell}-"))
        assert numbers == list(range(len(numbers)))
        assert len(numbers) in (last + 1, last + 2)  # the kill came before or after it was told


def test_appending_loads_no_parquet() -> None:
    source = (
        "import sys, mtopt_data.writer, mtopt_data.catalog.rebuild, mtopt_data.data_cli;"
        "print([m for m in ('pyarrow', 'duckdb', 'fsspec') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_full_disk_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(tmp_path, [row("a")])
    path = tmp_path / "catalog" / journal.JOURNAL
    before, real = path.read_bytes(), os.write

    def half(descriptor: int, data: Any) -> int:
        if len(data) < 50:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(data)[: len(data) - 40])

    with monkeypatch.context() as full:
        full.setattr(os, "write", half)
        with pytest.raises(DiskFull, match=r"journal\.txt: no room left"):
            journal.append(tmp_path, [row("b")])
    assert path.read_bytes() == before
    journal.append(tmp_path, [row("c")])
    assert list(journal.read(tmp_path).rows) == ["a", "c"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog").write_text("in the way")
    with pytest.raises(FolderNotWritable, match="catalog"):
        journal.append(tmp_path, [row("a")])


def test_the_last_row_of_an_episode_stands_but_an_address_stays(tmp_path: Path) -> None:
    journal.append(tmp_path, [row("a", steps=1), row("a", steps=2)])
    assert journal.read(tmp_path).rows["a"]["steps"] == 2
    journal.append(tmp_path, [row("a", "s3://b/a"), row("a", "cell1/a")])
    assert journal.known_places(tmp_path) == {"a": "s3://b/a"}


def test_places_are_known_without_parquet_before_and_after_a_compaction(tmp_path: Path) -> None:
    journal.append(tmp_path, [row("b", "s3://x/b"), row("a", "cell1/a with space")])
    before = journal.known_places(tmp_path)
    table.compact(tmp_path)
    assert journal.known_places(tmp_path) == before == {"b": "s3://x/b", "a": "cell1/a with space"}


def test_a_reader_misses_nothing_while_the_journal_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(tmp_path, [row("a")])
    real = journal._take_lines

    def rotated_meanwhile(found: journal.Journal, path: Path) -> None:
        monkeypatch.setattr(journal, "_take_lines", real)
        journal.rotate(tmp_path)
        journal.append(tmp_path, [row("b")])
        real(found, path)

    monkeypatch.setattr(journal, "_take_lines", rotated_meanwhile)
    assert set(journal.read(tmp_path).rows) == {"a", "b"}
