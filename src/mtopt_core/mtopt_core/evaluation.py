"""What an evaluation found: shares of success by task, and the figures that the paper gives.

Nothing here acts or looks; attempts come from wherever they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .config import option
from .errors import ConfigError
from .share import Share
from .tasks import TaskRegistry

ANYTHING = "lift-any"
FIGURES = ("lift_any", "mean", "low_data_mean", "min", "q25", "median", "q75", "max")


@dataclass(frozen=True)
class EvaluationConfig:
    """How a policy is evaluated."""

    attempts: int = option(100, "attempts at each task", low=1, high=100_000)
    scene: str = option("standard", "scene of config/scenes.yaml that it is done in")
    low_data: tuple[str, ...] = option(
        ["lift-sausage", "lift-milk", "lift-box", "lift-can", "place-bottom", "place-top-right"],
        "tasks whose mean is told apart, since there are few episodes of them",
    )
    chains: int = option(0, "attempts at a chain of tasks", low=0, high=100_000)
    longest: int = option(5, "tasks in a chain: picks and places by turns", low=2, high=20)


@dataclass(frozen=True)
class Attempt:
    """One attempt. `graded` is the success detector's verdict, None where none looked."""

    task: str
    number: int
    success: bool
    reason: str
    steps: int
    graded: bool | None = None


@dataclass(frozen=True)
class Chained:
    """One attempt at a chain: how many of its tasks succeeded before the first that did not."""

    number: int
    tasks: tuple[str, ...]
    done: int


@dataclass(frozen=True)
class Scores:
    """Shares of success by task, in the registry's order; tasks without an attempt are left out."""

    shares: Mapping[str, Share]
    low_data: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, attempts: Iterable[Attempt], tasks: TaskRegistry, low_data: tuple[str, ...] = ()
    ) -> Scores:
        """The shares of some attempts; raises UnknownTask."""
        found: dict[str, Share] = {}
        for one in attempts:
            name = tasks[one.task].name
            found[name] = found.get(name, Share(0, 0)).plus(one.success)
        return cls({name: found[name] for name in tasks.names if name in found}, low_data)

    @property
    def figures(self) -> dict[str, float]:
        """The paper's figures by name; what cannot be told is left out.

        Quartiles are interpolated between tasks. The mean of the low-data tasks needs all of them.
        """
        rates = [share.value for share in self.shares.values()]
        if not rates:
            return {}
        q25, median, q75 = (float(q) for q in np.quantile(rates, (0.25, 0.5, 0.75)))
        told = {
            "mean": float(np.mean(rates)),
            "min": min(rates),
            "q25": q25,
            "median": median,
            "q75": q75,
            "max": max(rates),
        }
        if ANYTHING in self.shares:
            told["lift_any"] = self.shares[ANYTHING].value
        if self.low_data and set(self.low_data) <= set(self.shares):
            told["low_data_mean"] = float(np.mean([self.shares[t].value for t in self.low_data]))
        return {name: told[name] for name in FIGURES if name in told}

    @property
    def worst(self) -> str:
        """The task with the smallest share, the first of several; empty without any."""
        return min(self.shares, key=lambda task: self.shares[task].value, default="")


def reached(chains: Iterable[Chained], longest: int) -> dict[int, Share]:
    """By length from 2 on, of how many chains so many tasks in a row succeeded."""
    done = [chain.done for chain in chains]
    return {
        length: Share(sum(count >= length for count in done), len(done))
        for length in range(2, longest + 1)
    }


def check_low_data(config: EvaluationConfig, tasks: TaskRegistry, source: str) -> None:
    """Raises ConfigError for a low-data task that the registry lacks."""
    for task in config.low_data:
        if task not in tasks.names:
            allowed = f"must be among {', '.join(tasks.names)}"
            raise ConfigError(source, "low_data", task, allowed)


def agreement(attempts: Iterable[Attempt]) -> dict[str, Any] | None:
    """How a success detector's verdicts compare with the truth; None where none looked.

    `false_positives` is of what truly failed, `false_negatives` of what truly succeeded.
    """
    seen = [one for one in attempts if one.graded is not None]
    if not seen:
        return None
    good, bad = ([one for one in seen if one.success is truly] for truly in (True, False))
    return {
        "success": Share(sum(bool(one.graded) for one in seen), len(seen)).as_dict(),
        "false_positives": Share(sum(bool(one.graded) for one in bad), len(bad)).as_dict(),
        "false_negatives": Share(sum(not one.graded for one in good), len(good)).as_dict(),
    }
