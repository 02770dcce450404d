"""The catalog from the files: all of it anew, or the rows that were never appended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import EpisodeDamaged, EpisodeMissing, MetadataInvalid, NameInvalid
from ..naming import finished_files, id_of
from ..partfile import make_folder
from ..tail import Tail, read_tail
from ..verification import Verification, verify
from . import journal, table
from .labels import Labels
from .row import FileFacts, Row, crc_text, row_of

MOST_AT_A_START = 1000


@dataclass(frozen=True)
class Rebuilt:
    """What became of it: how many rows, and why which files have none."""

    rows: int
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaughtUp:
    """Rows that were made up for, files that have none and why, and how many must wait."""

    rows: int
    refused: tuple[str, ...] = ()
    waiting: int = 0


MoreRows = Callable[[set[str]], Iterable[Row]]
"""Rows of episodes that lie elsewhere, given the ids that lie here."""


def rebuild(
    root: Path, *, thorough: bool = False, elsewhere: MoreRows = lambda here: ()
) -> Rebuilt:
    """Make the catalog anew of every finished file; what was there before is not read.

    `thorough` reads every byte of every file, otherwise only their ends are read. An episode
    that is there twice counts once, by the first path. Raises EpisodeMissing if `root` is no
    folder, CatalogBusy, FolderNotWritable, DiskFull, and what `elsewhere` raises; then the old
    one stays.
    """
    if not root.is_dir():
        raise EpisodeMissing(f"{root}: no such folder")
    with journal.remaking(root, wait=False):
        folded = journal.rotate(root)
        refused: list[str] = []
        said = Labels.read(root)
        rows = {row["episode_id"]: said.row(row) for row in _rows(root, thorough, refused)}
        rows |= {row["episode_id"]: said.row(row) for row in elsewhere(set(rows))}
        count = table.replace(root, (rows[name] for name in sorted(rows)), folded)
    return Rebuilt(count, tuple(refused))


def catch_up(root: Path, most: int = MOST_AT_A_START) -> CaughtUp:
    """Append the rows of finished files that the catalog does not know, the newest first.

    Opens no other file, and at most `most`. A folder without a catalog has one from now on.
    Raises FolderNotWritable, DiskFull.
    """
    make_folder(journal.folder(root))
    known = journal.known_places(root)
    unknown = [path for path in reversed(finished_files(root)) if _name(path) not in known]
    refused: list[str] = []
    rows = list(_of_paths(root, unknown[:most], False, refused))
    journal.append(root, Labels.read(root).rows(rows) if rows else rows)
    return CaughtUp(len(rows), tuple(refused), max(0, len(unknown) - most))


def add(root: Path, path: Path, found: Verification) -> None:
    """Append the row of a file that was just finished and verified.

    Raises FolderNotWritable, DiskFull; the episode is there all the same.
    """
    if found.metadata is not None:
        survey = found.survey
        crc = crc_text(survey.data_crc, survey.summary_crc)
        facts = FileFacts(_below(root, path), survey.size_bytes, crc)
        journal.append(root, [row_of(found.metadata, facts)])


def row_of_tail(tail: Tail, path: str) -> Row:
    """The row of a file of which the end was read."""
    crc = crc_text(tail.data_crc, tail.summary_crc)
    return row_of(tail.metadata, FileFacts(path, tail.size_bytes, crc))


def _rows(root: Path, thorough: bool, refused: list[str]) -> Iterator[Row]:
    paths: dict[str, Path] = {}
    for path in finished_files(root):
        if path.name in paths:
            refused.append(f"{path}: the same episode as {paths[path.name]}, which counts")
        else:
            paths[path.name] = path
    yield from _of_paths(root, paths.values(), thorough, refused)


def _of_paths(
    root: Path, paths: Iterable[Path], thorough: bool, refused: list[str]
) -> Iterator[Row]:
    for path in paths:
        try:
            row = row_of_tail(
                _whole_tail(path) if thorough else read_tail(path), _below(root, path)
            )
            if row["episode_id"] != _name(path):
                raise EpisodeDamaged(f"{path}: its metadata name episode {row['episode_id']}")
            yield row
        except (EpisodeDamaged, MetadataInvalid) as error:
            told = str(error)
            refused.append(told if told.startswith(str(path)) else f"{path}: {told}")
        except EpisodeMissing as error:
            if path.exists():  # otherwise it was moved meanwhile
                refused.append(str(error))


def _whole_tail(path: Path) -> Tail:
    found = verify(path)
    if found.damage:
        raise EpisodeDamaged(f"{path}: {'; '.join(found.damage)}")
    return read_tail(path)


def _name(path: Path) -> str:
    with suppress(NameInvalid):
        return str(id_of(path))
    return path.name


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
