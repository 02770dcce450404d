"""Outcomes as people corrected them: a line each in `catalog/labels.txt`, in the journal's form.

A file of an episode is never altered, and neither is a line of labels: the last one of an episode
and task holds. Whoever makes a row of the catalog applies them. They are the one part of the
catalog's folder that no file can bring back, so `data rebuild` leaves them alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from . import journal
from .row import Row

LABELS = "labels.txt"


@dataclass(frozen=True)
class Label:
    """Whether a task was fulfilled by an episode, as `who` says. `told_ms`: wall clock."""

    episode_id: str
    task: str
    success: bool
    who: str
    told_ms: int
    why: str = ""


class Labels:
    """All corrections of a data folder."""

    def __init__(self, told: Iterable[Label] = (), damage: Iterable[str] = ()) -> None:
        self.damage = list(damage)
        self._of: dict[str, dict[str, Label]] = {}
        for label in told:
            self._of.setdefault(label.episode_id, {})[label.task] = label

    @classmethod
    def read(cls, root: Path) -> Labels:
        """Those of a folder, none where nobody corrected anything. Raises CatalogDamaged."""
        damage: list[str] = []
        values = journal.lines(journal.folder(root) / LABELS, damage)
        return cls((Label(**each) for each in values), damage)

    def success(self, episode_id: str, graded: Mapping[str, bool]) -> dict[str, bool]:
        """The grades of an episode with what people said in their place."""
        said = self._of.get(episode_id, {})
        return dict(graded) | {task: label.success for task, label in said.items()}

    def row(self, row: Row) -> Row:
        """An episode's row with the outcome that people gave it; probabilities stay."""
        said = self._of.get(row["episode_id"])
        if not said:
            return row
        success = self.success(row["episode_id"], row["success"])
        people = sorted({label.who for label in said.values()})
        return row | {
            "success": {task: success[task] for task in sorted(success)},
            "succeeded": success.get(row["task"], row["succeeded"]),
            "relabelled": ", ".join(people),
        }

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Rows with the outcomes that people gave them."""
        return (self.row(row) for row in rows)


def put(root: Path, label: Label) -> None:
    """Write a label down, on the disk when it returns; raises FolderNotWritable, DiskFull."""
    journal.append_lines(root, LABELS, [asdict(label)], sync=True)
