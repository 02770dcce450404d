"""A process that makes blocks of episodes for another one, and ends with it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from mtopt_core.errors import MtoptError

from .claim import hold_as_worker
from .plan import Plan
from .station import Done, Places, Station


@dataclass(frozen=True)
class Block:
    """Work for a worker: a block, and which of its episodes are missing."""

    number: int
    missing: tuple[int, ...]


@dataclass(frozen=True)
class Failed:
    """A worker's end by an error that another try would meet again."""

    message: str


@dataclass(frozen=True)
class Finished:
    """A block is done; the worker wants another one."""

    block: int


Told = Done | Failed | Finished
STOP = None  # sent to a worker, in place of a Block


def main(line: Connection, places: Places, plan: Plan) -> None:
    """Make what comes over the line until it says STOP; tell Done, Finished or Failed.

    Ctrl-C is the parent's business. When the parent is gone, however it ended, so is this.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, name="parent", daemon=True).start()
    logging.getLogger().setLevel(logging.ERROR)
    try:
        with hold_as_worker(places.data):
            _work(line, places, plan)
    except MtoptError as error:
        line.send(Failed(f"{type(error).__name__}: {error}"))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the parent is gone


def _work(line: Connection, places: Places, plan: Plan) -> None:
    station: Station | None = None
    try:
        while True:
            block: Block | None = line.recv()
            if block is STOP or block is None:
                return
            station = station or Station(places, plan)
            if not station.make(block.number, block.missing, lambda done: _tell(line, done)):
                return
            line.send(Finished(block.number))
    finally:
        if station is not None:
            station.close()


def _tell(line: Connection, done: Done) -> bool:
    """Report an episode; False if the parent has said something meanwhile, which is STOP."""
    line.send(done)
    return not line.poll()


def end_with_parent() -> None:
    """Wait for the end of the process that started this one, then end at once."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def use_one_thread() -> None:
    """Keep each worker to its core: what is read when numpy, OpenMP and OpenGL are loaded."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("LP_NUM_THREADS", "0")
    os.environ.setdefault("MUJOCO_GL", "egl")


def folder(path: Path) -> Path:
    """An absolute folder, for processes that may start elsewhere."""
    return path.expanduser().absolute()
