"""MoveIt for one cell, as launch actions: move_group, which the arm node may ask for ways."""

from __future__ import annotations

from typing import Any

import launch
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from ..paths import Paths
from . import launch_arguments
from .moveit import MoveItArguments, parameters, parse


def description() -> launch.LaunchDescription:
    """The arguments, then the process."""
    return launch_arguments.description(MoveItArguments, _start)


def _start(texts: dict[str, str]) -> list[Any]:
    given = parse(texts)
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
