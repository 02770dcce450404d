"""The real description, and what is planned with it."""

from pathlib import Path

import pytest

from mtopt_core.action import ActionBounds
from mtopt_core.workspace import Workspace
from mtopt_robot.arm import Arm
from mtopt_robot.description import RobotDescription

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def urdf_path() -> Path:
    return ROOT / "urdf" / "mtopt_cell.urdf.xacro"


@pytest.fixture(scope="session")
def description(urdf_path: Path) -> RobotDescription:
    return RobotDescription.expand(urdf_path)


@pytest.fixture(scope="session")
def arm(description: RobotDescription, workspace: Workspace, bounds: ActionBounds) -> Arm:
    return Arm.of(description, workspace, bounds)
