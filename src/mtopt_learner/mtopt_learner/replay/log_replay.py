"""Following a data folder: what is new in it is decoded, once, into the cache."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic

from mtopt_core.action import ActionBounds
from mtopt_core.errors import MtoptError
from mtopt_data.catalog.labels import Labels
from mtopt_data.errors import DiskFull, EpisodeMissing, FolderNotWritable
from mtopt_data.naming import QUARANTINE, SUFFIX

from .cache import E, FrameCache, Kept, RecordCache, Skipped
from .decoding import replayed
from .view import View

_log = logging.getLogger(__name__)
_SETTLED_NS = 2_000_000_000  # file systems stamp folders in steps


@dataclass(frozen=True)
class Progress(Generic[E]):
    """What a look at the folder brought."""

    new: tuple[E, ...]
    skipped: tuple[Skipped, ...]
    waiting: int


class FolderWatch:
    """Finished episode files below a data root, `<cell>/<day>/<id>.mcap`; told once each.

    A day's folder is listed again only when something in it has changed.
    """

    def __init__(self, root: Path, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.root, self._clock_ns = root, clock_ns
        self._listed: dict[Path, int] = {}
        self._told: set[str] = set()

    def new(self) -> list[Path]:
        """Files not told before, in order of their ids; raises EpisodeMissing without a folder."""
        if not self.root.is_dir():
            raise EpisodeMissing(f"{self.root}: no such data folder")
        found = [path for day in self._changed() for path in day.glob(f"*{SUFFIX}")]
        fresh = sorted((path for path in found if path.name not in self._told), key=_by_name)
        self._told |= {path.name for path in fresh}
        return fresh

    def _changed(self) -> Iterator[Path]:
        for day in sorted(self.root.glob("*/*/")):
            if day.parent.name == QUARANTINE:
                continue
            changed_ns = day.stat().st_mtime_ns
            if self._listed.get(day) == changed_ns:
                continue
            # One that changed just now may change again within the same stamp.
            if self._clock_ns() - changed_ns > _SETTLED_NS:
                self._listed[day] = changed_ns
            yield day


class FolderReplay(Generic[E]):
    """Episodes of a folder into a cache; `take` decodes a file and keeps it there."""

    def __init__(self, root: Path, cache: RecordCache[E], take: Callable[[Path], E]) -> None:
        self.cache = cache
        self._watch, self._take = FolderWatch(root), take
        self._waiting: list[Path] = []

    def follow(self, most: int | None = None) -> Progress[E]:
        """Decode what is new, at most so many files.

        A file that cannot be used is skipped and remembered by name. Raises EpisodeMissing where
        there is no folder; DiskFull, FolderNotWritable where the cache cannot grow.
        """
        self._waiting += [path for path in self._watch.new() if not self._known(path)]
        now, self._waiting = self._waiting[:most], self._waiting[len(self._waiting[:most]) :]
        new, skipped = [], []
        for path in now:
            try:
                new.append(self._take(path))
            except (DiskFull, FolderNotWritable):
                raise
            except MtoptError as error:
                skipped.append(self._skip(path, error))
        return Progress(tuple(new), tuple(skipped), len(self._waiting))

    def _known(self, path: Path) -> bool:
        if path.name.removesuffix(SUFFIX) in self.cache:
            return True
        before = self.cache.skipped.get(path.name)
        return before is not None and before.size_bytes == _size_bytes(path)

    def _skip(self, path: Path, error: MtoptError) -> Skipped:
        skipped = Skipped(path.name, _size_bytes(path), f"{type(error).__name__}: {error}")
        _log.warning("skipped %s", skipped.reason)
        self.cache.skip(skipped)
        return skipped


class LogReplay(FolderReplay[Kept]):
    """Steps of a folder's episodes into a cache, with the outcomes that people gave them."""

    cache: FrameCache

    def __init__(self, root: Path, cache: FrameCache, view: View, bounds: ActionBounds) -> None:
        def take(path: Path) -> Kept:
            found = replayed(path, view, bounds)
            said = self._labels.success(found.episode_id, found.success)
            return cache.add(replace(found, success=said))

        super().__init__(root, cache, take)
        self._root, self._labels = root, Labels()

    def labelled(self) -> list[Kept]:
        """What the cache holds, with the outcomes that people and detectors gave it since.

        Raises CatalogDamaged where labels cannot be read.
        """
        labels = Labels.read(self._root)
        return [
            replace(kept, success=labels.success(kept.episode_id, kept.success))
            for kept in self.cache.episodes
        ]

    def follow(self, most: int | None = None) -> Progress[Kept]:
        """As any folder's; raises CatalogDamaged, too, where labels cannot be read.

        A label counts here if it was given before its episode was decoded.
        """
        self._labels = Labels.read(self._root)
        return super().follow(most)


def _by_name(path: Path) -> str:
    return path.name


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
