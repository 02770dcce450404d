"""Grading: how likely it is that an episode's last images show each task fulfilled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .observation import OutcomeImages


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
