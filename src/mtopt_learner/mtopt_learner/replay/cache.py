"""Decoded episodes on disk, memory-mapped: decoded once, there again after every restart.

`<folder>/<view's key>/` holds `frames.bin`, a fixed record for each step, episode after episode,
and `index.jsonl`, a line an episode with a checksum of its own. Records are on the disk before
their line is: whatever an end at any moment leaves behind the last whole line is cut off and
decoded again. Files that could not be used have a line, too, with the reason.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mtopt_core.encoding import ACTION_LAYOUT, state_layout
from mtopt_data.partfile import make_folder, named

from ..errors import CacheBusy
from .decoding import POSE, Replayed
from .view import View

FRAMES, INDEX, LOCK = "frames.bin", "index.jsonl", "lock"


@dataclass(frozen=True)
class Kept:
    """An episode in the cache: its `steps` frames begin at frame `first`."""

    episode_id: str
    task: str
    end_reason: str
    grader: str
    success: Mapping[str, bool]
    first: int
    steps: int


@dataclass(frozen=True)
class Skipped:
    """A file that was not used, as it was then."""

    name: str
    size_bytes: int
    reason: str


class Entry(Protocol):
    """What a line of the index says of some frames: a dataclass with these fields among others."""

    @property
    def episode_id(self) -> str:
        """Whose they are, once in a cache."""
        ...

    @property
    def first(self) -> int:
        """The first of them."""
        ...

    @property
    def steps(self) -> int:
        """How many they are."""
        ...


E = TypeVar("E", bound=Entry)


class RecordCache(Generic[E]):
    """Frames of one kind of record, with an entry for each run of them.

    One process has it open; raises CacheBusy, FolderNotWritable, DiskFull.
    """

    def __init__(self, folder: Path, record: np.dtype[np.void], kind: type[E]) -> None:
        self.folder, self.record, self._kind = folder, record, kind
        self.episodes: list[E] = []
        self.skipped: dict[str, Skipped] = {}
        self._known: set[str] = set()
        make_folder(self.folder)
        self._lock = _locked(self.folder / LOCK)
        self._frames = os.open(self.folder / FRAMES, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._index = os.open(self.folder / INDEX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._map: NDArray[np.void] | None = None
        self.count = 0
        self._load()

    def __contains__(self, episode_id: str) -> bool:
        return episode_id in self._known

    def keep(self, entry: E, rows: NDArray[np.void]) -> E:
        """Keep frames for good, the entry with their place in it.

        Raises DiskFull, FolderNotWritable and keeps nothing then.
        """
        kept: E = replace(entry, first=self.count, steps=len(rows))  # type: ignore[type-var]
        self._append(self._frames, self.count * self.record.itemsize, rows.tobytes(), FRAMES)
        self._write_line({"kept": asdict(kept)})  # type: ignore[call-overload]
        self._note(kept)
        return kept

    def skip(self, skipped: Skipped) -> None:
        """Remember a file that is of no use, so that it is not read again."""
        self._write_line({"skipped": asdict(skipped)})
        self.skipped[skipped.name] = skipped

    @property
    def frames(self) -> NDArray[np.void]:
        """Every frame, read-only, (count,)."""
        if self._map is None or len(self._map) != self.count:
            path = self.folder / FRAMES
            empty = np.zeros(0, dtype=self.record)
            self._map = np.memmap(path, self.record, "r", 0, (self.count,)) if self.count else empty
        return self._map

    def close(self) -> None:
        """Let go of the files; twice is harmless."""
        self._map = None
        for descriptor in (self._frames, self._index, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._frames = self._index = self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self) -> None:
        """What the last process left; the rest of both files is cut off."""
        size = os.fstat(self._frames).st_size // self.record.itemsize
        data = (self.folder / INDEX).read_bytes()
        whole = 0
        for line, end in _lines(data):
            entry = _entry(line, self._kind)
            if entry is None:
                break
            if isinstance(entry, Skipped):
                self.skipped[entry.name] = entry
            elif self._fits(entry, size):
                self._note(entry)
            else:
                break
            whole = end
        os.ftruncate(self._index, whole)
        os.ftruncate(self._frames, self.count * self.record.itemsize)
        self._index_size = whole

    def _fits(self, entry: E, size: int) -> bool:
        return entry.first == self.count and entry.first + entry.steps <= size

    def _note(self, kept: E) -> None:
        self.episodes.append(kept)
        self._known.add(kept.episode_id)
        self.count = kept.first + kept.steps

    def _write_line(self, value: dict[str, Any]) -> None:
        line = _sealed(value)
        self._append(self._index, self._index_size, line, INDEX)
        self._index_size += len(line)

    def _append(self, descriptor: int, at: int, data: bytes, name: str) -> None:
        """Write behind what is there, and wait until it is on the disk."""
        view = memoryview(data)
        try:
            while view:
                done = os.pwrite(descriptor, view, at)
                view, at = view[done:], at + done
            os.fdatasync(descriptor)
        except OSError as error:
            raise named(error, self.folder / name) from error


class FrameCache(RecordCache[Kept]):
    """Steps of episodes in one view: fields image, state, action, tool.

    `layout` names what else the numbers in it depend on: the encoding of the actions.
    """

    def __init__(self, folder: Path, view: View, layout: str) -> None:
        super().__init__(folder / f"{view.key}-{layout}", _record(view), Kept)

    def add(self, episode: Replayed) -> Kept:
        """Keep an episode for good; raises as `keep` does."""
        rows = np.zeros(len(episode.actions), dtype=self.record)
        rows["image"], rows["state"] = episode.images, episode.states
        rows["action"], rows["tool"] = episode.actions, episode.tool
        kept = Kept(
            episode.episode_id, episode.task, episode.end_reason, episode.grader,
            dict(episode.success), self.count, len(rows),
        )  # fmt: skip
        return self.keep(kept, rows)


def _record(view: View) -> np.dtype[np.void]:
    return np.dtype([
        ("image", np.uint8, (*view.kept_px, 3)),
        ("state", np.float32, (len(state_layout(view.posed)),)),
        ("action", np.float32, (len(ACTION_LAYOUT),)),
        ("tool", np.float32, (len(POSE),)),
    ])  # fmt: skip


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise CacheBusy(f"{path.parent}: is open in another process") from None
    return descriptor


def _sealed(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return b"%08x " % zlib.crc32(text) + text + b"\n"


def _lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each whole line and where it ends."""
    begin = 0
    while (end := data.find(b"\n", begin)) >= 0:
        yield data[begin:end], end + 1
        begin = end + 1


def _entry(line: bytes, kind: type[E]) -> E | Skipped | None:
    """What a line says; None where it is not as it was written."""
    seal, _, text = line.partition(b" ")
    if seal != b"%08x" % zlib.crc32(text):
        return None
    value = json.loads(text)
    return kind(**value["kept"]) if "kept" in value else Skipped(**value["skipped"])
