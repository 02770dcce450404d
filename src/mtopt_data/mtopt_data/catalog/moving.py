"""Finished episodes moved to another place, one after the other, and the catalog told.

An episode is copied, the copy is read back, the catalog learns its new address, and only then
the file here is deleted. Ended between any two of these, the next run goes on: what is there
with the same bytes is not copied again.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import EpisodeDamaged, EpisodeMissing, MetadataInvalid, NameInvalid, TargetInvalid
from ..naming import SUFFIX, finished_files, id_of
from ..partfile import sync_folder
from ..tail import Tail, read_tail
from . import journal, rebuild, table
from .labels import Labels
from .row import Row
from .target import Target, blocks_of, digest_of

_DAY_S = 86_400.0
Tell = Callable[[str], None]


@dataclass
class Moving:
    """What became of it so far: files moved, their bytes, those too young, those refused."""

    moved: int = 0
    size_bytes: int = 0
    kept: int = 0
    refused: list[str] = field(default_factory=list)


def move(
    root: Path,
    url: str,
    *,
    keep_days: float = 0.0,
    now_s: Callable[[], float] = time.time,
    tell: Tell = lambda line: None,
) -> Moving:
    """Move what is finished and older than `keep_days`, the oldest first; damaged files stay.

    Raises EpisodeMissing, TargetInvalid, CatalogBusy, ChecksumWrong, FolderNotWritable, DiskFull.
    What was moved until then stays moved.
    """
    if not root.is_dir():
        raise EpisodeMissing(f"{root}: no such folder")
    target = Target(url)
    if target.is_folder and target.folder.resolve().is_relative_to(root.resolve()):
        raise TargetInvalid(f"{url}: lies in the data folder {root} itself")
    done = Moving()
    with journal.remaking(root, wait=False):
        _remember(root, target.url)
        before_ms = (now_s() - keep_days * _DAY_S) * 1000
        for path in finished_files(root):
            if _opened_ms(path) > before_ms:
                done.kept += 1
                continue
            _try_to_move(root, path, target, done, tell)
    table.compact(root)
    return done


def targets(root: Path) -> list[str]:
    """Every place that episodes of this folder were ever moved to."""
    try:
        text = (journal.folder(root) / journal.TARGETS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return text.splitlines()


def moved_rows(urls: list[str]) -> rebuild.MoreRows:
    """The rows of the episodes that lie at these places, for a rebuild."""

    def rows(here: set[str]) -> Iterator[Row]:
        known = {f"{episode}{SUFFIX}" for episode in here}
        for url in dict.fromkeys(urls):
            for address, tail in Target(url).tails(known):
                known.add(address.rpartition("/")[2])
                yield rebuild.row_of_tail(tail, address)

    return rows


def _try_to_move(root: Path, path: Path, target: Target, done: Moving, tell: Tell) -> None:
    try:
        tail = read_tail(path)
        address = _move(root, path, tail, target)
    except (EpisodeDamaged, MetadataInvalid) as error:
        done.refused.append(str(error))
        return
    done.moved += 1
    done.size_bytes += tail.size_bytes
    tell(address)


def _move(root: Path, path: Path, tail: Tail, target: Target) -> str:
    place = path.relative_to(root).as_posix()
    digest = _own_digest(path, tail)
    if not target.holds(place, digest):
        with path.open("rb") as stream:
            target.put(place, blocks_of(stream), digest)
    address = target.address(place)
    row = rebuild.row_of_tail(tail, address)
    journal.append(root, [Labels.read(root).row(row)], sync=True)
    path.unlink()
    sync_folder(path.parent)
    return address


def _own_digest(path: Path, tail: Tail) -> str:
    """The file's digest, if its bytes are still those that were written."""
    crc, left = 0, tail.data_bytes

    def checked() -> Iterator[bytes]:
        nonlocal crc, left
        with path.open("rb") as stream:
            for block in blocks_of(stream):
                crc = zlib.crc32(memoryview(block)[:left], crc)
                left -= min(left, len(block))
                yield block

    digest = digest_of(checked())
    if crc != tail.data_crc:
        raise EpisodeDamaged(f"{path}: data section: checksum {crc}, the file says {tail.data_crc}")
    return digest


def _remember(root: Path, url: str) -> None:
    known = targets(root)
    if url not in known:
        path = journal.folder(root) / journal.TARGETS
        table.put_in_place(path, "".join(f"{one}\n" for one in [*known, url]))


def _opened_ms(path: Path) -> float:
    try:
        return id_of(path).opened_ms
    except NameInvalid:
        return float("inf")  # no episode of ours: it stays
