"""Which attempts an evaluation has, and what they are drawn from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mtopt_core.purpose import Purpose, purpose_of
from mtopt_core.tasks import TaskRegistry
from mtopt_sim.evaluating.trial import (
    CHAIN,
    GREEDY,
    Case,
    Setting,
    Subject,
    Trial,
    cases,
    chain_of,
)

SETTING, SCRIPTS = Setting("standard"), Subject()


def seeds(setting: Setting, subject: Subject = SCRIPTS) -> set[int]:
    trial = Trial(subject, setting)
    return {trial.seed(task, n) for task in ("lift-any", CHAIN) for n in range(200)}


def test_every_attempt_has_a_seed_of_its_own_and_of_its_purpose() -> None:
    gate = replace(SETTING, scene="plain", purpose=Purpose.GATE)
    for setting in (SETTING, gate):
        assert {purpose_of(seed) for seed in seeds(setting)} == {setting.purpose}
        assert len(seeds(setting)) == 400
    assert not seeds(SETTING) & seeds(gate)
    assert not seeds(gate) & seeds(replace(gate, series="second"))


def test_two_policies_meet_the_same_scenes() -> None:
    other = Subject(GREEDY, "/somewhere", "mtopt/1", "c0ffee")
    assert seeds(SETTING) == seeds(SETTING, other)


def test_a_trial_is_named_by_what_it_measures_and_not_by_where_that_lies() -> None:
    one = Trial(Subject(GREEDY, "/here", "mtopt/1", "c0ffee"), SETTING)
    moved = replace(one, subject=replace(one.subject, folder="/there"))
    assert moved.name == one.name
    changes = {"scene": "plain", "variation": "mild", "series": "2", "detector_seal": "x"}
    settings = [replace(SETTING, **{field: value}) for field, value in changes.items()]
    others = [
        replace(one, subject=replace(one.subject, seal="bad")),
        replace(one, subject=SCRIPTS),
        *(replace(one, setting=setting) for setting in settings),
        replace(one, setting=replace(SETTING, purpose=Purpose.GATE)),
    ]
    assert len({trial.name for trial in (one, *others)}) == 1 + len(others)


def test_attempts_come_in_turns_and_more_of_them_begin_alike(registry: TaskRegistry) -> None:
    tasks = registry.only(("lift-any", "place-any"))
    few = cases(tasks, 2, 1, 5)
    assert few == [
        Case("lift-any", 0), Case("place-any", 0), Case("lift-any", 1), Case("place-any", 1),
        Case(CHAIN, 0, 5),
    ]  # fmt: skip
    assert set(few) < set(cases(tasks, 3, 2, 5))


@pytest.mark.parametrize("seed", range(5))
def test_chains_pick_and_place_by_turns(registry: TaskRegistry, seed: int) -> None:
    chain = chain_of(registry, 5, seed)
    assert [task.skill for task in chain] == ["lift", "place", "lift", "place", "lift"]
    assert len({task.name for task in chain}) == 5
    assert chain_of(registry, 3, seed) == chain[:3]
