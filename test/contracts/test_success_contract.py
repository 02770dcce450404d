"""Every SuccessDetector keeps the detector's contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.success_contract import SuccessContract
from fakes.fake_cell import FakeCell
from fakes.fake_grader import TruthDetector
from fakes.fake_model import ONE_THREAD
from fakes.fake_success import success_manifest, views_of, write_fake_success
from mtopt_core.action import ActionBounds
from mtopt_core.observation import OutcomeImages
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_robot.models.bundle import Expected, check_success_bundle
from mtopt_robot.models.model_detector import ModelDetector


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


class TestModelDetector(SuccessContract):
    @pytest.fixture
    def detector(self, tmp_path: Path, registry: TaskRegistry) -> ModelDetector:
        folder = write_fake_success(tmp_path, success_manifest(registry.names))
        bundle = check_success_bundle(folder, Expected(None, registry.names), ONE_THREAD)
        return ModelDetector(bundle, registry)

    @pytest.fixture(params=[(), (0, 7), (3, 8), (0, 1, 2, 3, 4, 5, 6, 7, 8)])
    def images(self, request: pytest.FixtureRequest) -> OutcomeImages:
        return views_of(*request.param)
