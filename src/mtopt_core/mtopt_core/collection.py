"""Collecting: turn after turn of schedule, reset, episode, grade, for as long as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from .cell import Cell, CellFault, EndReason
from .episode import Episode, EpisodeLimits, Observer, run_episode
from .policy import Policy
from .schedule import LIFT, Last, Schedule, Turn
from .success import Grade

LIFT_ANY = "lift-any"


@dataclass(frozen=True, eq=False)
class Outcome:
    """An episode and its grade; the grade is None where a fault left nothing to grade."""

    episode: Episode
    grade: Grade | None

    @property
    def success(self) -> bool:
        """Whether the task that the episode was collected for succeeded."""
        return self.grade is not None and self.grade.success[self.episode.task.name]

    @property
    def lifted(self) -> bool:
        """Whether the gripper now holds something that could be placed."""
        if self.episode.task.skill != LIFT or self.grade is None:
            return False
        return self.success or self.grade.success.get(LIFT_ANY, False)


class OutcomeObserver(Observer, Protocol):
    """An observer that also wants the grade, after the episode's end."""

    def graded(self, outcome: Outcome) -> None:
        """After grading, or where there is nothing to grade. Must not raise."""
        ...


class Collector:
    """What one cell does all day. `grade` grades the scene as the episode left it."""

    def __init__(
        self,
        cell: Cell,
        policy: Policy,
        grade: Callable[[], Grade],
        schedule: Schedule,
        observers: Iterable[OutcomeObserver] = (),
        limits: EpisodeLimits = EpisodeLimits(),
    ) -> None:
        self._cell, self._policy, self._grade = cell, policy, grade
        self._schedule, self._observers, self._limits = schedule, tuple(observers), limits
        self._last: Last | None = None

    def next_turn(self) -> Turn:
        """What the schedule wants next."""
        return self._schedule.next(self._last)

    def forget(self) -> None:
        """The scene may be another one: the next turn begins with a reset."""
        self._last = None

    def collect(self, turn: Turn, seed: int) -> Outcome:
        """Do a turn. A CellFault of the reset escapes, since no episode has begun."""
        if turn.reset:
            # Whatever this turn comes to, the next one must not build on what was before it.
            self._last = None
            self._cell.reset(seed)
        episode = run_episode(
            self._cell, self._policy, turn.task, self._observers, self._limits, seed
        )
        outcome = self._graded(episode)
        for observer in self._observers:
            observer.graded(outcome)
        ended = outcome.episode
        self._last = Last(ended.task, outcome.success, ended.reason, outcome.lifted)
        return outcome

    def _graded(self, episode: Episode) -> Outcome:
        """The outcome; a grader that is lost turns the episode into a fault of that name."""
        if not episode.reason.ordinary:
            return Outcome(episode, None)
        try:
            grade = self._grade()
            if episode.task.name not in grade.success:
                message = f"{grade.grader} does not grade {episode.task.name}"
                raise CellFault(EndReason.GRADER_LOST, message)
        except CellFault as fault:
            ended = replace(episode, reason=fault.reason, message=fault.message)
            return Outcome(ended, None)
        return Outcome(episode, grade)
