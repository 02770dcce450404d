"""The paper's figures of an evaluation, counted by hand."""

from __future__ import annotations

import pytest

from mtopt_core.errors import ConfigError, UnknownTask
from mtopt_core.evaluation import (
    Attempt,
    Chained,
    EvaluationConfig,
    Scores,
    agreement,
    check_low_data,
    reached,
)
from mtopt_core.share import Share
from mtopt_core.tasks import TaskRegistry

LOW = ("lift-can", "lift-box")


def attempts(task: str, good: int, of: int = 4, graded: bool | None = None) -> list[Attempt]:
    return [Attempt(task, n, n < good, "terminated", 5, graded) for n in range(of)]


def test_the_figures_are_those_that_a_hand_counts(registry: TaskRegistry) -> None:
    made = [
        *attempts("place-any", 4),
        *attempts("lift-any", 3),
        *attempts("lift-can", 1),
        *attempts("lift-box", 0),
    ]
    scores = Scores.of(made, registry, LOW)
    assert list(scores.shares) == ["lift-any", "lift-box", "lift-can", "place-any"]
    assert scores.shares["lift-can"] == Share(1, 4)
    assert scores.figures == {
        "lift_any": 0.75,
        "mean": 0.5,
        "low_data_mean": 0.125,
        "min": 0.0,
        "q25": 0.1875,
        "median": 0.5,
        "q75": 0.8125,
        "max": 1.0,
    }
    assert scores.worst == "lift-box"


def test_what_was_not_measured_is_not_told(registry: TaskRegistry) -> None:
    figures = Scores.of(attempts("lift-can", 2), registry, LOW).figures
    assert figures["mean"] == 0.5
    assert "low_data_mean" not in figures and "lift_any" not in figures
    nothing = Scores.of([], registry, LOW)
    assert nothing.figures == {} and nothing.worst == ""
    with pytest.raises(UnknownTask):
        Scores.of(attempts("lift-moon", 1), registry)


def test_a_chain_counts_for_every_length_that_it_got_to() -> None:
    chains = [Chained(n, ("a", "b", "a", "b"), done) for n, done in enumerate((0, 1, 2, 4))]
    assert reached(chains, 4) == {2: Share(2, 4), 3: Share(1, 4), 4: Share(1, 4)}


def test_a_detector_is_held_against_the_truth() -> None:
    made = [
        *attempts("lift-any", 3, 4, graded=True),  # three found, one taken for a success
        *attempts("lift-can", 1, 2, graded=False),  # one overlooked, one failure seen
        *attempts("lift-box", 1, 9),
    ]
    told = agreement(made)
    assert told is not None
    assert [told[name]["right"] for name in ("success", "false_positives", "false_negatives")] == [
        4, 1, 1,
    ]  # fmt: skip
    assert [told[name]["tries"] for name in ("success", "false_positives", "false_negatives")] == [
        6, 2, 4,
    ]  # fmt: skip
    assert agreement(attempts("lift-box", 1)) is None


def test_low_data_tasks_are_tasks(registry: TaskRegistry) -> None:
    check_low_data(EvaluationConfig(), registry, "here")
    with pytest.raises(ConfigError, match="lift-moon"):
        check_low_data(EvaluationConfig(low_data=("lift-moon",)), registry, "here")
