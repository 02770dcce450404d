"""Grading without a model: by the true scene of a cell, or by what a test says."""

from __future__ import annotations

from fakes.fake_cell import FakeCell
from mtopt_core.observation import OutcomeImages
from mtopt_core.success import Grade, grade_truth
from mtopt_core.tasks import TaskRegistry


class TruthDetector:
    """A SuccessDetector that looks at the scene instead of at the images."""

    def __init__(self, cell: FakeCell, registry: TaskRegistry) -> None:
        self._cell, self._registry = cell, registry

    def grade(self, images: OutcomeImages) -> Grade:
        """The rules' verdict, certain of itself."""
        verdict = grade_truth(self._registry, self._cell.truth(), self._cell.workspace)
        return Grade({name: float(good) for name, good in verdict.items()}, verdict, "truth")


def grade_of(registry: TaskRegistry, *succeeded: str) -> Grade:
    """A grade in which just these tasks succeeded."""
    verdict = {task.name: task.name in succeeded for task in registry}
    return Grade({name: float(good) for name, good in verdict.items()}, verdict, "test")
