"""Which task comes next: a random pick, then on its success a random place, then a reset.

The schedule is a pure function of what happened; `Schedule` only remembers it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .cell import EndReason
from .config import option
from .errors import CoreError
from .tasks import Task

LIFT, PLACE = "lift", "place"


@dataclass(frozen=True)
class ScheduleConfig:
    """When the scene is reset although nothing was placed."""

    tries_before_reset: int = option(
        5, "failed picks in a row after which the bins are reset", low=1, high=1000
    )
    need: float = option(
        0.0,
        "share of tasks chosen by need, the one with the fewest successes first; the rest is "
        "drawn evenly",
        low=0.0,
        high=1.0,
    )


@dataclass(frozen=True)
class Turn:
    """The next thing to do: maybe a reset, then an episode of the task."""

    task: Task
    reset: bool


@dataclass(frozen=True)
class Last:
    """What the schedule needs to know of the last episode."""

    task: Task
    success: bool
    reason: EndReason
    lifted: bool


class Schedule:
    """Draws turns for one cell from a seed. `successes` by task are those of before."""

    def __init__(
        self,
        tasks: tuple[Task, ...],
        config: ScheduleConfig = ScheduleConfig(),
        seed: int = 0,
        successes: Mapping[str, int] | None = None,
    ) -> None:
        self._picks = tuple(task for task in tasks if task.skill == LIFT)
        self._places = tuple(task for task in tasks if task.skill == PLACE)
        if not self._picks:
            names = ", ".join(task.name for task in tasks)
            raise CoreError(f"at least one allowed task must be a {LIFT} task, allowed: {names}")
        self._config = config
        self._rng = np.random.default_rng(seed)
        self._failed_picks = 0
        self._successes = Counter(successes or {})

    def next(self, last: Last | None) -> Turn:
        """The turn after the last episode; None stands for a fresh start."""
        if last is not None and last.success:
            self._successes[last.task.name] += 1
        if last is None or not last.reason.ordinary:
            return self._pick(reset=True)
        if last.task.skill == PLACE:
            return self._pick(reset=True)
        if last.lifted and self._places:
            return Turn(self._draw(self._places), reset=False)
        if last.lifted:
            return self._pick(reset=True)
        self._failed_picks += 1
        return self._pick(reset=self._failed_picks >= self._config.tries_before_reset)

    def _pick(self, *, reset: bool) -> Turn:
        if reset:
            self._failed_picks = 0
        return Turn(self._draw(self._picks), reset)

    def _draw(self, tasks: tuple[Task, ...]) -> Task:
        if self._config.need > 0.0 and self._rng.random() < self._config.need:
            fewest = min(self._successes[task.name] for task in tasks)
            tasks = tuple(task for task in tasks if self._successes[task.name] == fewest)
        return tasks[int(self._rng.integers(len(tasks)))]
