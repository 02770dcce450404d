"""Questions to a person: one a cell, open until it is answered, each answer for one step."""

from __future__ import annotations

import math
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.ros_session import until
from mtopt_core.uncertainty import Doubt
from mtopt_ros.asking import Question, Questions

DOUBT = Doubt(3.0, 0.1, ("novelty",))
LONG_S = 60.0


def considered(until_s: float = math.inf) -> Any:
    return SimpleNamespace(until_s=until_s)


@pytest.fixture
def told() -> list[Question]:
    return []


@pytest.fixture
def questions(told: list[Question]) -> Questions:
    return Questions(told.append, LONG_S)


class Asking(threading.Thread):
    """A cell's thread that asks, and what it was answered."""

    def __init__(self, questions: Questions, cell: str = "cell1") -> None:
        super().__init__(daemon=True)
        self._questions, self._cell, self.answer = questions, cell, ""
        self.start()

    def run(self) -> None:
        self.answer = self._questions.ask(self._cell, considered(), DOUBT)

    def result(self) -> str:
        self.join(LONG_S)
        return self.answer


def test_an_answer_reaches_whoever_waits_and_closes_the_question(
    questions: Questions, told: list[Question]
) -> None:
    asking = Asking(questions)
    until(lambda: told, "the question")
    assert told[0].open and told[0].cell == "cell1" and told[0].doubt is DOUBT
    assert questions.answer(told[0].id, "scripted") == ""
    assert asking.result() == "scripted"
    assert [(one.id, one.open) for one in told] == [(1, True), (1, False)]
    assert "not open; open: none" in questions.answer(1, "hold")


def test_without_an_answer_the_step_holds_and_the_question_stays_open(
    told: list[Question],
) -> None:
    questions = Questions(told.append, 0.0)
    for _ in range(3):
        assert questions.ask("cell1", considered(), DOUBT) == "hold"
    assert [(one.id, one.open) for one in told] == [(1, True)] * 3
    assert questions.answer(1, "go_on") == ""
    assert "has been answered: go_on" in questions.answer(1, "hold")
    assert questions.ask("cell1", considered(), DOUBT) == "go_on"
    assert not told[-1].open
    assert questions.ask("cell1", considered(), DOUBT) == "hold"
    assert told[-1].id == 2


def test_a_step_without_a_doubt_closes_the_question_and_forgets_its_answer(
    told: list[Question],
) -> None:
    questions = Questions(told.append, 0.0)
    questions.ask("cell1", considered(), DOUBT)
    questions.answer(1, "go_on")
    questions.over("cell1")
    questions.over("cell1")
    assert [one.open for one in told] == [True, False]
    assert questions.ask("cell1", considered(), DOUBT) == "hold"


def test_nobody_waits_past_the_deadline_of_the_step(questions: Questions) -> None:
    started_s = time.monotonic()
    assert questions.ask("cell1", considered(started_s + 0.25), DOUBT) == "hold"
    assert time.monotonic() - started_s < LONG_S / 2


def test_cells_have_questions_of_their_own(questions: Questions, told: list[Question]) -> None:
    one, other = Asking(questions, "cell1"), Asking(questions, "cell2")
    until(lambda: len(told) == 2, "both questions")
    ids = {question.cell: question.id for question in told}
    assert ids["cell1"] != ids["cell2"]
    assert questions.answer(ids["cell2"], "go_on") == ""
    assert other.result() == "go_on" and one.is_alive()
    assert questions.answer(ids["cell1"], "hold") == ""
    assert one.result() == "hold"


def test_an_answer_that_was_not_offered_is_not_taken(
    questions: Questions, told: list[Question]
) -> None:
    asking = Asking(questions)
    until(lambda: told, "the question")
    assert "must be one of go_on, hold, scripted" in questions.answer(1, "dance")
    assert "question 7 is not open; open: 1" in questions.answer(7, "hold")
    assert asking.is_alive()
    questions.close()
    assert asking.result() == "hold"
