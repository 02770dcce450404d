"""Both starters start the same: the launch actions beside the command lines of `./mtopt up`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.standin_nodes import Standins
from mtopt_bringup.plan import parameter_files
from mtopt_bringup.plan.graph import Process
from mtopt_bringup.processes import programs
from mtopt_bringup.processes.programs import Program
from mtopt_bringup.processes.transport import Profiles

launch = pytest.importorskip("launch")
pytest.importorskip("launch_ros")

from mtopt_bringup.launching import actions as launching  # noqa: E402

Start = Callable[..., tuple[Process, ...]]


@pytest.fixture
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standins:
    made = Standins(tmp_path)
    for name, value in made.environment(runner="end", composed="end").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "roslog"))
    return made


def ros_arguments(words: list[str]) -> dict[str, list[str]]:
    """Remappings and parameter files of a command line."""
    found: dict[str, list[str]] = {"-r": [], "--params-file": []}
    for flag, value in itertools.pairwise(words):
        if flag in found:
            found[flag].append(value)
    found["-r"].sort()
    return found


def launched(processes: tuple[Process, ...], files: dict[str, Path], profiles: Profiles) -> int:
    starter = launching.Starter(processes, files, profiles, verbose=False)
    service = launch.LaunchService(noninteractive=True)
    service.include_launch_description(launch.LaunchDescription(starter.actions()))
    return int(service.run())


@pytest.mark.system
@pytest.mark.parametrize("texts", [{}, {"composed": "true", "seed": "3"}, {"cells": "2"}])
def test_both_starters_give_the_same_processes(
    start: Start, standins: Standins, texts: dict[str, str]
) -> None:
    processes = start(**texts)
    files = parameter_files.write(processes, standins.folder / "parameters")
    profiles = Profiles(Path("/plain.xml"), Path("/images.xml"))
    ours = programs.programs(processes, files, standins.folder / "logs", profiles)
    assert launched(processes, files, profiles) == 0
    assert standins.survivors() == []
    by_executable: dict[str, list[Program]] = {}
    for program in ours:
        by_executable.setdefault(program.name.partition(".")[2], []).append(program)
    for executable, expected in by_executable.items():
        lines = (standins.notes / f"{executable}.words").read_text().splitlines()
        assert sorted(str(ros_arguments(line.split())) for line in lines) == sorted(
            str(ros_arguments(program.command)) for program in expected
        )
        environment = (standins.notes / f"{executable}.env").read_text().splitlines()
        for name, value in expected[0].environment.items():
            assert f"{name}={value}" in environment


def test_the_arguments_are_the_same() -> None:
    from launch.actions import DeclareLaunchArgument

    from mtopt_bringup.plan.arguments import Arguments
    from mtopt_core.config import described

    entities = launching.description().entities
    names = [e.name for e in entities if isinstance(e, DeclareLaunchArgument)]
    assert names == list(described(Arguments))


@pytest.mark.system
def test_the_end_of_the_last_runner_ends_the_launch(
    start: Start, standins: Standins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE_runner", "once_then_end")
    processes = start(cells="2")
    files = parameter_files.write(processes, standins.folder / "parameters")
    assert launched(processes, files, Profiles(None, None)) == 0
    assert len(standins.pids("runner")) == 3  # one of the two crashed and came back
    assert len(standins.pids("arm")) == 2
    assert standins.survivors() == []
