"""What a runner has done so far, counted once and told to everybody."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from mtopt_core.episode import Episode
from mtopt_msgs.msg import CellStatus

from .ledger import Ledger

_RATE_WINDOW = 10


@dataclass
class Progress:
    """How one runner fares. What must outlive its process, the counts first, is in its ledger."""

    wanted: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    state: str = CellStatus.STARTING
    task: str = ""
    episode_id: str = ""
    step: int = 0
    last_task: str = ""
    last_success: bool = False
    last_reason: str = ""
    grader: str = ""
    policy_model: str = ""
    disk_free_bytes: int = 0
    vain_picks: int = 0  # in a row, with nothing lifted
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=_RATE_WINDOW + 1))

    @property
    def episodes(self) -> int:
        """Ordinary episodes on the disk, since the start."""
        return self.ledger.memory.episodes

    @property
    def successes(self) -> int:
        """Those of them that fulfilled their task."""
        return self.ledger.memory.successes

    @property
    def finished(self) -> bool:
        """Whether all that was asked for is collected."""
        return self.ledger.memory.finishing or 0 < self.wanted <= self.episodes

    @property
    def episodes_per_hour(self) -> float:
        """Over the last ten episodes; 0 until two have ended."""
        if len(self._ends) < 2:
            return 0.0
        return 3600.0 * (len(self._ends) - 1) / (self._ends[-1] - self._ends[0])

    def idle(self, state: str) -> None:
        """No episode is running, for a reason."""
        self.state = state

    def begin(self, state: str, task: str) -> None:
        """A turn has begun."""
        if not self._ends:
            self._ends.append(time.monotonic())
        self.state, self.task, self.step = state, task, 0

    def started(self, task: str, episode_id: str) -> None:
        """An episode of the turn has begun."""
        self.state, self.task, self.episode_id = CellStatus.COLLECTING, task, episode_id
        self.step = 0

    def picked(self, lifted: bool) -> None:
        """A pick is over that ran to its own end."""
        self.vain_picks = 0 if lifted else self.vain_picks + 1

    def end(self, episode: Episode, success: bool, kept: bool) -> None:
        """An episode is over; a faulted one is named but has not counted."""
        self.last_task, self.last_success = episode.task.name, success
        self.last_reason = str(episode.reason)
        if episode.reason.ordinary and kept:
            self._ends.append(time.monotonic())
        if self.finished:
            self.state = CellStatus.DONE

    def message(self, cell: str) -> CellStatus:
        """All of it for the wire, but for what only the warden knows."""
        return CellStatus(
            cell=cell,
            state=self.state,
            task=self.task,
            episode_id=self.episode_id,
            step=self.step,
            episodes=self.episodes,
            episodes_wanted=self.wanted,
            successes=self.successes,
            last_task=self.last_task,
            last_success=self.last_success,
            last_end_reason=self.last_reason,
            episodes_per_hour=self.episodes_per_hour,
            grader=self.grader,
            policy_model=self.policy_model,
            disk_free_bytes=self.disk_free_bytes,
        )
