"""The process manager of a start: a supervisord of our own, tied to this process.

Nothing outlives a start. An orderly end asks every program with SIGINT, kills what has not
gone in time, and looks again. If this process is killed, Linux ends supervisord, which ends
the programs; if supervisord is killed, Linux ends the programs.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import ManagerLost
from . import supervisor_file, tether
from .process_tree import alive, descendants
from .programs import Program

RUNNING, EXITED, FATAL = 20, 100, 200  # supervisord's numbers
_CALL_S = 2.0
_SOCKET_S = 60.0  # a manager that lives is given time: its end would be that of all cells
_GONE_S = supervisor_file.STOP_WAIT_S + 1.0


@dataclass(frozen=True)
class State:
    """What supervisord says of one program. `started_s`: wall clock of the last start; `pid` 0:
    it does not run."""

    number: int
    exit_code: int
    started_s: float
    ended_s: float
    pid: int = 0


class Supervisor:
    """Starts programs on entering and ends them, whatever happened, on leaving."""

    def __init__(
        self, programs: Sequence[Program], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._programs = programs
        self._folder = folder
        self._environment = dict(environment)
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Supervisor:
        """Start; what prevents it shows in the first `states`."""
        # A socket's path may have 107 characters; the run folder may lie deep.
        self._short = Path(tempfile.mkdtemp(prefix="mtopt-"))
        self._socket = self._short / "supervisor"
        config = self._folder / "supervisord.conf"
        config.write_text(supervisor_file.text(self._programs, self._folder, self._socket))
        for program in self._programs:
            program.log.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        with (self._folder / "supervisord.out").open("wb") as out:
            self._child = subprocess.Popen(
                tether.command(signal.SIGTERM, words),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for us; we pass it on
            )
        self._deadline_s = time.monotonic() + _SOCKET_S
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every program, kill what does not go, wait until all are gone."""
        try:
            self._end()
        finally:
            shutil.rmtree(self._short, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The manager's own process; 0 if it was never started."""
        return self._child.pid if self._child else 0

    def states(self) -> dict[str, State]:
        """Every program's state; empty until supervisord answers. Raises ManagerLost."""
        if self._child is None or self._child.poll() is not None:
            raise ManagerLost(f"the process manager has ended: {self._said()}")
        try:
            infos: Any = self._remote().supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            if time.monotonic() > self._deadline_s:
                raise ManagerLost(f"no answer from the process manager: {self._said()}") from None
            return {}
        self._deadline_s = time.monotonic() + _SOCKET_S
        return {
            info["name"]: State(
                info["state"], info["exitstatus"], info["start"], info["stop"], info["pid"]
            )
            for info in infos
        }

    def kill(self, name: str) -> None:
        """End a program that does not listen; it is started anew. No harm if it is gone."""
        with suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._remote().supervisor.signalProcess(f"{supervisor_file.GROUP}:{name}", "KILL")

    def _end(self) -> None:
        if self._child is None:
            return
        family = descendants(self._child.pid)
        deadline_s = time.monotonic() + _GONE_S
        try:
            # The call also wakes supervisord, which would see a signal up to 1 s later.
            self._remote().supervisor.shutdown()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            self._child.terminate()
        while self._child.poll() is None and time.monotonic() < deadline_s:
            family |= descendants(self._child.pid)
            time.sleep(0.05)
        for pid in family:
            if alive(pid):
                _kill(pid)
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()

    def _remote(self) -> xmlrpc.client.ServerProxy:
        return xmlrpc.client.ServerProxy(
            "http://localhost", transport=_UnixTransport(str(self._socket))
        )

    def _said(self) -> str:
        out = self._folder / "supervisord.out"
        return out.read_text(errors="replace").strip()[-500:] or f"see {self._folder}"


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_CALL_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_CALL_S)
        self.sock.connect(self._path)


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a socket file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        del host
        return _UnixConnection(self._path)
