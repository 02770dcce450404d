"""Episodes on their way to another place: never lost, never twice, whatever ends the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from mtopt_data.catalog import journal, moving, table
from mtopt_data.catalog.moving import move, moved_rows, targets
from mtopt_data.catalog.rebuild import rebuild
from mtopt_data.catalog.target import Target
from mtopt_data.errors import CatalogBusy, ChecksumWrong, EpisodeMissing, TargetInvalid
from mtopt_data.naming import finished_files, id_of
from mtopt_data.verification import verify

DAY_S = 86_400.0


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        (tmp_path / "away").mkdir()
        yield str(tmp_path / "away")
    else:
        memory = fsspec.filesystem("memory")
        yield "memory://bucket/episodes"
        memory.store.clear()
        memory.pseudo_dirs[:] = [""]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "away").mkdir()
    return str(tmp_path / "away")


def there(url: str) -> dict[str, bytes]:
    """Name and content of every file at a place."""
    filesystem, base = fsspec.core.url_to_fs(url)
    if not filesystem.exists(base):
        return {}
    return {path.rpartition("/")[2]: filesystem.cat_file(path) for path in filesystem.find(base)}


def paths(data: Path) -> list[str]:
    return sorted(str(path) for path in table.load(data)["path"].to_pylist())


def test_moved_episodes_are_the_same_bytes_elsewhere_and_the_catalog_follows(
    record: Any, data: Path, url: str
) -> None:
    for index in range(4):
        record(cell=f"cell{index % 2 + 1}")
    before = {path.name: path.read_bytes() for path in finished_files(data)}
    told: list[str] = []
    done = move(data, url, tell=told.append)
    assert (done.moved, done.kept, done.refused) == (4, 0, [])
    assert done.size_bytes == sum(map(len, before.values()))
    assert finished_files(data) == [] and there(url) == before
    assert paths(data) == sorted(told) and all("://" in path for path in told)
    assert [fsspec.open(path).open().read() for path in told] == list(before.values())
    assert move(data, url).moved == 0 and len(paths(data)) == 4


def test_a_rebuild_finds_what_was_moved_and_is_the_same_bytes(
    record: Any, data: Path, url: str
) -> None:
    for _ in range(3):
        record()
    move(data, url)
    record()
    table.compact(data)
    parquet = data / "catalog" / journal.TABLE
    before = parquet.read_bytes()
    known = targets(data)
    shutil.rmtree(data / "catalog")
    assert rebuild(data, elsewhere=moved_rows(known)).rows == 4
    assert parquet.read_bytes() == before


def test_young_episodes_stay(record: Any, data: Path, folder: str) -> None:
    old, young = record(), record()
    opened_s = id_of(old).opened_ms / 1000
    younger = young.with_name(young.name.replace("20260807", "20260809"))
    young.rename(younger)  # its metadata is not looked at: it is too young
    done = move(data, folder, keep_days=1.0, now_s=lambda: opened_s + 1.5 * DAY_S)
    assert (done.moved, done.kept) == (1, 1)
    assert finished_files(data) == [younger] and list(there(folder)) == [old.name]


def test_damaged_files_stay_and_are_named(record: Any, data: Path, folder: str) -> None:
    altered, cut, whole = record(), record(), record()
    content = bytearray(altered.read_bytes())
    content[300] ^= 1  # in the data, which no index covers
    altered.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-9])
    done = move(data, folder)
    assert done.moved == 1 and list(there(folder)) == [whole.name]
    assert str(altered) in done.refused[0] and "checksum" in done.refused[0]
    assert str(cut) in done.refused[1]
    assert finished_files(data) == [altered, cut]


class _KilledError(BaseException):
    """The end of the process, for all that the code can do about it."""


STAGES = {
    "while copying": (Target, "_write"),
    "before the copy has its name": (Target, "_digest"),
    "before the catalog knows": (journal, "append"),
    "before the file goes": (Path, "unlink"),
}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("stage", STAGES)
def test_ended_anywhere_the_next_run_goes_on(
    record: Any, data: Path, folder: str, stage: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        record()
    before = {path.name: path.read_bytes() for path in finished_files(data)}
    owner, name = STAGES[stage]
    real = getattr(owner, name)

    def killed(*args: Any, **named: Any) -> Any:
        if after:
            real(*args, **named)
        raise _KilledError

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, killed)
        with pytest.raises(_KilledError):
            move(data, folder)
    here = {path.name: path.read_bytes() for path in finished_files(data)}
    away = {name: content for name, content in there(folder).items() if name in before}
    assert {**away, **here} == before  # whole in one place at least
    assert sorted(row.rpartition("/")[2] for row in paths(data)) == sorted(before)
    move(data, folder)
    assert there(folder) == before and finished_files(data) == []
    assert sorted(row.rpartition("/")[2] for row in paths(data)) == sorted(before)
    assert all("://" in row for row in paths(data))


def test_a_copy_that_reads_back_otherwise_costs_nothing(
    record: Any, data: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record()
    content = path.read_bytes()
    real = Target._write

    def lossy(self: Target, written: str, blocks: Any) -> None:
        real(self, written, [b"".join(blocks)[:-1] + b"?"])

    monkeypatch.setattr(Target, "_write", lossy)
    with pytest.raises(ChecksumWrong, match="read back with another one"):
        move(data, url)
    assert path.read_bytes() == content and there(url) == {}
    assert paths(data) == [str(path.relative_to(data))]


def test_a_file_that_is_there_already_is_not_replaced(record: Any, data: Path, folder: str) -> None:
    path = record()
    filesystem, base = fsspec.core.url_to_fs(folder)
    other = f"{base}/{path.relative_to(data)}"
    filesystem.makedirs(other.rpartition("/")[0], exist_ok=True)
    filesystem.pipe_file(other, b"somebody else's")
    with pytest.raises(ChecksumWrong, match="another file is there"):
        move(data, folder)
    assert path.exists() and filesystem.cat_file(other) == b"somebody else's"


def test_a_place_that_cannot_be_used_is_named(record: Any, data: Path, tmp_path: Path) -> None:
    path = record()
    for wrong, said in (
        (str(tmp_path / "unmounted"), "is it mounted"),
        ("nowhere://x", "nowhere"),
        (str(data), "lies in the data folder"),
        (str(data / "cell1"), "lies in the data folder"),
    ):
        with pytest.raises(TargetInvalid, match=said):
            move(data, wrong)
    with pytest.raises(EpisodeMissing):
        move(tmp_path / "none", str(tmp_path))
    assert path.exists()


def test_errors_of_the_place_become_one_of_ours(
    record: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record()

    class CredentialsError(Exception):
        pass

    def refused(*_: Any, **__: Any) -> None:
        raise CredentialsError("no key\nat all")

    memory = fsspec.filesystem("memory")
    monkeypatch.setattr(type(memory), "open", refused)
    with pytest.raises(TargetInvalid, match=r"memory:/+b/.*CredentialsError: no key at all"):
        move(data, "memory://b")
    assert path.exists()


def test_a_rebuild_without_the_other_place_keeps_the_old_catalog(
    record: Any, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "away").mkdir()
    record()
    move(data, str(tmp_path / "away"))
    (tmp_path / "away").rename(tmp_path / "unplugged")
    with pytest.raises(TargetInvalid, match="is it mounted"):
        rebuild(data, elsewhere=moved_rows(targets(data)))
    assert len(paths(data)) == 1


def test_an_address_outlives_a_late_row_of_the_old_path(
    record: Any, data: Path, folder: str
) -> None:
    record()
    late = list(journal.read(data).rows.values())
    move(data, folder)
    journal.append(data, late)  # by a start that looked before the file went
    assert "://" in paths(data)[0]
    table.compact(data)
    assert "://" in paths(data)[0]


def test_two_movers_at_once_are_refused(record: Any, data: Path, folder: str) -> None:
    record()
    with journal.remaking(data), pytest.raises(CatalogBusy):
        move(data, folder)


MOVER = """
import os, signal, sys, threading, time
from pathlib import Path
from mtopt_data.catalog.moving import move
def told(address):
    print(address, flush=True)
    time.sleep(0.005)
move(Path(sys.argv[1]), sys.argv[2], tell=told)
"""


def test_killed_outright_at_random_moments_all_arrive_once(
    record: Any, data: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    for _ in range(12):
        record()
    before = {path.name: path.read_bytes() for path in finished_files(data)}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for lines in (1, 2, 4):
        command = [sys.executable, "-c", MOVER, str(data), str(away)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as mover:
            assert mover.stdout is not None
            for _ in range(lines):
                mover.stdout.readline()
            mover.kill()
        assert sorted(row.rpartition("/")[2] for row in paths(data)) == sorted(before)
    move(data, str(away))
    assert there(str(away)) == before and finished_files(data) == []
    assert all(verify(path).damage == () for path in finished_files(away))
    assert moving.targets(data) == [f"file://{away}"]
