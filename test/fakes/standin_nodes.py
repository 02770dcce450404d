"""Stand-ins for the executables of a cell, and a start that uses them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from mtopt_ros.settings import SETTINGS

# Logs its start; then, by its own name's variable, stays, ends, crashes once or always.
_SCRIPT = """\
#!/bin/sh
name=$(basename "$0")
echo "$$" >>"$STANDINS/$name.pids"
echo "$*" >>"$STANDINS/$name.words"
env >"$STANDINS/$name.env"
echo "this is $name"
eval "mode=\\${MODE_$name:-stay}"
case $mode in
    end) sleep 1.5; exit 0 ;;
    fail) echo "the $name is out of order" >&2; exit 1 ;;
    once_then_end) sleep 1.5; mkdir "$STANDINS/crashed" 2>/dev/null && exit 9; exit 0 ;;
    once) [ "$(wc -l <"$STANDINS/$name.pids")" -gt 1 ] || { sleep 1.5; exit 9; } ;;
    stubborn) trap '' INT TERM ;;
esac
while :; do sleep 0.2; done
"""


class Standins:
    """A prefix with stand-ins; `modes` says what a node does: end, fail, once, stubborn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        self.notes.mkdir()
        index = folder / "share" / "ament_index" / "resource_index" / "packages"
        index.mkdir(parents=True)
        (index / "mtopt_ros").touch()
        binaries = folder / "lib" / "mtopt_ros"
        binaries.mkdir(parents=True)
        for name in (*SETTINGS, "composed"):
            (binaries / name).write_text(_SCRIPT)
            (binaries / name).chmod(0o755)

    def environment(self, **modes: str) -> dict[str, str]:
        """What makes a start take the stand-ins, and keeps it apart from all others."""
        return {
            "AMENT_PREFIX_PATH": str(self.folder),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_DOMAIN_ID": str(100 + os.getpid() % 100),
            "STANDINS": str(self.notes),
            **{f"MODE_{name}": mode for name, mode in modes.items()},
        }

    def up(self, *words: str, **modes: str) -> subprocess.Popen[str]:
        """`mtopt up` in the folder, in a process group of its own."""
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **self.environment(**modes),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "mtopt_bringup.cli", "up", "--data", "d", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def pids(self, name: str | None = None) -> list[int]:
        """Every process that a stand-in was, in order of its start."""
        files = self.notes.glob(f"{name or '*'}.pids")
        return [int(line) for file in files for line in file.read_text().split()]

    def wait_for(self, count: int, name: str | None = None, seconds: float = 30.0) -> None:
        """Until so many stand-ins have started."""
        deadline_s = time.monotonic() + seconds
        while len(self.pids(name)) < count:
            assert time.monotonic() < deadline_s, f"{len(self.pids(name))} of {count} started"
            time.sleep(0.05)

    def survivors(self, seconds: float = 0.0) -> list[int]:
        """Stand-ins and process managers of this start that live on after so many seconds."""
        deadline_s = time.monotonic() + seconds
        while (left := self._alive()) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        return left

    def _alive(self) -> list[int]:
        """By the mark that every process of the start carries in its environment."""
        mark = f"STANDINS={self.notes}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and int(folder.name) != os.getpid():
                try:
                    if mark in (folder / "environ").read_bytes().split(b"\0"):
                        found.append(int(folder.name))
                except OSError:
                    continue
        return found
