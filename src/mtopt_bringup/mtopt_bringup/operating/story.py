"""What a fleet has done since its start, told from the cells' own words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from mtopt_ros.cell_view import CellView


@dataclass
class Story:
    """The newest view of every cell, and tallies over all of them."""

    cells: dict[str, CellView] = field(default_factory=dict)
    tried: Counter[str] = field(default_factory=Counter)
    succeeded: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, names: Iterable[str]) -> Story:
        """A story in which every cell is about to start."""
        return cls({name: CellView(name) for name in names})

    @property
    def episodes(self) -> int:
        """Episodes that counted."""
        return self.tried.total()

    @property
    def graders(self) -> tuple[str, ...]:
        """Who grades, sorted."""
        return tuple(sorted({view.grader for view in self.cells.values() if view.grader}))

    def heard(self, view: CellView) -> list[str]:
        """Take note of a report; lines worth telling a person."""
        before = self.cells.get(view.cell, CellView(view.cell))
        self.cells[view.cell] = view
        lines = []
        # A runner that came back counts from zero again.
        known = before.episodes if view.episodes >= before.episodes else 0
        if view.episodes > known:
            self.tried[view.last_task] += view.episodes - known
            self.succeeded[view.last_task] += int(view.last_success)
            lines.append(_episode_line(view))
        if view.state in _NOTABLE and view.state != before.state:
            lines.append(f"{view.cell}  {view.state}")
        known_faults = {_kind(fault) for fault in before.faults}
        lines += [f"{view.cell}  fault  {f}" for f in view.faults if _kind(f) not in known_faults]
        return lines


_NOTABLE = ("starting", "ready", "paused", "faulted", "parked", "done")


def _kind(fault: str) -> str:
    """Node and name of a fault, without the words that change from second to second."""
    return ":".join(fault.split(":")[:2])


def _episode_line(view: CellView) -> str:
    count = f"{view.episodes}/{view.wanted}" if view.wanted else str(view.episodes)
    outcome = "success" if view.last_success else "failure"
    rate = f"  {view.episodes_per_hour:.0f} an hour" if view.episodes_per_hour else ""
    return (
        f"{view.cell}  episode {count}  {view.last_task}  {outcome}, {view.last_end_reason}{rate}"
    )
