"""What a runner must still know after a crash: how much it has collected, and what it was told.

One small file, replaced as a whole at every change, so that a process that is killed at any
moment leaves it as it was before or after. An episode is entered before its file is opened, and
its outcome before its file is closed: whoever comes after a crash asks the recorder what became
of the one that is still open, and counts on. No ROS.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import LedgerLost

_REMEMBERED = 200  # episodes that can still be taken back


@dataclass(frozen=True)
class Entry:
    """An episode: `ordinary` and `success` are False until it was graded."""

    id: str
    task: str
    ordinary: bool = False
    success: bool = False


@dataclass
class Memory:
    """Everything that a ledger keeps. Counts are of ordinary episodes on the disk."""

    begun: int = 0
    episodes: int = 0
    successes: int = 0
    succeeded: dict[str, int] = field(default_factory=dict)
    open: Entry | None = None
    recent: list[Entry] = field(default_factory=list)
    paused: bool = False
    finishing: bool = False
    parked: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Memory:
        """Back from its JSON; raises TypeError, KeyError for what is none."""
        known = dict(values)
        known["open"] = Entry(**known["open"]) if known["open"] else None
        known["recent"] = [Entry(**each) for each in known["recent"]]
        return cls(**known)


class Ledger:
    """The memory of one runner, for its threads; without a path it ends with the process."""

    def __init__(self, path: Path | None = None) -> None:
        """What the runner before this one has left; raises LedgerLost if it cannot be used."""
        self._path, self._lock = path, threading.RLock()
        self.memory = Memory()
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self.memory = Memory.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise LedgerLost(
                f"{path}: cannot be read ({error}); delete it to count from 0 again"
            ) from error

    @property
    def path(self) -> Path | None:
        """Where it is kept."""
        return self._path

    @property
    def left_open(self) -> Entry | None:
        """The episode of which nothing is known but that it was begun."""
        return self.memory.open

    def count_turn(self) -> int:
        """The number of the turn that begins now, from 0, over all crashes; raises LedgerLost."""
        with self._lock:
            self.memory.begun += 1
            self._write()
            return self.memory.begun - 1

    def begin(self, episode_id: str, task: str) -> None:
        """An episode is about to be opened; raises LedgerLost."""
        with self._lock:
            self.memory.open = Entry(episode_id, task)
            self._write()

    def graded(self, ordinary: bool, success: bool) -> None:
        """How the open episode ended; it counts once it is settled."""
        with self._lock, suppress(LedgerLost):  # the next `begin` will say so
            if self.memory.open is not None:
                ended = replace(self.memory.open, ordinary=ordinary, success=ordinary and success)
                self.memory.open = ended
                self._write()

    def settle(self, kept: bool) -> Entry | None:
        """The open episode is closed, and on the disk if `kept`; the episode if it counts."""
        with self._lock:
            entry, self.memory.open = self.memory.open, None
            counts = entry if entry is not None and kept and entry.ordinary else None
            if counts is not None:
                self._count(counts, 1)
                self.memory.recent = [*self.memory.recent[1 - _REMEMBERED :], counts]
            with suppress(LedgerLost):
                self._write()
            return counts

    def take_back(self, episode_id: str) -> bool:
        """An episode was put aside after it had counted; whether it had."""
        with self._lock, suppress(LedgerLost):
            found = next((e for e in self.memory.recent if e.id == episode_id), None)
            if found is None:
                return False
            self.memory.recent.remove(found)
            self._count(found, -1)
            self._write()
        return True

    def tell(
        self, *, paused: bool | None = None, finishing: bool = False, parked: str | None = None
    ) -> None:
        """What people, or a fault that needs them, have decided; raises LedgerLost."""
        with self._lock:
            memory = self.memory
            memory.paused = memory.paused if paused is None else paused
            memory.finishing |= finishing
            memory.parked = memory.parked if parked is None else parked
            self._write()

    def park(self, why: str) -> None:
        """Nothing moves until a person says so."""
        with suppress(LedgerLost):
            self.tell(parked=why)

    def _count(self, entry: Entry, by: int) -> None:
        self.memory.episodes += by
        if entry.success:
            self.memory.successes += by
            known = self.memory.succeeded
            known[entry.task] = known.get(entry.task, 0) + by

    def _write(self) -> None:
        if self._path is None:
            return
        unfinished = self._path.with_name(f"{self._path.name}.new")
        try:
            unfinished.write_text(json.dumps(asdict(self.memory)), encoding="utf-8")
            os.replace(unfinished, self._path)
        except OSError as error:
            raise LedgerLost(f"{self._path}: cannot be written: {error.strerror}") from error
