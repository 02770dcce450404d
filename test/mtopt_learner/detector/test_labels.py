"""Whose word counts, and what follows from it."""

from __future__ import annotations

import pytest

from mtopt_core.errors import UnknownTask
from mtopt_core.tasks import TaskRegistry
from mtopt_data.errors import LabelsInvalid
from mtopt_data.labels import Label
from mtopt_learner.detector.labels import LabelBook, rank


def said(book: LabelBook, outcome: str, found: dict | None = None, by: str = "truth") -> dict:
    labels, _ = book.labels(outcome, found or {}, by)
    return dict(zip(book.tasks.names, labels.tolist(), strict=True))


def label(task: str, success: bool, by: str = "ada", outcome: str = "x") -> Label:
    return Label(outcome, "cell1", by, task, success)


def test_a_lifted_carrot_is_a_failure_of_every_other_lift(registry: TaskRegistry) -> None:
    book = LabelBook(registry, [label("lift-carrot", True)])
    told = said(book, "x")
    assert told.pop("lift-carrot") == told.pop("lift-any") == 1
    assert set(told.values()) == {0}


def test_nothing_lifted_is_a_failure_of_all_lifts_and_says_nothing_of_the_plate(
    registry: TaskRegistry,
) -> None:
    told = said(LabelBook(registry, [label("lift-any", False)]), "x")
    for task in registry:
        assert told[task.name] == (0 if task.skill == "lift" else -1), task.name


def test_a_person_wins_over_the_truth_and_over_a_model(registry: TaskRegistry) -> None:
    truth = {task.name: task.name in ("lift-any", "lift-carrot") for task in registry}
    book = LabelBook(registry, [label("lift-carrot", False), label("lift-milk", True)])
    told = said(book, "x", truth)
    assert told["lift-milk"] == told["lift-any"] == 1 and told["lift-carrot"] == 0
    assert book.labels("x", truth, "truth")[1] == "ada"
    assert said(book, "other", truth)["lift-carrot"] == 1
    assert book.labels("other", truth, "truth")[1] == "truth"
    by_model = LabelBook(registry, [label("lift-any", True, by="watcher/1")])
    assert said(by_model, "x", {"lift-any": False})["lift-any"] == 0
    assert rank("ada") > rank("truth") > rank("watcher/1")


def test_what_a_person_left_open_is_filled_in(registry: TaskRegistry) -> None:
    truth = {task.name: task.name in ("place-any", "place-bottom") for task in registry}
    told = said(LabelBook(registry, [label("place-top-left", True)]), "x", truth)
    assert told["place-top-left"] == told["place-bottom"] == told["place-any"] == 1
    assert told["place-top-right"] == told["lift-any"] == 0


def test_people_who_contradict_each_other_are_told(registry: TaskRegistry) -> None:
    book = LabelBook(registry, [label("lift-carrot", True), label("lift-milk", True, by="bo")])
    with pytest.raises(LabelsInvalid, match="outcome x"):
        book.labels("x", {}, "")
    with pytest.raises(UnknownTask):
        LabelBook(registry, [label("lift-moon", True)])


def test_the_later_word_of_equals_counts(registry: TaskRegistry) -> None:
    book = LabelBook(registry, [label("lift-any", True), label("lift-any", False)])
    assert said(book, "x")["lift-any"] == 0
