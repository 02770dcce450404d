"""What any SuccessDetector must keep. Inherit, and give the fixtures `detector` and `images`."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.feasibility import Feasibility
from mtopt_core.observation import OutcomeImages
from mtopt_core.success import SuccessDetector
from mtopt_core.tasks import TaskRegistry


class SuccessContract:
    """Laws of mtopt_core.success.SuccessDetector."""

    @pytest.fixture
    def detector(self) -> SuccessDetector:
        raise NotImplementedError("a subclass gives the detector")

    @pytest.fixture
    def images(self) -> OutcomeImages:
        raise NotImplementedError("a subclass gives the images")

    def test_every_task_is_graded(
        self, detector: SuccessDetector, images: OutcomeImages, registry: TaskRegistry
    ) -> None:
        grade = detector.grade(images)
        assert tuple(grade.success) == registry.names
        assert tuple(grade.probability) == registry.names
        assert grade.grader

    def test_probabilities_are_probabilities_and_verdicts_are_feasible(
        self, detector: SuccessDetector, images: OutcomeImages, registry: TaskRegistry
    ) -> None:
        grade = detector.grade(images)
        assert all(0.0 <= p <= 1.0 for p in grade.probability.values())
        graded = [registry[name] for name in grade.success]
        assert Feasibility.of(graded).holds(np.array(list(grade.success.values())))

    def test_the_same_images_get_the_same_grade(
        self, detector: SuccessDetector, images: OutcomeImages
    ) -> None:
        assert detector.grade(images) == detector.grade(images)
