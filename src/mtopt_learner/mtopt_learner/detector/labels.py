"""What was said of outcomes: by people, by a model, by a simulation's own state.

Labels lie in files `labels*.csv`, a line each, in any order:

    outcome,cell,by,task,success
    20260807T142530123Z_cell1_9f3a01bc,cell1,ada,lift-carrot,1
    carrot-17,cell2,ada,lift-carrot,0

`outcome` is the id of a recorded episode, whose end is labelled anew, or the name of a folder
beside the file with images of its own. `by` is a person, `truth` or a model's `name/version`.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtopt_core.errors import CoreError
from mtopt_core.feasibility import Feasibility, Labels
from mtopt_core.success import TRUTH
from mtopt_core.tasks import TaskRegistry

from ..errors import LabelsInvalid

FILES = "labels*.csv"
COLUMNS = ("outcome", "cell", "by", "task", "success")
UNKNOWN = -1


@dataclass(frozen=True)
class Label:
    """Whether an outcome is a success of a task, and who says so."""

    outcome: str
    cell: str
    by: str
    task: str
    success: bool


def read_labels(path: Path) -> list[Label]:
    """The labels of a file; raises LabelsInvalid with the line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelsInvalid(f"{path}: cannot be read: {error}") from error
    return [_label(f"{path}: line {number}", row) for number, row in enumerate(rows, 2)]


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """A file of labels, as `read_labels` reads it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for one in labels:
            writer.writerow((one.outcome, one.cell, one.by, one.task, int(one.success)))


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


def _label(where: str, row: Mapping[str, str | None]) -> Label:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    empty = [name for name, value in values.items() if not value]
    if empty:
        raise LabelsInvalid(f"{where}: {empty[0]} is missing; columns are {', '.join(COLUMNS)}")
    if values["success"] not in ("0", "1"):
        raise LabelsInvalid(f"{where}: success = {values['success']!r}: must be 0 or 1")
    return Label(
        values["outcome"], values["cell"], values["by"], values["task"], values["success"] == "1"
    )
