"""The fleet's processes as programs of this machine: command line, environment, log file."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import NotInstalled
from ..plan.graph import Process
from . import tether
from .transport import Profiles


@dataclass(frozen=True)
class Program:
    """What the supervisor starts. `environment` is what differs from the supervisor's own."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str]
    ends_fleet: bool = False


def programs(
    processes: Sequence[Process], parameters: Mapping[str, Path], logs: Path, profiles: Profiles
) -> tuple[Program, ...]:
    """A program for each process; raises NotInstalled."""
    return tuple(
        Program(
            name=process.name,
            command=command(process, parameters[process.name]),
            log=logs / f"{process.name}.log",
            environment=profiles.environment(process.sends_images),
            ends_fleet=process.ends_fleet,
        )
        for process in processes
    )


def command(process: Process, parameters: Path) -> list[str]:
    """The command line of a process; raises NotInstalled.

    ROS's own log files are off: the supervisor keeps what a node says, within bounds.
    """
    words = [
        str(executable(process.package, process.executable)),
        *process.words,
        "--ros-args",
        *process.arguments,
        "--params-file",
        str(parameters),
        "--disable-external-lib-logs",
    ]
    return tether.command(signal.SIGTERM, words)


def executable(package: str, name: str) -> Path:
    """An installed executable of a ROS package; raises NotInstalled."""
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        path = Path(get_package_prefix(package)) / "lib" / package / name
    except (PackageNotFoundError, LookupError):
        raise NotInstalled(
            f"package {package} is not installed: build the workspace with ./mtopt setup, or "
            "with colcon build and then source install/setup.sh"
        ) from None
    if not os.access(path, os.X_OK):
        raise NotInstalled(f"{path}: no such executable: build the workspace anew")
    return path
