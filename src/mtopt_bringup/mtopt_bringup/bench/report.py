"""What every bench hands over: figures, what they should be, and on which machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A bound on one figure; `at_least` and `at_most` in the figure's own unit."""

    at_least: float | None = None
    at_most: float | None = None

    def met_by(self, value: float) -> bool:
        """Whether a figure is within it."""
        high_enough = self.at_least is None or value >= self.at_least
        return high_enough and (self.at_most is None or value <= self.at_most)

    def as_dict(self) -> dict[str, float]:
        """Only the bounds that there are."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        return {name: value for name, value in bounds.items() if value is not None}


def this_machine() -> dict[str, Any]:
    """What a figure depends on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


@dataclass(frozen=True)
class Report:
    """The figures of a bench by name, units in the names.

    A figure that could not be had is None; `notes` say why, by its name.
    """

    bench: str
    figures: Mapping[str, float | None]
    goals: Mapping[str, Goal]
    machine: Mapping[str, Any] = field(default_factory=this_machine)
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every goal is met."""
        return all(self.meets(name) for name in self.goals)

    def meets(self, name: str) -> bool:
        """Whether a figure meets its goal; one that there is not meets none."""
        value = self.figures[name]
        return value is not None and self.goals[name].met_by(value)

    def as_dict(self) -> dict[str, Any]:
        """The shape that `--json` prints."""
        return {
            "bench": self.bench,
            "machine": dict(self.machine),
            "figures": dict(self.figures),
            "goals": {name: goal.as_dict() for name, goal in self.goals.items()},
            "met": self.met,
        } | ({"notes": dict(self.notes)} if self.notes else {})


def show(report: Report) -> None:
    """The report as a table for a person."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"bench {report.bench}", box=None, header_style="bold", pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("goal")
    table.add_column("met")
    for name, value in report.figures.items():
        goal = report.goals.get(name)
        bounds = goal.as_dict().items() if goal else ()
        said = ", ".join(f"{bound.replace('_', ' ')} {limit:g}" for bound, limit in bounds)
        met = ("yes" if report.meets(name) else "no") if goal else ""
        table.add_row(name, _written(value), said, met)
    console = Console(highlight=False)
    console.print(table)
    for name, note in report.notes.items():
        console.print(f"{name}: {note}", soft_wrap=True)
    machine = report.machine
    console.print(
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB", style="dim"
    )


def _written(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()
