"""A cell of the episode loop whose observations are written down as they are made."""

from __future__ import annotations

from mtopt_core.action import Action
from mtopt_core.cell import ActionTaken
from mtopt_core.observation import Observation, OutcomeImages
from mtopt_core.tasks import Task

from ..cell import SimCell
from .recording import Recording


class RecordedCell:
    """Implements mtopt_core.cell.Cell over another one."""

    def __init__(self, cell: SimCell, recording: Recording) -> None:
        self._cell, self._recording = cell, recording

    def reset(self, seed: int) -> None:
        """Not recorded."""
        self._cell.reset(seed)

    def begin(self, task: Task, seed: int) -> None:
        """Not recorded: the way to where the episode begins."""
        self._cell.begin(task, seed)

    def observe(self) -> Observation:
        """Written down with the joints."""
        observation = self._cell.observe()
        self._recording.saw(observation)
        return observation

    def act(self, action: Action) -> ActionTaken:
        """Recorded as a step, by the loop."""
        return self._cell.act(action)

    def outcome_images(self) -> OutcomeImages:
        """As the recording takes them when the episode is graded."""
        return self._cell.outcome_images()

    def hold(self) -> None:
        """Not recorded."""
        self._cell.hold()
