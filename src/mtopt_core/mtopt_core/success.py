"""Grading: how likely it is that an episode's last images show each task fulfilled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from .observation import OutcomeImages
from .scene import SceneTruth
from .tasks import Task
from .workspace import Workspace

TRUTH = "truth"  # the grader's name where a simulation's own state does the grading


@dataclass(frozen=True)
class Grade:
    """Probability and verdict by task name; `grader` says who graded ("truth" or a model)."""

    probability: dict[str, float]
    success: dict[str, bool]
    grader: str


class SuccessDetector(Protocol):
    """Whatever can grade an outcome for all tasks at once."""

    def grade(self, images: OutcomeImages) -> Grade:
        """The grade of an outcome; raises CellFault where it cannot be had."""
        ...


def grade_truth(tasks: Iterable[Task], scene: SceneTruth, workspace: Workspace) -> dict[str, bool]:
    """Which tasks the true scene fulfils, by name."""
    return {task.name: bool(task.rule.succeeded(scene, workspace)) for task in tasks}


def truth_grade(tasks: Iterable[Task], scene: SceneTruth, workspace: Workspace) -> Grade:
    """The same as a grade: certain either way, and marked as the simulation's truth."""
    success = grade_truth(tasks, scene, workspace)
    return Grade({task: float(done) for task, done in success.items()}, success, TRUTH)
