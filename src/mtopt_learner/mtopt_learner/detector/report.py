"""How good a detector is, by task: what Table III of the paper tells of the paper's.

`false_negatives` are of a task's successes, `false_positives` of its failures, and
`cross_task` of those failures in which another task had succeeded that does not go with it: a
lifted carrot that counts as a lifted banana teaches both tasks the wrong thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtopt_core.feasibility import Feasibility
from mtopt_core.share import Share
from mtopt_core.tasks import TaskRegistry

MOST_FALSE_NEGATIVES, MOST_FALSE_POSITIVES, MOST_CROSS_TASK = 0.05, 0.02, 0.03


@dataclass(frozen=True)
class Rate:
    """`wrong` of `count`, with Wilson's 95% interval."""

    wrong: int
    count: int

    @property
    def value(self) -> float:
        """The share itself; not a number of none."""
        return self._share.value

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share is; anywhere after no tries."""
        return self._share.interval

    @property
    def _share(self) -> Share:
        return Share(self.wrong, self.count)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told = self._share.as_dict()
        return {"wrong": told.pop("right"), "count": told.pop("tries"), **told}

    def __str__(self) -> str:
        if not self.count:
            return "none"
        low, high = self.interval
        return f"{100 * self.value:.1f}% of {self.count} ({100 * low:.1f} to {100 * high:.1f})"


@dataclass(frozen=True)
class TaskErrors:
    """The errors of one task."""

    false_negatives: Rate
    false_positives: Rate
    cross_task: Rate

    @property
    def met(self) -> bool:
        """Whether each is within its goal; one that was never tried is not."""
        goals = MOST_FALSE_NEGATIVES, MOST_FALSE_POSITIVES, MOST_CROSS_TASK
        rates = self.false_negatives, self.false_positives, self.cross_task
        return all(rate.value <= goal for rate, goal in zip(rates, goals, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "false_negatives": self.false_negatives.as_dict(),
            "false_positives": self.false_positives.as_dict(),
            "cross_task": self.cross_task.as_dict(),
            "met": self.met,
        }


Errors = dict[str, TaskErrors]


def errors(verdicts: NDArray[np.bool_], labels: NDArray[np.int8], tasks: TaskRegistry) -> Errors:
    """The errors of verdicts (N, T) against labels (N, T) of 1, 0 and -1."""
    success, failure = labels == 1, labels == 0
    # Another task's success that says nothing for this one.
    goes_with = Feasibility.of(tasks.tasks).implies
    found: Errors = {}
    for task in tasks:
        others = success[:, ~goes_with[:, task.index]].any(axis=1)
        here = verdicts[:, task.index]
        good, bad = success[:, task.index], failure[:, task.index]
        found[task.name] = TaskErrors(
            Rate(int((~here & good).sum()), int(good.sum())),
            Rate(int((here & bad).sum()), int(bad.sum())),
            Rate(int((here & bad & others).sum()), int((bad & others).sum())),
        )
    return found


def table(found: Mapping[str, TaskErrors]) -> str:
    """The errors as a table in Markdown."""
    lines = [
        "| task | false negatives | false positives | another task's success taken for it | |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {each.false_negatives} | {each.false_positives} | {each.cross_task} | "
        f"{'met' if each.met else 'not met'} |"
        for name, each in found.items()
    ]
    return "\n".join(lines) + "\n"
