"""The arguments of a launch file, as the fields of a settings class have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import launch
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from mtopt_core.config import described

from ..spoken import word


def description(
    kind: type, start: Callable[[dict[str, str]], list[Any]]
) -> launch.LaunchDescription:
    """One argument a field; `start` gets what was said and gives the actions that follow."""

    def begin(context: launch.LaunchContext) -> list[Any]:
        return start({name: LaunchConfiguration(name).perform(context) for name in fields})

    fields, usual = described(kind), kind()
    declared = [
        DeclareLaunchArgument(
            name, default_value=word(getattr(usual, name)), description=known.text
        )
        for name, known in fields.items()
    ]
    return launch.LaunchDescription([*declared, OpaqueFunction(function=begin)])
