"""A cell runs once in a ROS domain: two of a name would command the same arm."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from mtopt_core.errors import ConfigError

from ..spoken import SOURCE


class Claim:
    """Holds the names of cells for this process's life, or until released."""

    def __init__(self, cells: Iterable[str], environment: Mapping[str, str]) -> None:
        """Raises ConfigError if another start on this machine has one of them."""
        domain = environment.get("ROS_DOMAIN_ID") or "0"
        folder = Path(tempfile.gettempdir()) / f"mtopt-cells-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._files: list[IO[str]] = []
        for cell in cells:
            self._take(folder / f"domain{domain}-{cell}", cell, domain)

    def release(self) -> None:
        """Let others have them."""
        while self._files:
            self._files.pop().close()

    def _take(self, path: Path, cell: str, domain: str) -> None:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            self.release()
            allowed = (
                f"runs already in ROS domain {domain} (process {holder}): end that first, or "
                "set ROS_DOMAIN_ID to another number"
            )
            raise ConfigError(SOURCE, "cells", cell, allowed) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._files.append(file)
