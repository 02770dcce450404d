"""The parent of a run: hands blocks to worker processes until every episode is there."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from mtopt_data.catalog.rebuild import catch_up
from mtopt_data.errors import DataError
from mtopt_data.recovery import recover_folder

from . import worker
from .claim import hold_as_parent
from .errors import CollectingFailed, WorkersLost
from .plan import Plan
from .station import Done, Places
from .worker import Block, Failed, Finished

log = logging.getLogger(__name__)

_MOST_LOST = 5  # workers in a row, with no episode in between
_TICK_S = 0.5  # between two looks whether to stop
_PATIENCE_S = 30.0  # for an episode to end after a stop


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    line: Connection
    block: Block | None = None


class Crew:
    """Workers of one run. `tell` hears of every episode once it is in the data folder."""

    def __init__(
        self, places: Places, plan: Plan, workers: int, tell: Callable[[Done], None]
    ) -> None:
        self._places, self._plan, self._tell = places, plan, tell
        self._wanted_workers = workers
        self._workers: list[_Worker] = []
        self._blocks: deque[Block] = deque()
        self._lost = 0

    def run(
        self,
        started: Callable[[int], None] = lambda already: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Collect what is missing, or until `stopped`; `started` hears how many were there already.

        Raises FolderBusy, WorkersLost, CollectingFailed. KeyboardInterrupt escapes once the
        workers have ended their episodes; a second one does not wait for them.
        """
        with hold_as_parent(self._places.data):
            self._settle()
            self._catch_up()
            done = self._plan.done(self._places.data)
            started(len(done))
            self._blocks.extend(self._missing(done, self._plan.blocks))
            worker.use_one_thread()
            try:
                self._loop(stopped)
            finally:
                self._dismiss()

    def _missing(self, done: set[int], blocks: range) -> Iterator[Block]:
        for number in blocks:
            missing = tuple(e for e in self._plan.episodes_of(number) if e not in done)
            if missing:
                yield Block(number, missing)

    def _loop(self, stopped: Callable[[], bool]) -> None:
        while (self._blocks or any(one.block for one in self._workers)) and not stopped():
            while self._blocks and len(self._workers) < self._wanted_workers:
                self._engage()
            ready = wait([one.line for one in self._workers], _TICK_S)
            for one in [w for w in self._workers if w.line in ready]:
                self._hear(one)

    def _engage(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=worker.main, args=(theirs, self._places, self._plan), name="collect"
        )
        # Ctrl-C in a terminal reaches everybody; a worker is to hear of it from here alone.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        one = _Worker(process, ours)
        self._workers.append(one)
        self._give(one)

    def _give(self, one: _Worker) -> None:
        """The next block, or the end."""
        one.block = self._blocks.popleft() if self._blocks else None
        with suppress(OSError):  # a worker that has just died is noticed on its line
            one.line.send(one.block or worker.STOP)

    def _hear(self, one: _Worker) -> None:
        try:
            told: worker.Told = one.line.recv()
        except (EOFError, OSError):
            self._bury(one)
            return
        if isinstance(told, Done):
            self._lost = 0
            self._tell(told)
        elif isinstance(told, Finished):
            self._give(one)
        elif isinstance(told, Failed):
            raise CollectingFailed(told.message)

    def _bury(self, one: _Worker) -> None:
        """A worker has ended: what it left is settled, and what it owed goes to another."""
        one.line.close()
        one.process.join()
        self._workers.remove(one)
        if one.block is None:
            return
        self._lost += 1
        log.warning("a worker ended with exit code %s; its block goes on", one.process.exitcode)
        if self._lost >= _MOST_LOST:
            raise WorkersLost(f"{self._lost} workers ended in a row, with no episode in between")
        self._settle()
        done, number = self._plan.done(self._places.data), one.block.number
        self._blocks.extendleft(self._missing(done, range(number, number + 1)))

    def _settle(self) -> None:
        for left in recover_folder(self._places.data):
            if left.action != "busy":
                log.warning("%s: %s (%s)", left.part.name, left.action, left.reason)

    def _catch_up(self) -> None:
        """Enter in the catalog what a crash kept from it; without a catalog the files stand."""
        try:
            caught_up = catch_up(self._places.data)
        except DataError as error:
            log.warning("the catalog: %s", error)
            return
        for refused in caught_up.refused:
            log.warning("not in the catalog: %s", refused)

    def _dismiss(self) -> None:
        """Have the workers end after their episode; those that do not are terminated."""
        try:
            for one in self._workers:
                with suppress(OSError):
                    one.line.send(worker.STOP)
            for one in self._workers:
                self._drain(one)
        finally:
            for one in self._workers:
                if one.process.is_alive():
                    one.process.terminate()
                one.process.join()
            self._workers.clear()

    def _drain(self, one: _Worker) -> None:
        """Hear the last episode of a worker, so that it is told and counted too."""
        with suppress(EOFError, OSError):
            while one.line.poll(_PATIENCE_S):
                told = one.line.recv()
                if isinstance(told, Done):
                    self._tell(told)
