"""What every test may ask for: the project's own configuration, as the product reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from mtopt_core.action import ActionBounds
from mtopt_core.config import from_mapping
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_robot.arm import Arm
from mtopt_robot.description import RobotDescription

ROOT = Path(__file__).resolve().parent.parent

# Drawn from the test's own name, so a run today is the run of tomorrow.
settings.register_profile("mtopt", derandomize=True, deadline=None, max_examples=150)
settings.load_profile("mtopt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real processes share the machine with whoever else works on it: they get a second try.

    The summary counts every such rerun, so a test that needs it often is seen.
    """
    for item in items:
        if item.get_closest_marker("system"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def _yaml(name: str) -> dict[str, Any]:
    values = yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))
    assert isinstance(values, dict)
    return values


@pytest.fixture(scope="session")
def workspace() -> Workspace:
    return Workspace.from_mapping(_yaml("workspace.yaml"), "config/workspace.yaml")


@pytest.fixture(scope="session")
def registry() -> TaskRegistry:
    return TaskRegistry.from_mapping(_yaml("tasks.yaml"), "config/tasks.yaml")


@pytest.fixture(scope="session")
def bounds() -> ActionBounds:
    return from_mapping(ActionBounds, _yaml("actions.yaml"), "config/actions.yaml")


@pytest.fixture(scope="session")
def urdf_path() -> Path:
    return ROOT / "urdf" / "mtopt_cell.urdf.xacro"


@pytest.fixture(scope="session")
def description(urdf_path: Path) -> RobotDescription:
    return RobotDescription.expand(urdf_path)


@pytest.fixture(scope="session")
def arm(description: RobotDescription, workspace: Workspace, bounds: ActionBounds) -> Arm:
    return Arm.of(description, workspace, bounds)
