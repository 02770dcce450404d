"""What a long job shows: a calm bar in a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_S = 5.0  # between two lines where there is no terminal


class Bar:
    """How far a job of `total` parts is, and what it says. A `quiet` one shows nothing.

    Quiet jobs keep standard output for their result.
    """

    def __init__(self, doing: str, total: int, quiet: bool, line_s: float = LINE_S) -> None:
        self.total, self._quiet, self._line_s = total, quiet, line_s
        self._console = Console(highlight=False, soft_wrap=True, stderr=quiet)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._row = self._bar.add_task(doing, total=total, told="")
        self._said_s = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, done: int, doing: str = "", total: int | None = None) -> None:
        """Work begins, with so much of it done before; maybe other work than before."""
        self.total = self.total if total is None else total
        self._bar.reset(self._row, completed=done, total=self.total)
        if doing:
            self._bar.update(self._row, description=doing)
        self._said_s = time.monotonic()

    def at(self, done: int, told: str = "") -> None:
        """So much is done; `told` stands beside the bar, or in a line that is due."""
        self._bar.update(self._row, completed=done, told=told)
        now_s = time.monotonic()
        if self._bar.disable and now_s - self._said_s >= self._line_s:
            self._said_s = now_s
            self.say(f"{done} of {self.total}: {told}" if told else f"{done} of {self.total}")

    def say(self, text: str) -> None:
        """A line, above the bar."""
        if not self._quiet:
            self._bar.console.print(text)
