"""The product's executables as processes of their own, ended by their own ids."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import yaml

from fakes.ros_session import CELL, FILES, environment
from mtopt_bringup.processes import tether
from mtopt_ros.parameters import flat, leaves
from mtopt_ros.settings import SETTINGS

END_S = 20.0


def executable(name: str) -> Path:
    """An installed executable of mtopt_ros."""
    for prefix in os.environ["AMENT_PREFIX_PATH"].split(os.pathsep):
        path = Path(prefix) / "lib" / "mtopt_ros" / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name} is in no prefix of AMENT_PREFIX_PATH: build the workspace")


class Process:
    """A running executable and its log."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            # Also where this session is killed nothing stays behind.
            self._process = subprocess.Popen(
                tether.command(signal.SIGKILL, arguments),
                env=environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """As a crash would end it."""
        self._process.kill()
        self._process.wait(END_S)

    def end(self, number: int = signal.SIGINT) -> int:
        """Ask it to end; its exit code. One that does not listen is killed and counts as -9."""
        if self.alive:
            self._process.send_signal(number)
        try:
            return self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL


def start(name: str, log: Path, namespace: str = CELL, **given: Any) -> Process:
    """An executable in the test's cell, or elsewhere, with the project's files as parameters."""
    log.mkdir(parents=True, exist_ok=True)
    known = {leaf.name for leaf in leaves(SETTINGS[name])}
    files = {key: value for key, value in FILES.items() if key in known}
    parameters = log / f"{name}.yaml"
    values = {"/**": {"ros__parameters": files | flat(given)}}
    parameters.write_text(yaml.safe_dump(values), encoding="utf-8")
    arguments = [str(executable(name)), "--ros-args", "-r", f"__ns:=/{namespace}"]
    arguments += ["--params-file", str(parameters)]
    return Process(arguments, log / f"{name}.log")
