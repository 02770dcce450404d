"""Questions to a person, asked by the thread that decides for a cell. No ROS.

A cell has at most one question open. It stays open, under its number, while step after step is
doubted: each of them waits for its share of time and then holds. An answer is good for one step,
also one that comes between two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mtopt_core.fallback import ANSWERS, HOLDING
from mtopt_core.uncertainty import Doubt
from mtopt_robot.models.q_policy import Considered

_MARGIN_S = 0.2  # of a step's time, left for the answer's way back


@dataclass(frozen=True, eq=False)
class Question:
    """What a person is asked: may the step be done that the policy wants and doubts?"""

    id: int
    cell: str
    considered: Considered
    doubt: Doubt
    open: bool = True


class Questions:
    """The open questions of all cells. `tell` shows one that was opened, renewed or closed."""

    def __init__(self, tell: Callable[[Question], None], wait_s: float) -> None:
        self._tell, self._wait_s = tell, wait_s
        self._changed = threading.Condition()
        self._open: dict[str, Question] = {}
        self._answers: dict[int, str] = {}
        self._asked = 0
        self._closed = False

    def ask(self, cell: str, considered: Considered, doubt: Doubt) -> str:
        """A person's answer; hold where none came in this step's time."""
        until_s = min(time.monotonic() + self._wait_s, considered.until_s - _MARGIN_S)
        with self._changed:
            question = self._opened(cell, considered, doubt)
            self._tell(question)
            while question.id not in self._answers and not self._closed:
                left_s = until_s - time.monotonic()
                if left_s <= 0.0:
                    return HOLDING
                self._changed.wait(left_s)
            answer = self._answers.get(question.id, HOLDING)
            self._over(cell)
            return answer

    def answer(self, id_: int, answer: str) -> str:
        """Take an answer; empty, or why it is not taken."""
        with self._changed:
            waiting = [question.id for question in self._open.values()]
            if id_ not in waiting:
                told = ", ".join(str(number) for number in waiting) or "none"
                return f"question {id_} is not open; open: {told}"
            if answer not in ANSWERS:
                return f"answer {answer!r}: must be one of {', '.join(ANSWERS)}"
            if id_ in self._answers:
                return f"question {id_} has been answered: {self._answers[id_]}"
            self._answers[id_] = answer
            self._changed.notify_all()
            return ""

    def over(self, cell: str) -> None:
        """Nothing is in doubt at a cell any more: another step, another episode."""
        with self._changed:
            self._over(cell)

    def close(self) -> None:
        """Nobody waits any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _opened(self, cell: str, considered: Considered, doubt: Doubt) -> Question:
        known = self._open.get(cell)
        if known is None:
            self._asked += 1
        number = known.id if known is not None else self._asked
        self._open[cell] = Question(number, cell, considered, doubt)
        return self._open[cell]

    def _over(self, cell: str) -> None:
        question = self._open.pop(cell, None)
        if question is None:
            return
        self._answers.pop(question.id, None)
        self._tell(Question(question.id, cell, question.considered, question.doubt, open=False))
