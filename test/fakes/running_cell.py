"""A whole cell as `mtopt up` runs it, over hardware that a test can break, and ways to hurt it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from fakes.ros_cell_hardware import FAST_ARM, FAST_BIN
from fakes.ros_processes import executable
from fakes.ros_session import CELL, ROOT, Prober, domain_id, until
from mtopt_bringup.processes import tether
from mtopt_data.naming import finished_files
from mtopt_data.reader import read_metadata
from mtopt_msgs.msg import CellStatus
from mtopt_ros.qos import STATES
from mtopt_ros.settings import SETTINGS

PATIENCE_S, START_S = 90.0, 240.0  # a busy machine starts ten processes slowly
_SCRIPT = f"""#!/bin/sh
exec {sys.executable} -m fakes.hardware_process "$@"
"""

NODES: dict[str, Any] = {
    "camera": {"max_age_s": 1.5, "max_skew_s": 1.0},
    "arm": FAST_ARM,
    "bin": {**FAST_BIN, "sequence": {**FAST_BIN["sequence"], "retries": 0}},
    "recorder": {"disk_reserve_mb": 10},
    "success": {"wait_s": 5.0},
    "runner": {"step_deadline_s": 3.0, "limits": {"max_steps": 4, "max_late": 1}},
    "policy": {"image_wait_s": 2.0},
}


class RunningCell:
    """One `mtopt up` of a cell, its live view, and what the cell says of itself.

    Everything lies below `folder`; the episodes are in `folder/data`.
    """

    def __init__(self, folder: Path, prober: Prober) -> None:
        self.folder, self.data, self.prober = folder, folder / "data", prober
        self.data.mkdir(exist_ok=True)
        self._told, self.out = folder / "hardware.json", folder / "up.log"
        self.statuses: list[CellStatus] = prober.heard(CellStatus, f"/{CELL}/cell/status", STATES)
        self._diagnostics = prober.heard(DiagnosticArray, "/diagnostics", STATES)
        self._up: subprocess.Popen[bytes] | None = None
        self._caused_s, self._seen = 0.0, 0
        self._prefix()
        cell = {"name": CELL, "hardware": "mujoco", "nodes": NODES}
        (folder / "fleet.yaml").write_text(yaml.safe_dump({"cells": [cell]}))

    # --- the start and its end --------------------------------------------------------------

    def up(self, *words: str) -> None:
        """Start; in a session of its own, as a terminal would."""
        scripts = ("--models", "none")  # the shipped model wants larger images
        given = ["up", "--fleet", "fleet.yaml", "--data", "data", "--seed", "5", *scripts, *words]
        with self.out.open("wb") as out:
            self._up = subprocess.Popen(
                tether.command(signal.SIGTERM, [sys.executable, "-m", "mtopt_bringup.cli", *given]),
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self) -> int:
        """Ctrl-C, and the exit code."""
        if self._up is None:
            return 0
        if self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
        return self._up.wait(PATIENCE_S)

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        """Its own end; the exit code."""
        assert self._up is not None
        return self._up.wait(patience_s)

    @property
    def environment(self) -> dict[str, str]:
        known = os.environ["AMENT_PREFIX_PATH"]
        return {
            **os.environ,
            "AMENT_PREFIX_PATH": f"{self.folder / 'prefix'}{os.pathsep}{known}",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "test"), *(p for p in sys.path if p)]),
            "ROS_DOMAIN_ID": str(domain_id()),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "MTOPT_HARDWARE": str(self._told),
        }

    # --- what an operator does --------------------------------------------------------------

    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`mtopt cell ...` to this cell."""
        self._cause()
        return subprocess.run(
            [sys.executable, "-m", "mtopt_bringup.cli", "cell", *words, "--cell", CELL],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    # --- what breaks ------------------------------------------------------------------------

    def tell_hardware(self, **broken: Any) -> None:
        """What is broken from now on; nothing mends everything."""
        self._cause()
        unfinished = self._told.with_suffix(".new")
        unfinished.write_text(json.dumps(broken))
        os.replace(unfinished, self._told)

    def pid(self, node: str) -> int:
        """The process of a node, once it runs."""
        return int(until(lambda: self._pid(node), f"a process {node}", PATIENCE_S))

    def send(self, node: str, number: int) -> int:
        """A signal to a node's process; its id."""
        pid = self.pid(node)
        self._cause()
        os.kill(pid, number)
        return pid

    def _cause(self) -> None:
        self._caused_s, self._seen = time.monotonic(), len(self.shown())

    def _pid(self, node: str) -> int | None:
        mark = f"XDG_STATE_HOME={self.folder / 'state'}".encode()
        word = f"__node:={node}".encode()
        for process in Path("/proc").iterdir():
            try:
                if not process.name.isdecimal():
                    continue
                words = (process / "cmdline").read_bytes().split(b"\0")
                if word in words and mark in (process / "environ").read_bytes().split(b"\0"):
                    return int(process.name)
            except OSError:
                continue
        return None

    @property
    def logs(self) -> Path:
        """Where the logs of this start are, as the view says in its first line."""
        return Path(self.shown().partition("logs to ")[2].partition("\n")[0])

    # --- what is seen -----------------------------------------------------------------------

    @property
    def status(self) -> CellStatus:
        """The cell's last word."""
        return self.statuses[-1] if self.statuses else CellStatus()

    def shown(self) -> str:
        """What the live view has said so far."""
        return self.out.read_text(errors="replace") if self.out.exists() else ""

    def diagnosed(self, node: str) -> str:
        """What `/diagnostics` says of a node now; empty while all is well."""
        for array in reversed(self._diagnostics[-20:]):
            for status in array.status:
                if status.name == f"{CELL}/{node}" and status.level != DiagnosticStatus.OK:
                    return str(status.message)
            if any(status.name.startswith(f"{CELL}/") for status in array.status):
                return ""
        return ""

    def wait_for_fault(self, node: str, name: str) -> float:
        """Until a fault is in the status, in the diagnostics and in the view; seconds since what
        a test did last, the cause."""

        def everywhere() -> bool:
            told = any(f.startswith(f"{node}: {name}") for f in self.status.faults)
            found["status"] |= told
            found["diagnostics"] |= self.diagnosed(node).startswith(name)
            found["view"] |= f"fault  {node}: {name}" in self.shown()[self._seen :]
            return all(found.values())

        found = {"status": False, "diagnostics": False, "view": False}
        until(everywhere, f"{node}: {name} (shown so far: {found})", PATIENCE_S)
        return time.monotonic() - self._caused_s

    def wait_until_up(self) -> None:
        """Until the first episode is counted."""
        assert self._up is not None
        up = self._up
        seen = "the first episode"
        until(lambda: up.poll() is not None or self.status.episodes, seen, START_S)
        assert up.poll() is None, self.shown()

    def wait_for_work(self) -> float:
        """Until an episode more is counted, without a fault; seconds it took."""
        began_s, before = time.monotonic(), self.status.episodes
        until(
            lambda: self.status.episodes > before and not self.status.faults,
            f"an episode more than {before}; {list(self.status.faults)}, {self.status.state}",
            PATIENCE_S,
        )
        return time.monotonic() - began_s

    def ended(self, ordinary: bool | None = None) -> list[str]:
        """End reasons of the finished episodes, oldest first."""
        found = [read_metadata(path) for path in finished_files(self.data)]
        return [m.end_reason for m in found if ordinary is None or m.ordinary == ordinary]

    def _prefix(self) -> None:
        """The product's executables, with the breakable hardware in the simulator's place."""
        index = self.folder / "prefix" / "share" / "ament_index" / "resource_index" / "packages"
        index.mkdir(parents=True)
        (index / "mtopt_ros").touch()
        binaries = self.folder / "prefix" / "lib" / "mtopt_ros"
        binaries.mkdir(parents=True)
        for name in SETTINGS:
            if name != "mujoco":
                (binaries / name).symlink_to(executable(name))
        (binaries / "mujoco").write_text(_SCRIPT)
        (binaries / "mujoco").chmod(0o755)


def tails(cell: RunningCell, names: Sequence[str], lines: int = 15) -> str:
    """The ends of some logs, for a test that failed."""
    found = []
    for name in names:
        log = cell.logs / f"{CELL}.{name}.log"
        if log.exists():
            text = log.read_text(errors="replace").splitlines()[-lines:]
            found.append("\n".join([f"--- {name}", *text]))
    return "\n".join(found)
