"""How episodes are named and where they lie.

An episode id is `<when>_<cell>_<token>`: `20260807T142530123Z_cell1_9f3a01bc`. `when` is the
wall clock in UTC to the millisecond, so ids sort by time; the token is random, so two
episodes differ even if the clock was set back. The file of an episode is
`<root>/<cell>/<yyyy-mm-dd>/<id>.mcap`, with `.part` behind it while it is being written.
What could not be closed lies in `<root>/quarantine/`, the catalog in `<root>/catalog/`.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .errors import NameInvalid

SUFFIX = ".mcap"
PART_SUFFIX = ".mcap.part"
REASON_SUFFIX = ".reason.txt"
QUARANTINE = "quarantine"
CATALOG = "catalog"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CELL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
_TOKEN = re.compile(r"[0-9a-f]{8}")
_WHEN = re.compile(r"(\d{8}T\d{6})(\d{3})Z")


@dataclass(frozen=True, order=True)
class EpisodeId:
    """The parts of an episode id; `str()` puts them together.

    `opened_ms` is the wall clock at opening, milliseconds since 1970 UTC. Raises NameInvalid.
    """

    opened_ms: int
    cell: str
    token: str

    def __post_init__(self) -> None:
        check_cell(self.cell)
        if not _TOKEN.fullmatch(self.token):
            raise NameInvalid(f"episode token {self.token!r}: must be 8 digits of 0-9a-f")
        if not 0 <= self.opened_ms < 253_402_300_800_000:
            raise NameInvalid(f"episode time {self.opened_ms} ms: must be in years 1970 to 9999")

    @property
    def opened(self) -> datetime:
        """The wall clock at opening, UTC."""
        return _EPOCH + timedelta(milliseconds=self.opened_ms)

    def __str__(self) -> str:
        stamp = self.opened.strftime("%Y%m%dT%H%M%S")
        return f"{stamp}{self.opened_ms % 1000:03d}Z_{self.cell}_{self.token}"

    @classmethod
    def new(cls, cell: str, wall_ns: int) -> EpisodeId:
        """A fresh id for a cell; `wall_ns` is the wall clock, nanoseconds since 1970 UTC."""
        return cls(wall_ns // 1_000_000, cell, secrets.token_hex(4))

    @classmethod
    def parse(cls, text: str) -> EpisodeId:
        """The id that `text` spells; raises NameInvalid."""
        when, _, rest = text.partition("_")
        cell, _, token = rest.rpartition("_")
        stamp = _WHEN.fullmatch(when)
        if not stamp:
            raise NameInvalid(f"episode id {text!r}: must be <yyyymmddThhmmssmmmZ>_<cell>_<8 hex>")
        try:
            opened = datetime.strptime(stamp[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError as error:
            raise NameInvalid(f"episode id {text!r}: {error}") from error
        seconds = (opened - _EPOCH) // timedelta(seconds=1)
        return cls(seconds * 1000 + int(stamp[2]), cell, token)

    def folder(self, root: Path) -> Path:
        """The day's folder of the cell under a data root (UTC days)."""
        return root / self.cell / self.opened.strftime("%Y-%m-%d")

    def path(self, root: Path) -> Path:
        """Where the finished file lies under a data root."""
        return self.folder(root) / f"{self}{SUFFIX}"

    def part(self, root: Path) -> Path:
        """Where the file lies while it is being written."""
        return self.folder(root) / f"{self}{PART_SUFFIX}"


def id_of(path: Path) -> EpisodeId:
    """The episode id that a file's name spells; raises NameInvalid."""
    for suffix in (PART_SUFFIX, SUFFIX):
        if path.name.endswith(suffix):
            return EpisodeId.parse(path.name.removesuffix(suffix))
    raise NameInvalid(f"{path}: an episode file ends in {SUFFIX} or {PART_SUFFIX}")


def check_cell(cell: str) -> None:
    """Raise NameInvalid unless `cell` can name a cell: it is a folder and a ROS namespace."""
    if not _CELL.fullmatch(cell):
        raise NameInvalid(
            f"cell name {cell!r}: must be a letter and then up to 47 letters, digits or _"
        )
    kept = {QUARANTINE: "unfinished episodes", CATALOG: "the catalog"}
    if cell in kept:
        raise NameInvalid(f"cell name {cell!r}: this folder is kept for {kept[cell]}")


def finished_files(root: Path) -> list[Path]:
    """Finished episode files under a data root, quarantine left out, in order of their ids."""
    return _files(root, SUFFIX)


def part_files(root: Path) -> list[Path]:
    """Unfinished files under a data root: being written, or left by a crash."""
    return _files(root, PART_SUFFIX)


def quarantined_files(root: Path) -> list[Path]:
    """What lies in the quarantine of a data root beside the reasons, in order of names."""
    folder = root / QUARANTINE
    found = (path for path in folder.glob("*") if path.is_file())
    return sorted(path for path in found if not path.name.endswith(REASON_SUFFIX))


def reason_file(path: Path) -> Path:
    """Where the reason for a quarantined file is told."""
    return path.with_name(path.name.partition(".")[0] + REASON_SUFFIX)


def _files(root: Path, suffix: str) -> list[Path]:
    # os.walk, since it asks the system once a folder: there may be a million files
    found = [
        Path(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.endswith(suffix)
    ]
    kept = (path for path in found if path.parent != root / QUARANTINE)
    return sorted(kept, key=lambda path: (path.name, path))
