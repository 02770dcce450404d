"""MoveIt for one cell, as launch actions: move_group, which the arm node may ask for ways."""

from __future__ import annotations

from typing import Any

import launch
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from mtopt_core.config import described

from .arguments import word
from .moveit import MoveItArguments, parameters, parse
from .paths import Paths


def description() -> launch.LaunchDescription:
    """The arguments, then the process."""
    declared = [
        DeclareLaunchArgument(
            name, default_value=word(getattr(MoveItArguments(), name)), description=known.text
        )
        for name, known in described(MoveItArguments).items()
    ]
    return launch.LaunchDescription([*declared, OpaqueFunction(function=_start)])


def _start(context: launch.LaunchContext) -> list[Any]:
    names = described(MoveItArguments)
    given = parse({name: LaunchConfiguration(name).perform(context) for name in names})
    return [move_group(given, parameters(given, Paths.installed()))]


def move_group(given: MoveItArguments, told: dict[str, Any]) -> Node:
    """The process that plans for a cell, in the cell's namespace."""
    # Descriptions are text, whatever they look like to a reader of YAML.
    texts = {
        name: ParameterValue(told[name], value_type=str)
        for name in ("robot_description", "robot_description_semantic")
    }
    return Node(
        package="moveit_ros_move_group",
        executable="move_group",
        namespace=given.cell,
        parameters=[{**told, **texts}],
        output="screen",
    )
