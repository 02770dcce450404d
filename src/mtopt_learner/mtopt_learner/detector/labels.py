"""Whose word counts of what was said of an outcome, and what follows from it for every task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from mtopt_core.errors import CoreError
from mtopt_core.feasibility import Feasibility, Labels
from mtopt_core.success import TRUTH
from mtopt_core.tasks import TaskRegistry
from mtopt_data.errors import LabelsInvalid
from mtopt_data.labels import Label

UNKNOWN = -1


def rank(by: str) -> int:
    """Whose word counts for more: a person's, then the simulation's truth, then a model's."""
    if by == TRUTH:
        return 1
    return 0 if "/" in by else 2


class LabelBook:
    """All that was said, and what follows from it for every task.

    Of what two say the word of higher rank counts, of equals the later one; a person's word
    also takes back whatever of lower rank does not go with it.
    """

    def __init__(self, tasks: TaskRegistry, labels: Iterable[Label] = ()) -> None:
        self.tasks = tasks
        self._feasible = Feasibility.of(tasks.tasks)
        self._said: dict[str, list[Label]] = defaultdict(list)
        for label in labels:
            tasks[label.task]  # raises UnknownTask
            self._said[label.outcome].append(label)

    def labels(self, outcome: str, found: Mapping[str, bool], by: str) -> tuple[Labels, str]:
        """Labels (T,) of an outcome, 1, 0 and -1, and whose word they are.

        `found` is what came with the outcome, by task, as `by` said it. Raises LabelsInvalid where
        people contradict each other.
        """
        own = [Label(outcome, "", by, task, success) for task, success in found.items()]
        told = sorted([*own, *self._said.get(outcome, ())], key=lambda label: rank(label.by))
        labels, speaker = self._unsaid(), ""
        for level in sorted({rank(label.by) for label in told}, reverse=True):
            said = self._unsaid()
            for label in (each for each in told if rank(each.by) == level):
                if label.task in self.tasks.names:
                    said[self.tasks[label.task].index] = label.success
                    speaker = speaker or label.by
            labels = self._joined(outcome, labels, said)
        return labels, speaker

    def _joined(self, outcome: str, above: Labels, below: Labels) -> Labels:
        """What is said below fills in what nobody above said, as far as a scene can have both."""
        if (above == UNKNOWN).all():
            try:
                return self._feasible.complete(below)
            except CoreError as error:
                raise LabelsInvalid(f"outcome {outcome}: {error}") from error
        for task in np.flatnonzero((above == UNKNOWN) & (below != UNKNOWN)):
            tried = above.copy()
            tried[task] = below[task]
            try:
                above = self._feasible.complete(tried)
            except CoreError:
                continue
        return above

    def _unsaid(self) -> Labels:
        return np.full(len(self.tasks), UNKNOWN, dtype=np.int8)
