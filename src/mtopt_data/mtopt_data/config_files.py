"""The files of `config/` that describe a cell and its tasks, read into what they mean.

Each raises YamlInvalid or ConfigError, naming the file and the field.
"""

from __future__ import annotations

from pathlib import Path

from mtopt_core.action import ActionBounds
from mtopt_core.config import from_mapping
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace

from .yamlfile import read_yaml


def workspace(path: str | Path) -> Workspace:
    """The cell's geometry."""
    return Workspace.from_mapping(read_yaml(path), str(path))


def action_bounds(path: str | Path) -> ActionBounds:
    """How far one step may go."""
    return from_mapping(ActionBounds, read_yaml(path), str(path))


def tasks(path: str | Path) -> TaskRegistry:
    """The task registry."""
    return TaskRegistry.from_mapping(read_yaml(path), str(path))
