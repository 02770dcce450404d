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
from mtopt_msgs.msg import CellStatus

from .errors import NotReady
from .progress import Progress
from .recording import EpisodeRecording

_RETRY_S = 1.0
_IDLE_S = 0.2
DEFECT = "defect"


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

    def failed(self, name: str, message: str) -> None:
        """A turn ended by a fault; empty message: the last one is over."""
        ...

    def finished_all(self) -> None:
        """Everything that was asked for is collected."""
        ...


@dataclass
class CollectingLoop:
    """One cell's turns. Also the observer that keeps the progress up to date.

    `well` says whether everybody else is able to work; `park_after` is how many faults of the
    arm in a row have a person look, 0 for never.
    """

    progress: Progress
    recording: EpisodeRecording
    tasks: TaskRegistry
    seed: int
    listener: LoopListener
    abort: threading.Event
    well: Callable[[], bool]
    park_after: int = 0
    _wishes: list[Wish] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _faults: int = 0  # of the arm, in a row

    def start(self, collector: Collector) -> None:
        """Begin; raises NotReady while the loop of before has not come to its end."""
        if self._thread is not None and self._thread.is_alive():
            raise NotReady("the last episode is still being closed")
        self._stopping.clear()
        self.abort.clear()
        self._collector = collector
        self._thread = threading.Thread(target=self._run, name="collecting", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end. It is not waited for: it may itself wait for this thread."""
        self._stopping.set()
        self.abort.set()

    def wish(self, wish: Wish) -> None:
        """Put an episode before those that the schedule draws."""
        self._wishes.append(wish)

    def cut(self, why: str) -> str:
        """End the episode that runs now and put it aside; its id, empty where none runs."""
        running = self.recording.unwanted(why)
        if running:
            self.abort.set()  # whatever the loop waits for; it goes on with the next turn
        return running

    def resume(self) -> None:
        """A person has looked: the next turn begins with a reset, whatever was before."""
        self._faults = 0
        self._collector.forget()

    # --- the loop's thread ----------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._settled():
                self.abort.wait(_IDLE_S)
            elif self.progress.finished:
                self.progress.idle(CellStatus.DONE)
                self.listener.finished_all()
                return
            elif self._may_begin():
                self._take_turn(self._wishes.pop(0) if self._wishes else None)
                self._end_cut()
            else:
                self.abort.wait(_IDLE_S)

    def _settled(self) -> bool:
        """Whether it is known what became of an episode that a crash of ours left open."""
        if self.progress.ledger.left_open is None:
            return True
        if not self.well():
            self.progress.idle(CellStatus.STARTING)
            return False
        try:
            self.recording.settle_left_open()
        except CellFault as fault:
            self._fail(fault.reason, fault.message)
            return False
        self.listener.told()
        return True

    def _may_begin(self) -> bool:
        """Not parked; not paused, or asked by a person; and every other node is well."""
        memory, well = self.progress.ledger.memory, self.well()
        if memory.parked:
            self.progress.idle(CellStatus.PARKED)
        elif memory.paused:
            self.progress.idle(CellStatus.PAUSED)
        elif not well:
            self.progress.idle(CellStatus.STARTING)
        return well and not memory.parked and (not memory.paused or bool(self._wishes))

    def _take_turn(self, wish: Wish | None) -> None:
        try:
            turn, seed = self._turn(wish)
            self.progress.begin("resetting" if turn.reset else "collecting", turn.task.name)
            self.listener.told()
            outcome = self._collector.collect(turn, seed)
        except CellFault as fault:
            self._answer(wish, None, str(fault))
            self._fail(fault.reason, fault.message)
        except MtoptError as error:
            self._answer(wish, None, str(error))
            if wish is None:  # a person's wish that cannot be is no fault of the cell
                self._fail(type(error).__name__, str(error))
        except Exception as error:  # a defect must not end the work of a night in silence
            self._answer(wish, None, repr(error))
            self._fail(DEFECT, repr(error))
        else:
            self._note(outcome)
            self._answer(wish, outcome, self.recording.lost)

    def _end_cut(self) -> None:
        """The end of one episode that was not wanted is not the end of all."""
        if self.abort.is_set() and not self._stopping.is_set():
            self.abort.clear()
            if self._stopping.is_set():  # asked for between the two lines above
                self.abort.set()
            self.abort.wait(_RETRY_S)  # the arm comes to rest

    def _turn(self, wish: Wish | None) -> tuple[Turn, int]:
        """What is next, and its seed; raises UnknownTask, LedgerLost.

        The seed depends on the number of the turn, which a crash does not set back.
        """
        number = self.progress.ledger.count_turn()
        seed = int(np.random.default_rng((self.seed, number)).integers(2**31))
        if wish is None:
            return self._collector.next_turn(), seed
        turn = Turn(self.tasks[wish.task], False) if wish.task else self._collector.next_turn()
        return turn, wish.seed if wish.seed >= 0 else seed

    def _note(self, outcome: Outcome) -> None:
        """Name what went wrong with an episode, and what it shows of the cell."""
        episode, kept = outcome.episode, bool(self.recording.path)
        self.progress.end(episode, outcome.success, kept)
        if episode.task.skill == LIFT and episode.reason.ordinary:
            self.progress.picked(outcome.lifted)
        if episode.reason.ordinary and kept:
            self._faults = 0
            self.listener.failed(episode.reason, "")
        elif episode.reason.ordinary and not self.recording.aside:
            self._fail(EndReason.RECORDER_LOST, self.recording.lost)
        elif not self.recording.aside:
            self._fail(episode.reason, episode.message)
        self.listener.told()

    def _fail(self, name: str, message: str) -> None:
        """Name a fault, park where a person must look, and give the cell a moment."""
        self._faults += name in (EndReason.TRACKING_ERROR, EndReason.CONTACT, DEFECT)
        if name == EndReason.BIN_JAM or 0 < self.park_after <= self._faults:
            self._faults = 0
            self.progress.ledger.park(f"{name}: {message}")
            self.progress.idle(CellStatus.PARKED)
        self.listener.failed(name, message)
        self.listener.told()
        if not self._stopping.is_set():
            self.abort.wait(_RETRY_S)

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
            self.progress.idle(CellStatus.GRADING)

    def graded(self, outcome: Outcome) -> None:
        """Who graded; counted once the file is closed."""
        if outcome.grade is not None:
            self.progress.grader = outcome.grade.grader
