"""An emergency stop on the disk: it stands until Rearm, whatever becomes of a process."""

from __future__ import annotations

import os
from pathlib import Path

from mtopt_data.partfile import sync_folder

from .errors import LatchLost


class Latch:
    """A file that stands while the stop is latched. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @property
    def closed(self) -> bool:
        """Whether a stop is latched. One that cannot be looked at counts as latched."""
        if self._path is None:
            return False
        try:
            return self._path.exists()
        except OSError:
            return True

    def close(self, why: str) -> None:
        """Latch, on the disk when it returns; raises LatchLost."""
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("w", encoding="utf-8") as file:
                file.write(f"{why}\n")
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self._path.parent)
        except OSError as error:
            raise LatchLost(f"{self._path}: cannot be written: {error.strerror}") from error

    def open(self) -> None:
        """Unlatch; raises LatchLost, and then it is latched as before."""
        if self._path is None:
            return
        try:
            self._path.unlink(missing_ok=True)
            if self._path.parent.is_dir():
                sync_folder(self._path.parent)
        except OSError as error:
            raise LatchLost(f"{self._path}: cannot be deleted: {error.strerror}") from error
