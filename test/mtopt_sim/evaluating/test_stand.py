"""Attempts in the simulated cell: how they begin, and that they are the same wherever made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtopt_core.errors import NotReserved, ReservedForEvaluation
from mtopt_core.evaluation import Attempt
from mtopt_core.purpose import Purpose
from mtopt_sim.evaluating.crew import evaluate
from mtopt_sim.evaluating.errors import EvaluationFailed
from mtopt_sim.evaluating.journal import Result
from mtopt_sim.evaluating.stand import Stand, only
from mtopt_sim.evaluating.starts import begin_holding
from mtopt_sim.evaluating.trial import CHAIN, GREEDY, Case, Setting, Subject, Trial

ROOT = Path(__file__).resolve().parents[3]
TRIAL = Trial(Subject(), Setting("standard"))
CASES = [Case("lift-any", 0), Case("place-any", 0), Case(CHAIN, 0, 2)]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    made = Stand(ROOT, TRIAL)
    yield made
    made.close()


def test_a_place_begins_with_one_object_lifted(stand: Stand) -> None:
    cell, heights_m = stand._cell, set()
    for number in range(3):
        begin_holding(cell, TRIAL.seed("place-any", number))
        (held,) = cell.truth().held
        observation = cell.observe()
        assert observation.gripper_closed and 0.12 < observation.gripper_height_m < 0.25
        assert held.position_m[2] - cell.workcell.workspace.bins.floor_z_m > 0.08
        heights_m.add(round(observation.gripper_height_m, 3))
    assert len(heights_m) == 3


def test_an_attempt_is_the_same_before_and_after_others_and_in_a_worker(stand: Stand) -> None:
    made: list[Result] = []
    evaluate(ROOT, TRIAL, CASES, 1, made.append)
    assert sorted(map(repr, made)) == sorted(repr(stand.make(case)) for case in reversed(CASES))
    (lift,) = [one for one in made if isinstance(one, Attempt) and one.task == "lift-any"]
    assert lift.graded is None and lift.steps > 2


def test_a_stop_leaves_the_rest_and_a_failure_says_which(tmp_path: Path) -> None:
    made: list[Result] = []
    evaluate(ROOT, TRIAL, CASES, 1, made.append, stopped=lambda: True)
    assert made == []
    lost = Trial(Subject(GREEDY, str(tmp_path)), Setting("standard"))
    with pytest.raises(EvaluationFailed, match=r"BundleRefused: .*manifest\.yaml"):
        evaluate(ROOT, lost, CASES, 1, made.append)


def test_seeds_of_training_are_refused_and_so_are_reserved_scenes(stand: Stand) -> None:
    with pytest.raises(NotReserved):
        stand._cell.restart(Purpose.TRAINING.seed(1))
    with pytest.raises(NotReserved):
        stand._cell.restart(Purpose.GATE.seed(1))
    for purpose in (Purpose.TRAINING, Purpose.GATE):
        with pytest.raises(ReservedForEvaluation, match="standard"):
            Stand(ROOT, Trial(Subject(), Setting("standard", purpose=purpose)))


def test_only_what_was_carried_counts_in_a_chain(stand: Stand) -> None:
    begin_holding(stand._cell, TRIAL.seed("place-any", 0))
    scene = stand._cell.truth()
    held = scene.held[0].name
    other = next(thing.name for thing in scene.objects if not thing.held)
    assert [thing.name for thing in only(scene, {held}).objects] == [held]
    assert {thing.name for thing in only(scene, {other}).objects} == {held, other}
