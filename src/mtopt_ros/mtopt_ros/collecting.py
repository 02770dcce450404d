"""The collecting loop: turn after turn in a thread that may wait, beside a spinning node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mtopt_core.cell import CellFault, EndReason
from mtopt_core.collection import Collector, Outcome
from mtopt_core.episode import Episode, Step
from mtopt_core.errors import MtoptError
from mtopt_core.schedule import LIFT, Turn
from mtopt_core.tasks import Task, TaskRegistry

from .errors import NotReady
from .progress import Progress
from .recording import EpisodeRecording

_RETRY_S = 1.0
_IDLE_S = 0.2


@dataclass(frozen=True)
class Wish:
    """An episode that a person asked for; `answer` is called once, from the loop's thread."""

    task: str
    seed: int
    answer: Callable[[Outcome | None, str], None]


class LoopListener(Protocol):
    """Whoever the loop speaks to, from its own thread."""

    def told(self) -> None:
        """The progress has changed."""
        ...

    def failed(self, reason: EndReason, message: str) -> None:
        """A turn ended by a fault; empty message: the last one is over."""
        ...

    def finished_all(self) -> None:
        """Everything that was asked for is collected."""
        ...


@dataclass
class CollectingLoop:
    """One cell's turns. Also the observer that keeps the progress up to date."""

    progress: Progress
    recording: EpisodeRecording
    tasks: TaskRegistry
    rng: np.random.Generator
    listener: LoopListener
    abort: threading.Event
    others_well: bool = False
    _wishes: list[Wish] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self, collector: Collector) -> None:
        """Begin; raises NotReady while the loop of before has not come to its end."""
        if self._thread is not None and self._thread.is_alive():
            raise NotReady("the last episode is still being closed")
        self.abort.clear()
        self._collector = collector
        self._thread = threading.Thread(target=self._run, name="collecting", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end. It is not waited for: it may itself wait for this thread."""
        self.abort.set()

    def wish(self, wish: Wish) -> None:
        """Put an episode before those that the schedule draws."""
        self._wishes.append(wish)

    # --- the loop's thread ----------------------------------------------------------------

    def _run(self) -> None:
        while not self.abort.is_set():
            if self.progress.finished:
                self.listener.finished_all()
                return
            if self._may_begin():
                self._take_turn(self._wishes.pop(0) if self._wishes else None)
            else:
                self.abort.wait(_IDLE_S)

    def _may_begin(self) -> bool:
        """Not paused, or asked by a person; and every other node is well."""
        if self.progress.paused:
            self.progress.idle("paused")
        elif not self.others_well:
            self.progress.idle("starting")
        return self.others_well and (not self.progress.paused or bool(self._wishes))

    def _take_turn(self, wish: Wish | None) -> None:
        try:
            turn, seed = self._turn(wish)
            self.progress.begin("resetting" if turn.reset else "collecting", turn.task.name)
            self.listener.told()
            outcome = self._collector.collect(turn, seed)
        except CellFault as fault:
            self.listener.failed(fault.reason, fault.message)
            self._answer(wish, None, str(fault))
            self.abort.wait(_RETRY_S)
            return
        except MtoptError as error:
            self._answer(wish, None, str(error))
            return
        self._note(outcome)
        self._answer(wish, outcome, self.recording.lost)

    def _turn(self, wish: Wish | None) -> tuple[Turn, int]:
        """What is next, and its seed; raises UnknownTask."""
        seed = int(self.rng.integers(2**31))
        if wish is None:
            return self._collector.next_turn(), seed
        turn = Turn(self.tasks[wish.task], False) if wish.task else self._collector.next_turn()
        return turn, wish.seed if wish.seed >= 0 else seed

    def _note(self, outcome: Outcome) -> None:
        """Count the episode if it is on disk; name what went wrong otherwise."""
        episode, kept = outcome.episode, bool(self.recording.path)
        self.progress.end(episode, outcome.success, kept)
        if episode.task.skill == LIFT and episode.reason.ordinary:
            self.progress.picked(outcome.lifted)
        if episode.reason.ordinary and kept:
            self.listener.failed(episode.reason, "")
        elif episode.reason.ordinary:
            self.listener.failed(EndReason.RECORDER_LOST, self.recording.lost)
        else:
            self.listener.failed(episode.reason, episode.message)
            self.abort.wait(_RETRY_S)
        self.listener.told()

    @staticmethod
    def _answer(wish: Wish | None, outcome: Outcome | None, error: str) -> None:
        if wish is not None:
            wish.answer(outcome, error)

    # --- observer of the episode ----------------------------------------------------------

    def started(self, task: Task, seed: int) -> None:
        """An episode begins: the recording has its id by now."""
        del seed
        self.progress.started(task.name, self.recording.episode_id)
        self.progress.disk_free_bytes = self.recording.disk_free_bytes
        self.listener.told()

    def stepped(self, step: Step) -> None:
        """A step is done."""
        self.progress.step = step.index + 1
        self.progress.policy_model = step.decision.model or self.progress.policy_model
        self.listener.told()

    def ended(self, episode: Episode) -> None:
        """The steps are over, grading begins."""
        if episode.reason.ordinary:
            self.progress.idle("grading")

    def graded(self, outcome: Outcome) -> None:
        """Who graded; counted once the file is closed."""
        if outcome.grade is not None:
            self.progress.grader = outcome.grade.grader
