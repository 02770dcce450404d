"""The episode loop's observer that has it recorded and announced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.client import Client
from rclpy.publisher import Publisher

from mtopt_core.cell import CellFault, EndReason
from mtopt_core.collection import Outcome
from mtopt_core.episode import Episode, Step
from mtopt_core.tasks import Task
from mtopt_data.naming import EpisodeId
from mtopt_msgs.srv import StartRecording, StopRecording

from . import convert
from .calls import call
from .errors import CallFailed

_OPEN_S = 5.0
_CLOSE_S = 30.0


@dataclass(frozen=True)
class RecordingClients:
    """What the observer speaks through."""

    start: Client
    stop: Client
    steps: Publisher
    outcomes: Publisher


class EpisodeRecording:
    """Opens a file per episode, publishes steps and outcome, closes the file.

    `path` is the finished file of the last episode, empty where none was kept.
    """

    def __init__(
        self,
        clients: RecordingClients,
        cell: str,
        operator: str,
        abort: threading.Event,
        now_ns: Callable[[], int],
    ) -> None:
        self._clients, self._cell, self._operator = clients, cell, operator
        self._abort, self._now_ns = abort, now_ns
        self._open = False
        self._task = ""
        self.episode_id = ""
        self.path = ""
        self.lost = ""
        self.disk_free_bytes = 0

    def started(self, task: Task, seed: int) -> None:
        """Open the file; no episode without one."""
        self.episode_id = str(EpisodeId.new(self._cell, time.time_ns()))
        self._task, self.path, self.lost = task.name, "", ""
        request = StartRecording.Request(
            episode_id=self.episode_id,
            cell=self._cell,
            task=task.name,
            skill=task.skill,
            seed=seed,
            operator_name=self._operator,
        )
        try:
            response = call(self._clients.start, request, _OPEN_S, self._abort)
        except CallFailed as failed:
            raise CellFault(EndReason.RECORDER_LOST, str(failed)) from failed
        if not response.ok:
            raise CellFault(EndReason.RECORDER_LOST, response.error)
        self._open = True
        self.disk_free_bytes = int(response.disk_free_bytes)

    def stepped(self, step: Step) -> None:
        """Publish the step; the recorder listens."""
        message = convert.step_msg(step, self.episode_id, self._cell, self._task)
        self._clients.steps.publish(message)

    def ended(self, episode: Episode) -> None:
        """Nothing yet: the grade is still to come."""

    def graded(self, outcome: Outcome) -> None:
        """Publish the outcome and close the file; `lost` says why it could not be kept."""
        episode = outcome.episode
        message = convert.outcome_msg(
            episode, outcome.grade, self.episode_id, self._cell, self._now_ns()
        )
        self._clients.outcomes.publish(message)
        if not self._open:
            self.lost = episode.message
            return
        self._open = False
        request = StopRecording.Request(
            episode_id=self.episode_id,
            discard=episode.reason is EndReason.STOPPED,
            reason=str(episode.reason),
            steps=len(episode.steps),
            outcome=message,
        )
        try:
            # The end of an episode is written down even while the runner is stopping.
            response: Any = call(self._clients.stop, request, _CLOSE_S, threading.Event())
        except CallFailed as failed:
            self.lost = str(failed)
            return
        self.path, self.lost = response.path, "" if response.ok else response.error
