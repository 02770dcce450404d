"""What any SuccessDetector must keep. Inherit, and give the fixtures `detector` and `images`."""

from __future__ import annotations

import pytest

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

    def test_probabilities_are_probabilities_and_verdicts_follow_them(
        self, detector: SuccessDetector, images: OutcomeImages
    ) -> None:
        grade = detector.grade(images)
        assert all(0.0 <= p <= 1.0 for p in grade.probability.values())
        good = [grade.probability[name] for name, yes in grade.success.items() if yes]
        bad = [grade.probability[name] for name, yes in grade.success.items() if not yes]
        assert min(good, default=1.0) >= max(bad, default=0.0)

    def test_the_same_images_get_the_same_grade(
        self, detector: SuccessDetector, images: OutcomeImages
    ) -> None:
        assert detector.grade(images) == detector.grade(images)
