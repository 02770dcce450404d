"""Every Cell keeps the cell's contract."""

from __future__ import annotations

import pytest

from contracts.cell_contract import CellContract
from fakes.fake_cell import FakeCell
from mtopt_core.action import ActionBounds
from mtopt_core.workspace import Workspace


class TestFakeCell(CellContract):
    @pytest.fixture
    def cell(self, workspace: Workspace, bounds: ActionBounds) -> FakeCell:
        return FakeCell(workspace, bounds)


class TestFakeCellThatIsOff(CellContract):
    """The contract leaves room for an arm that ends a little beside where it was sent."""

    @pytest.fixture
    def cell(self, workspace: Workspace, bounds: ActionBounds) -> FakeCell:
        return FakeCell(workspace, bounds, error_m=0.001)
