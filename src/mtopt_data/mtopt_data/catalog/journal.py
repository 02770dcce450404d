"""The rows since the last compaction: text lines that many processes append, each whole or void.

A line is the CRC-32 of what follows it, eight hex digits, then a row as JSON. A process killed
while it writes leaves at most a line that its checksum gives away; the next one begins a new
line. Nothing here loads Parquet: a robot's process appends and goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CatalogBusy, CatalogDamaged, FolderNotWritable
from ..naming import CATALOG
from ..partfile import make_folder, named, sync_folder
from .row import Row, is_remote

JOURNAL, ROTATED = "journal.txt", "journal-*.txt"
PLACES, TABLE, TARGETS = "places.txt", "episodes.parquet", "targets.txt"
_APPENDING, _REMAKING = "append.lock", "remake.lock"


@dataclass(frozen=True)
class Journal:
    """The journal as read: the rows by id, and the lines that no row can be read from."""

    rows: dict[str, Row] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)

    def put(self, row: Row) -> None:
        """Take a row; of one episode the address that it was moved to outlives its old path."""
        known = self.rows.get(row["episode_id"])
        if known is None or is_remote(row["path"]) or not is_remote(known["path"]):
            self.rows[row["episode_id"]] = row


def gone(episode_id: str) -> Row:
    """The row of an episode that has none any more."""
    return {"episode_id": episode_id, "path": ""}


def is_gone(row: Row) -> bool:
    """Whether it says that its episode has no row any more."""
    return not row["path"]


def folder(root: Path) -> Path:
    """Where the catalog of a data folder lies."""
    return root / CATALOG


def append(root: Path, rows: Iterable[Row], *, sync: bool = False) -> None:
    """Append rows in one write; waits for other appenders, and for nobody else.

    With `sync` they are on the disk when it returns; without it, a power cut may cost rows
    (and no episode): the next start finds what is missing. Raises FolderNotWritable, DiskFull;
    then nothing was appended.
    """
    append_lines(root, JOURNAL, rows, sync=sync)


def append_lines(
    root: Path, name: str, values: Iterable[Mapping[str, Any]], *, sync: bool = False
) -> None:
    """Append lines to a file of the catalog, as `append` does."""
    data = b"".join(_line(value) for value in values)
    if not data:
        return
    make_folder(folder(root))
    path = folder(root) / name
    with _locked(folder(root) / _APPENDING, wait=True):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise named(error, path) from error
        try:
            _append_whole(descriptor, data)
            if sync:
                os.fsync(descriptor)
        except OSError as error:
            raise named(error, path) from error
        finally:
            os.close(descriptor)


def read(root: Path) -> Journal:
    """All rows since the last compaction, whatever is appended, rotated or compacted meanwhile.

    Read it before the table: then what leaves it meanwhile is in the table. Raises
    CatalogDamaged where the disk cannot read it.
    """
    while True:
        journal = Journal()
        try:
            before = _files(root)
            for path in before.values():
                _take_lines(journal, path)
            if _files(root) == before:
                return journal
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CatalogDamaged(f"{folder(root)}: the journal cannot be read: {error}") from error


def size_bytes(root: Path) -> int:
    """How much waits to be compacted."""
    total = 0
    for path in [*rotated(root), folder(root) / JOURNAL]:
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def rotated(root: Path) -> list[Path]:
    """The files that nobody appends to any more, oldest first."""
    return sorted(folder(root).glob(ROTATED))


def rotate(root: Path) -> list[Path]:
    """Have the next row begin a new file; the files so far. Raises FolderNotWritable."""
    with _locked(folder(root) / _APPENDING, wait=True):
        last = folder(root) / JOURNAL
        if last.exists():
            number = max((int(path.stem[-9:]) for path in rotated(root)), default=0) + 1
            os.rename(last, last.with_name(f"journal-{number:09d}.txt"))
            sync_folder(folder(root))
    return rotated(root)


@contextlib.contextmanager
def remaking(root: Path, *, wait: bool = True) -> Iterator[None]:
    """Alone among those that compact, rebuild or move episodes.

    Raises CatalogBusy if it need not wait and somebody does, FolderNotWritable.
    """
    make_folder(folder(root))
    with _locked(folder(root) / _REMAKING, wait=wait):
        yield


def known_places(root: Path) -> dict[str, str]:
    """Path by episode id: what the catalog knows, as far as it can be read."""
    places: dict[str, str] = {}
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in (folder(root) / PLACES).read_text(encoding="utf-8").splitlines():
            episode, _, path = line.partition(" ")
            places[episode] = path
    for episode, row in read(root).rows.items():
        places[episode] = row["path"]
    return {episode: path for episode, path in places.items() if path}


def _files(root: Path) -> dict[int, Path]:
    """The journal's files by their number on the disk, oldest first."""
    last = folder(root) / JOURNAL
    return {
        path.stat().st_ino: path for path in [*rotated(root), *([last] if last.exists() else [])]
    }


def _line(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _append_whole(descriptor: int, data: bytes) -> None:
    """All of it behind a line's end, or nothing; raises OSError."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    view = memoryview(b"\n" + data if cut_off else data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def lines(path: Path, damage: list[str]) -> list[dict[str, Any]]:
    """What the lines of a file say, none if it is missing; those that say nothing go to `damage`.

    Raises CatalogDamaged where the disk cannot read it.
    """
    try:
        return _lines(path, damage)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CatalogDamaged(f"{path}: cannot be read: {error}") from error


def _take_lines(journal: Journal, path: Path) -> None:
    for value in _lines(path, journal.damage):
        try:
            journal.put(value)
        except KeyError:
            journal.damage.append(f"{path}: the line of {value['episode_id']} has no path")


def _lines(path: Path, damage: list[str]) -> list[dict[str, Any]]:
    values = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line:
            continue
        try:
            crc, text = int(line[:8], 16), line[9:]
            if zlib.crc32(text) != crc:
                raise ValueError("checksum")
            values.append(_named(json.loads(text)))
        except (ValueError, KeyError, TypeError):
            damage.append(f"{path}: line {number} is cut off or altered")
    return values


def _named(value: Any) -> dict[str, Any]:
    """A line of an episode; raises KeyError, TypeError for another."""
    if not isinstance(value["episode_id"], str):
        raise TypeError("episode_id")
    return dict(value)


@contextlib.contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[None]:
    descriptor = _lock(path, wait)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, wait: bool) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise named(error, path) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise CatalogBusy(f"{path}: another process is at it; try again later") from None
    except OSError as error:
        os.close(descriptor)
        raise FolderNotWritable(f"{path}: cannot be locked ({error.strerror})") from error
    return descriptor
