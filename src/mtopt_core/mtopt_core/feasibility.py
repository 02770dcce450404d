"""Which grades a scene can have at all: what the tasks' rules imply and what they exclude.

A lifted carrot is a success of "lift any object" and a failure of every other lift. That
follows from the rules and is never read off the tasks' names: two rules are held against each
other, and a grade is then made feasible once, most certain verdict first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .encoding import Numbers
from .errors import CoreError
from .rules import ANY, Covered, Lifted, Placed, Rule
from .tasks import Task

Relation = NDArray[np.bool_]
Verdicts = NDArray[np.bool_]
Labels = NDArray[np.int8]

_OPEN, _NO, _YES = 0, -1, 1


def implies(rule: Rule, other: Rule) -> bool:
    """Whether every scene that fulfils a rule fulfils the other one too."""
    if isinstance(rule, Lifted) and isinstance(other, Lifted):
        return other.category in (ANY, rule.category) and rule.height_m >= other.height_m
    if isinstance(rule, Placed) and isinstance(other, Placed):
        return other.section in (ANY, rule.section) and rule.height_m <= other.height_m
    if isinstance(rule, Covered) and isinstance(other, Covered):
        return other.category in (ANY, rule.category) and rule.share >= other.share
    return False


def excludes(rule: Rule, other: Rule) -> bool:
    """Whether no scene fulfils both rules.

    A gripper lifts one object, and what is placed or covered has been let go of. The sections
    of a plate do not exclude each other: two objects may lie on it.
    """
    if isinstance(rule, Lifted) and isinstance(other, Lifted):
        return ANY not in (rule.category, other.category) and rule.category != other.category
    return isinstance(rule, Lifted) != isinstance(other, Lifted)


def deduced(rule: Rule, tasks: Iterable[Task], success: Mapping[str, bool]) -> bool | None:
    """What the grades of other tasks say of a scene and a rule: fulfilled, not, or nothing (None).

    `success` is by task name; tasks that it lacks say nothing. Sound and not complete: a lifted
    thing of no known category is left open.
    """
    graded = [(task.rule, success[task.name]) for task in tasks if task.name in success]
    if any(good and implies(other, rule) for other, good in graded):
        return True
    if any(implies(rule, other) if not good else excludes(rule, other) for other, good in graded):
        return False
    return None


@dataclass(frozen=True, eq=False)
class Feasibility:
    """The relations of T tasks: `implies[i, j]` and `excludes[i, j]` for tasks i and j, (T, T)."""

    implies: Relation
    excludes: Relation

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> Feasibility:
        """The relations of some tasks, in their own order."""
        rules = [task.rule for task in tasks]
        return cls(
            np.array([[implies(rule, other) for other in rules] for rule in rules]),
            np.array([[excludes(rule, other) for other in rules] for rule in rules]),
        )

    def holds(self, verdicts: Verdicts) -> bool:
        """Whether a scene can have these verdicts (T,), as far as pairs of rules tell."""
        yes = np.asarray(verdicts, dtype=np.bool_)
        broken = self.implies & yes[:, np.newaxis] & ~yes
        clash = self.excludes & yes[:, np.newaxis] & yes
        return not broken.any() and not clash.any()

    def settle(self, probability: Numbers, threshold: Numbers) -> tuple[Numbers, Verdicts]:
        """Probabilities and verdicts, both (T,), that a scene can have.

        `probability` and `threshold` are (T,), thresholds above 0 and at most 1. The verdict
        farthest from its threshold, in log odds, is taken first, and what follows from it
        before the next one. A verdict that is overruled has its probability moved just to the
        other side of its threshold, so verdict and probability agree in every grade. Feasible
        grades come out as they went in. Raises CoreError for what is no probability.
        """
        chance = _probabilities(probability, len(self.implies))
        bar = np.asarray(threshold, dtype=np.float32)
        margin = _log_odds(chance) - _log_odds(bar)
        decided = np.full(len(chance), _OPEN)
        for task in np.argsort(-np.abs(margin), kind="stable"):
            if decided[task] == _OPEN:
                self._decide(decided, int(task), bool(chance[task] >= bar[task]))
        verdicts: Verdicts = decided == _YES
        below = np.nextafter(bar, np.float32(0.0))
        moved = np.where(verdicts, np.maximum(chance, bar), np.minimum(chance, below))
        return moved.astype(np.float32), verdicts

    def complete(self, labels: Labels) -> Labels:
        """Labels (T,) of 1, 0 and -1 (nobody said), with all that follows from what was said.

        A scene labelled as a success of lifting the carrot is one of lifting anything, and a
        failure of every other lift. Raises CoreError for labels that no scene can have.
        """
        given = np.asarray(labels)
        if given.shape != (len(self.implies),) or not np.isin(given, (-1, 0, 1)).all():
            raise CoreError(f"must be {len(self.implies)} labels of -1, 0 and 1, are {given}")
        decided = np.full(len(given), _OPEN)
        for task in np.flatnonzero(given >= 0):
            self._decide(decided, int(task), bool(given[task]))
        said = {_OPEN: -1, _NO: 0, _YES: 1}
        full = np.array([said[int(verdict)] for verdict in decided], dtype=np.int8)
        # Of two that contradict each other the later has overruled the earlier.
        if not (full[given >= 0] == given[given >= 0]).all():
            raise CoreError(f"no scene can have the labels {given.tolist()}")
        return full

    def _decide(self, decided: NDArray[np.int_], task: int, success: bool) -> None:
        """Write down a verdict and all that follows from it.

        One step is enough, since the relations are closed: whatever implies a task that is
        excluded is excluded itself. Hence nothing that was decided is ever decided anew.
        """
        if success:
            decided[self.implies[task]] = _YES
            decided[self.excludes[task]] = _NO
        else:
            decided[self.implies[:, task]] = _NO


def _probabilities(values: Numbers, count: int) -> Numbers:
    chance = np.asarray(values, dtype=np.float32)
    if chance.shape != (count,) or not np.all((chance >= 0.0) & (chance <= 1.0)):
        raise CoreError(f"must be {count} probabilities of 0 to 1, are {chance.tolist()}")
    return chance


def _log_odds(chance: Numbers) -> NDArray[np.float64]:
    inside = np.clip(chance.astype(np.float64), 1e-9, 1.0 - 1e-9)
    odds: NDArray[np.float64] = np.log(inside) - np.log1p(-inside)
    return odds
