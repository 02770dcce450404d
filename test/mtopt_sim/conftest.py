"""The simulated cell as the product builds it, once for all tests that only look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("MUJOCO_GL", "egl")

import pytest

from mtopt_core.workspace import Workspace
from mtopt_robot.description import RobotDescription
from mtopt_sim.cell import CellConfig, SimCell
from mtopt_sim.config import SimConfig
from mtopt_sim.lens import Lens, read_lenses
from mtopt_sim.workcell import Workcell

ROOT = Path(__file__).resolve().parents[2]
SMALL = CellConfig(SimConfig(policy_height_px=64, policy_width_px=80))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def lenses() -> tuple[Lens, ...]:
    return read_lenses(ROOT / "urdf" / "cameras.yaml")


@pytest.fixture(scope="session")
def description() -> RobotDescription:
    return RobotDescription.expand(ROOT / "urdf" / "mtopt_cell.urdf.xacro")


@pytest.fixture(scope="session")
def shared_workcell(
    description: RobotDescription, workspace: Workspace, lenses: tuple[Lens, ...]
) -> Workcell:
    return Workcell(description, workspace, SimConfig(), lenses)


@pytest.fixture
def workcell(shared_workcell: Workcell) -> Workcell:
    """A cell with a new scene of seed 0."""
    shared_workcell.restart(0)
    return shared_workcell


@pytest.fixture(scope="session")
def shared_cell() -> Iterator[SimCell]:
    cell = SimCell.open(ROOT, SMALL)
    yield cell
    cell.close()


@pytest.fixture
def cell(shared_cell: SimCell) -> SimCell:
    """A cell of the episode loop with a new scene of seed 0."""
    shared_cell.restart(0)
    return shared_cell


@pytest.fixture
def one_object() -> SimConfig:
    return replace(SimConfig(), objects=("box",))
