"""The errors of a detector, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.tasks import TaskRegistry
from mtopt_learner.detector.report import Rate, errors, table


def row(registry: TaskRegistry, *names: str, known: bool = True) -> list[int]:
    return [int(name in names) if known else -1 for name in registry.names]


def test_errors_are_counted_by_task_and_across_tasks(registry: TaskRegistry) -> None:
    labels = np.array(
        [
            row(registry, "lift-any", "lift-carrot"),
            row(registry, "lift-any", "lift-carrot"),
            row(registry, "lift-any", "lift-milk"),
            row(registry),
            row(registry, known=False),
        ],
        np.int8,
    )
    marks = labels == 1
    index = registry["lift-carrot"].index
    marks[0, index] = False  # a miss
    marks[2, index] = True  # the milk taken for a carrot
    marks[3, registry["lift-any"].index] = True  # something where nothing was
    marks[4] = True  # nobody knows
    found = errors(marks, labels, registry)
    carrot, anything = found["lift-carrot"], found["lift-any"]
    assert carrot.false_negatives == Rate(1, 2)
    assert carrot.false_positives == Rate(1, 2) and carrot.cross_task == Rate(1, 1)
    assert anything.false_negatives == Rate(0, 3)
    # A lifted carrot goes with lift-any, so it is no other task's success.
    assert anything.false_positives == Rate(1, 1) and anything.cross_task == Rate(0, 0)
    assert found["lift-milk"].cross_task == Rate(0, 2)
    assert not carrot.met and not anything.met and not found["lift-can"].met
    assert "| lift-carrot | 50.0% of 2" in table(found)


def test_a_task_within_all_goals_has_met_them() -> None:
    rate = Rate(2, 100)
    assert rate.value == 0.02
    low, high = rate.interval
    assert (low, high) == pytest.approx((0.0055, 0.0700), abs=5e-4)
    assert Rate(0, 0).interval == (0.0, 1.0) and Rate(0, 0).as_dict()["share"] is None
