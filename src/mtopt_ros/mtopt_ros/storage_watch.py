"""Whether episodes can be written: looked at again and again, so that a fault ends by itself."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from mtopt_core.errors import MtoptError
from mtopt_data.errors import DiskFull
from mtopt_data.partfile import make_folder, named
from mtopt_data.writer import require_space

from .health import Health

_AGAIN = 1.1  # times the reserve must be free before a full disk counts as free again
_PROBE_BYTES = 4096


class StorageWatch:
    """Keeps a recorder's faults up to date with its folder. `reserve_bytes` must stay free."""

    def __init__(self, health: Health, root: Path, reserve_bytes: int) -> None:
        self._health, self._root, self._reserve_bytes = health, root, reserve_bytes

    def look(self) -> None:
        """Name what prevents an episode now; a fault that nothing shows any more is over."""
        full = DiskFull.__name__ in self._health.faults
        try:
            require_space(self._root, round(self._reserve_bytes * (_AGAIN if full else 1.0)))
            if self._health.faults:
                self._probe()
        except MtoptError as error:
            self._health.faults = {type(error).__name__: str(error)}
        else:
            self._health.faults.clear()
        self._show()

    def _probe(self) -> None:
        """Write a little; raises FolderNotWritable, DiskFull."""
        make_folder(self._root)
        try:
            with tempfile.TemporaryFile(dir=self._root) as file:
                file.write(bytes(_PROBE_BYTES))
        except OSError as error:
            raise named(error, self._root) from error

    def _show(self) -> None:
        try:
            free_mb = shutil.disk_usage(self._root).free // 1_000_000
        except OSError:
            return  # the folder is gone, which `look` has named
        self._health.values["disk_free_mb"] = str(free_mb)
