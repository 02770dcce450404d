"""The same graph for `ros2 launch`: translated into launch actions, no decisions of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import launch
from launch.actions import (
    EmitEvent,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnShutdown
from launch.events import Shutdown
from launch_ros.actions import Node

from ..operating.running import prepare
from ..paths import Paths
from ..plan import parameter_files
from ..plan.arguments import Arguments, parse
from ..plan.graph import Process, remembering
from ..processes import transport
from ..processes.claim import Claim
from ..processes.transport import Profiles
from . import launch_arguments

RESPAWN_S = 1.0
_SIGTERM_S, _SIGKILL_S = "3", "1"  # after SIGINT: gone within 5 s, as with the other starter


def description() -> launch.LaunchDescription:
    """The launch description: the arguments, then the processes that they ask for."""
    return launch_arguments.description(Arguments, _start)


def _start(texts: dict[str, str]) -> list[Any]:
    arguments = parse(texts)
    paths = Paths.installed()
    prepared = prepare(arguments, paths)
    claim = Claim(prepared.cells, os.environ)
    folder = Path(launch.logging.launch_config.log_dir)
    senders = sum(process.sends_images for process in prepared.processes)
    profiles = transport.profiles(senders, paths, folder, os.environ)
    processes = remembering(prepared.processes, folder / "ledgers")
    files = parameter_files.write(processes, folder / "parameters")
    started = Starter(processes, files, profiles, arguments.verbose)
    released = OnShutdown(on_shutdown=lambda *_: claim.release())
    return [RegisterEventHandler(released), *started.actions()]


class Starter:
    """Node actions for processes, and what follows when one of them ends."""

    def __init__(
        self,
        processes: Sequence[Process],
        files: dict[str, Path],
        profiles: Profiles,
        verbose: bool,
    ) -> None:
        self._processes = processes
        self._files = files
        self._profiles = profiles
        self._verbose = verbose
        self._unfinished = {process.name for process in processes if process.ends_fleet}

    def actions(self) -> list[Any]:
        """One action a process, and handlers for those whose end means something."""
        return [action for process in self._processes for action in self._actions(process)]

    def _actions(self, process: Process) -> list[Any]:
        node = self.node(process)
        if not process.ends_fleet:
            return [node]

        def on_exit(event: Any, context: launch.LaunchContext) -> list[Any]:
            return self._ended(process, event.returncode, context)

        return [RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit)), node]

    def _ended(self, process: Process, code: int, context: launch.LaunchContext) -> list[Any]:
        """0: the cell has collected what was asked; the last one to say so ends the fleet."""
        if context.is_shutdown:
            return []
        if code != 0:
            return [TimerAction(period=RESPAWN_S, actions=self._actions(process))]
        self._unfinished.discard(process.name)
        if self._unfinished:
            return []
        return [EmitEvent(event=Shutdown(reason="all episodes are collected"))]

    def node(self, process: Process) -> Node:
        """The launch action of one process."""
        return Node(
            package=process.package,
            executable=process.executable,
            name=process.node or None,
            namespace=process.namespace,
            arguments=process.words,
            parameters=[str(self._files[process.name])],
            remappings=list(process.remappings),
            additional_env={
                **transport.defaults(os.environ),
                **self._profiles.environment(process.sends_images),
            },
            output="screen" if self._verbose or process.ends_fleet else "log",
            respawn=not process.ends_fleet,
            respawn_delay=RESPAWN_S,
            sigterm_timeout=_SIGTERM_S,
            sigkill_timeout=_SIGKILL_S,
        )
