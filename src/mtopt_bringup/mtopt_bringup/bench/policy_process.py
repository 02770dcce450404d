"""The policy server's executable as a process that a bench starts and ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mtopt_bringup.errors import StartFailed
from mtopt_bringup.processes import programs


class PolicyProcess:
    """The policy node's executable, until it is ended."""

    def __init__(
        self,
        folder: Path,
        namespace: str,
        parameters: Mapping[str, Any],
        environment: Mapping[str, str],
    ) -> None:
        path = folder / "policy.yaml"
        told = {"/**": {"ros__parameters": dict(parameters)}}
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        words = [str(programs.executable("mtopt_ros", "policy")), "--ros-args"]
        words += ["-r", f"__ns:=/{namespace}", "--params-file", str(path)]
        self._log = folder / "policy.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT
            )

    def end(self) -> None:
        """Ask it to end; kill it if it does not."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raises StartFailed with its last words if it has ended."""
        if self._process.poll() is not None:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise StartFailed(f"the policy server ended: {tail}")
