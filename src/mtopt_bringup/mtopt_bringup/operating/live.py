"""The calm view of a running fleet, and the summary at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mtopt_data.metadata import GRADED_BY_TRUTH
from mtopt_ros.cell_view import CellView

from .advice import advised
from .story import Story

TRUTH = "Outcomes are graded by the simulation's truth, not by a success model."
_COLOURS = {
    "collecting": "green",
    "ready": "green",
    "done": "green",
    "paused": "yellow",
    "starting": "yellow",
    "resetting": "cyan",
    "grading": "cyan",
    "faulted": "red",
    "parked": "red",
}


@dataclass(frozen=True)
class Places:
    """Where a start keeps what it makes."""

    data: Path
    logs: Path


class View:
    """Shows a story: a table in a terminal, lines anywhere else, logs if asked for."""

    def __init__(self, story: Story, places: Places, logs: Sequence[Path] | None = None) -> None:
        """`logs`: show these files as they grow, in place of the table."""
        self._console = Console(highlight=False, soft_wrap=True)
        self._story = story
        self._places = places
        self._tails = [_Tail(log) for log in logs or ()]
        self._live: Live | None = None
        if self._console.is_terminal and logs is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> View:
        if self._live:
            self._live.start()
        else:
            self.say(f"episodes go to {self._places.data}; logs to {self._places.logs}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, line: str) -> None:
        """One line that stays."""
        self._console.print(escape(line))

    def tell(self, lines: Sequence[str]) -> None:
        """Lines of the story, where there is no table to show the same."""
        if not self._live:
            for line in lines:
                self.say(line)

    def refresh(self, notice: str = "") -> None:
        """Bring the screen up to date."""
        for tail in self._tails:
            for line in tail.lines():
                self._console.print(escape(line), style="dim")
        if self._live:
            self._live.update(screen(self._story, self._places, notice), refresh=True)

    def summary(self, files: int) -> None:
        """What came of it."""
        self._console.print(summary(self._story, self._places, files))


def screen(story: Story, places: Places, notice: str = "") -> RenderableType:
    """All cells, and what belongs to all of them."""
    lines = [TRUTH] if GRADED_BY_TRUTH in story.graders else []
    lines += [f"Episodes: {places.data}", f"Logs: {places.logs}    Ctrl-C ends everything."]
    lines += [notice] if notice else []
    return Group(
        table(story),
        *([by_task(story)] if story.tried else ()),
        *faults(story),
        *(Text(line, style="dim") for line in lines),
    )


def faults(story: Story) -> list[Text]:
    """What is wrong, and what a person can do about it."""
    lines = []
    for view in story.cells.values():
        for fault in view.faults:
            lines.append(Text(f"{view.cell}: {fault}", style="red"))
            lines += [Text(f"    {advice}", style="yellow") for advice in advised(fault, view.cell)]
    return lines


def by_task(story: Story) -> Text:
    """Successes and episodes of every task that was tried."""
    counts = (f"{task} {story.succeeded[task]}/{story.tried[task]}" for task in sorted(story.tried))
    return Text("success  " + "  ".join(counts), style="dim")


def table(story: Story) -> Table:
    """A row a cell."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("cell", "state", "task", "step", "last outcome"):
        made.add_column(heading, no_wrap=True)
    for heading in ("episodes", "success", "an hour", "disk free", "faults"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("policy", no_wrap=True)
    for view in story.cells.values():
        made.add_row(*_row(view))
    return made


def _row(view: CellView) -> list[RenderableType]:
    outcome = ""
    if view.last_task:
        outcome = f"{view.last_task}: {'success' if view.last_success else 'failure'}"
    share = f"{100 * view.successes / view.episodes:.0f}%" if view.episodes else "-"
    return [
        Text(view.cell),
        Text(view.state, style=_COLOURS.get(view.state, "")),
        Text(view.task or "-"),
        Text(str(view.step) if view.task else "-"),
        Text(outcome or "-"),
        Text(f"{view.episodes}/{view.wanted}" if view.wanted else str(view.episodes)),
        Text(share),
        Text(f"{view.episodes_per_hour:.0f}" if view.episodes_per_hour else "-"),
        Text(f"{view.disk_free / 1e9:.1f} GB" if view.disk_free else "-"),
        Text(str(len(view.faults)), style="red" if view.faults else ""),
        Text(view.policy_model or "-"),
    ]


def summary(story: Story, places: Places, files: int) -> RenderableType:
    """Episodes and successes by task, and where everything is."""
    parts: list[RenderableType] = []
    if story.tried:
        made = Table(box=None, header_style="bold", pad_edge=False)
        made.add_column("task")
        made.add_column("episodes", justify="right")
        made.add_column("successes", justify="right")
        for task in story.tried:
            made.add_row(task, str(story.tried[task]), str(story.succeeded[task]))
        parts.append(made)
    count = "1 episode file" if files == 1 else f"{files} episode files"
    parts.append(Text(f"{count} in {places.data}; logs in {places.logs}"))
    if GRADED_BY_TRUTH in story.graders:
        parts.append(Text(TRUTH, style="dim"))
    return Group(*parts)


class _Tail:
    """What is added to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = ""

    def lines(self) -> list[str]:
        """Whole lines since the last call, each with the process's name before it."""
        if not self._path.exists():
            return []
        if self._path.stat().st_size < self._at:  # rotated
            self._at = 0
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        self._at += len(data)
        *whole, self._rest = (self._rest + data.decode(errors="replace")).split("\n")
        return [f"{self._path.stem}  {line}" for line in whole]
