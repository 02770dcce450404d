"""Who collects into a data folder: one parent, and workers that nobody may overlook.

A parent that was killed leaves workers for a moment; whoever comes next waits for their end,
or an episode would be made twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from mtopt_data.partfile import make_folder, named

from .errors import FolderBusy
from .plan import FOLDER

_PARENT, _WORKERS = "parent.lock", "workers.lock"
_WAIT_S = 20.0
_POLL_S = 0.05


@contextlib.contextmanager
def hold_as_parent(data: Path, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Be the only parent, once no worker of an earlier one is left; raises FolderBusy."""
    make_folder(data / FOLDER)
    until_s = time.monotonic() + wait_s
    with _locked(data / FOLDER / _PARENT, fcntl.LOCK_EX, time.monotonic()):
        with _locked(data / FOLDER / _WORKERS, fcntl.LOCK_EX, until_s):
            pass
        yield


@contextlib.contextmanager
def hold_as_worker(data: Path) -> Iterator[None]:
    """Be one of the workers; raises FolderBusy."""
    with _locked(data / FOLDER / _WORKERS, fcntl.LOCK_SH, time.monotonic() + _WAIT_S):
        yield


@contextlib.contextmanager
def _locked(path: Path, kind: int, until_s: float) -> Iterator[None]:
    """A lock that the kernel drops with the process, however that ends."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise named(error, path) from error
    try:
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until_s:
                    raise FolderBusy(f"{path.parent.parent}: another collect works here") from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)
