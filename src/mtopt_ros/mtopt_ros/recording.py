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
from mtopt_msgs.msg import EpisodeOutcome
from mtopt_msgs.srv import StartRecording, StopRecording

from . import convert
from .calls import call
from .errors import CallFailed
from .ledger import Ledger

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
        ledger: Ledger,
    ) -> None:
        self._clients, self._cell, self._operator = clients, cell, operator
        self._abort, self._now_ns, self._ledger = abort, now_ns, ledger
        self._open = False
        self._task = ""
        self._unwanted = ""
        self._lock = threading.Lock()
        self.episode_id = ""
        self.path = ""
        self.lost = ""
        self.disk_free_bytes = 0

    def started(self, task: Task, seed: int) -> None:
        """Open the file; no episode without one."""
        self.episode_id = str(EpisodeId.new(self._cell, time.time_ns()))
        self._task, self.path, self.lost, self._unwanted = task.name, "", "", ""
        self._ledger.begin(self.episode_id, task.name)
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
        self._ledger.graded(episode.reason.ordinary, outcome.success)
        with self._lock:
            was_open, self._open = self._open, False
        if was_open:
            self._close(episode, message)
        else:
            self.lost = episode.message
        self._ledger.settle(bool(self.path))

    def unwanted(self, why: str) -> str:
        """Have the running episode put aside when it ends; its id, empty where none runs."""
        with self._lock:
            if not self._open:
                return ""
            self._unwanted = why
            return self.episode_id

    @property
    def aside(self) -> bool:
        """Whether somebody did not want the last episode."""
        return bool(self._unwanted)

    def settle_left_open(self) -> None:
        """Learn what became of the episode that an earlier process began; raises CellFault.

        One that its recorder still holds is put aside: nobody knows how it went on.
        """
        left = self._ledger.left_open
        if left is None:
            return
        reason = "its runner ended before the episode did"
        request = StopRecording.Request(episode_id=left.id, discard=True, reason=reason)
        try:
            response = call(self._clients.stop, request, _CLOSE_S, self._abort)
        except CallFailed as failed:
            raise CellFault(EndReason.RECORDER_LOST, str(failed)) from failed
        self._ledger.settle(bool(response.path))

    def _close(self, episode: Episode, message: EpisodeOutcome) -> None:
        """Close the file, or have it put aside; `path` or `lost` says which."""
        stopped = episode.reason is EndReason.STOPPED
        request = StopRecording.Request(
            episode_id=self.episode_id,
            discard=stopped or bool(self._unwanted),
            reason=self._unwanted or str(episode.reason),
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
        if response.ok and not self.path:
            self.lost = request.reason
