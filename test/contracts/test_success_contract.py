"""Every SuccessDetector keeps the detector's contract."""

from __future__ import annotations

import pytest

from contracts.success_contract import SuccessContract
from fakes.fake_cell import FakeCell
from fakes.fake_grader import TruthDetector
from mtopt_core.action import ActionBounds
from mtopt_core.observation import OutcomeImages
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace


class TestTruthDetector(SuccessContract):
    @pytest.fixture
    def cell(self, workspace: Workspace, bounds: ActionBounds) -> FakeCell:
        cell = FakeCell(workspace, bounds)
        cell.held, cell.object_m[2] = True, 0.3
        return cell

    @pytest.fixture
    def detector(self, cell: FakeCell, registry: TaskRegistry) -> TruthDetector:
        return TruthDetector(cell, registry)

    @pytest.fixture
    def images(self, cell: FakeCell) -> OutcomeImages:
        return cell.outcome_images()

    def test_a_carrot_in_the_air_is_any_object_and_a_carrot(
        self, detector: TruthDetector, images: OutcomeImages
    ) -> None:
        grade = detector.grade(images)
        assert [name for name, yes in grade.success.items() if yes] == ["lift-any", "lift-carrot"]
