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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import LabelsInvalid

FILES = "labels*.csv"
COLUMNS = ("outcome", "cell", "by", "task", "success")


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
