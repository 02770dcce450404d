"""The hardware of one cell under ros2_control, as launch actions.

The order matters. The description comes first and stays (Gazebo's plugin holds the simulation
until it has read it), then what holds the controllers, then the controllers one after the
other, each when the one before has been started.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import launch
from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from ..paths import Paths
from . import launch_arguments
from .hardware import CONTROLLERS, HardwareArguments, HardwareFiles, parse, prepare

# A real arm's hardware is there once somebody has started FRI on its pendant.
_HARDWARE_WITHIN_S = {"mock": 60, "gazebo": 60, "iiwa": 600}
_TREE = [("/tf", "tf"), ("/tf_static", "tf_static")]  # each cell keeps its own frames


def description() -> launch.LaunchDescription:
    """The arguments, then the processes of one cell's hardware."""
    return launch_arguments.description(HardwareArguments, _start)


def _start(texts: dict[str, str]) -> list[Any]:
    given = parse(texts)
    folder = Path(launch.logging.launch_config.log_dir) / "hardware"
    return actions(given, prepare(given, Paths.installed(), folder))


def actions(given: HardwareArguments, files: HardwareFiles) -> list[Any]:
    """Everything that is started for a cell, in its order."""
    publisher = _publisher(given, files)
    if given.hardware == "gazebo":
        return [publisher, *_gazebo(given, files)]
    manager = Node(
        package="controller_manager",
        executable="ros2_control_node",
        namespace=given.cell,
        parameters=[str(files.controllers)],
        output="screen",
    )
    spawners = [_spawner(name, given, files) for name in CONTROLLERS]
    return [publisher, manager, *_one_after_the_other(spawners), spawners[0], _end_with(manager)]


def _publisher(given: HardwareArguments, files: HardwareFiles) -> Node:
    """The description on a latched topic, and the frames of the links."""
    urdf = ParameterValue(files.description.urdf, value_type=str)
    return Node(
        package="robot_state_publisher",
        executable="robot_state_publisher",
        namespace=given.cell,
        parameters=[{"robot_description": urdf, "use_sim_time": given.hardware == "gazebo"}],
        remappings=_TREE,
        output="screen",
    )


def _gazebo(given: HardwareArguments, files: HardwareFiles) -> list[Any]:
    window = ["-s", "--headless-rendering"] if given.headless else []
    simulator = ExecuteProcess(
        cmd=["gz", "sim", "-r", *window, str(files.world)], name="gz_sim", output="screen"
    )
    create = Node(
        package="ros_gz_sim",
        executable="create",
        namespace=given.cell,
        arguments=["-topic", "robot_description", "-name", given.cell],
        output="screen",
    )
    bridge = Node(
        package="ros_gz_bridge",
        executable="parameter_bridge",
        namespace=given.cell,
        parameters=[{"config_file": str(files.bridge)}],
        output="screen",
    )
    spawners = [_spawner(name, given, files) for name in CONTROLLERS]
    return [
        # Its own conversation: other simulators of this machine don't hear it.
        SetEnvironmentVariable("GZ_PARTITION", given.cell),
        simulator,
        *_one_after_the_other([create, *spawners]),
        create,
        bridge,
        _end_with(simulator),
    ]


def _spawner(name: str, given: HardwareArguments, files: HardwareFiles) -> Node:
    return Node(
        package="controller_manager",
        executable="spawner",
        namespace=given.cell,
        arguments=[
            name,
            "--controller-manager",
            f"/{given.cell}/controller_manager",
            "--param-file",
            str(files.controllers),
            "--controller-manager-timeout",
            str(_HARDWARE_WITHIN_S[given.hardware]),
        ],
        output="screen",
    )


def _one_after_the_other(steps: list[Any]) -> list[Any]:
    """Handlers that start each step when the one before it has ended well."""

    def follow(after: Any) -> Any:
        def on_exit(event: Any, _: launch.LaunchContext) -> list[Any]:
            if event.returncode == 0:
                return [after]
            reason = f"{event.process_name} failed with code {event.returncode}"
            return [EmitEvent(event=Shutdown(reason=reason))]

        return on_exit

    return [
        RegisterEventHandler(OnProcessExit(target_action=before, on_exit=follow(after)))
        for before, after in pairwise(steps)
    ]


def _end_with(process: Any) -> RegisterEventHandler:
    """Without this process there is no hardware."""
    ended = EmitEvent(event=Shutdown(reason="the hardware's process has ended"))
    return RegisterEventHandler(OnProcessExit(target_action=process, on_exit=[ended]))
