"""What is evaluated, and which attempts that means.

Everything random in an attempt follows from its task, its number and the scene, whoever makes it
and whatever was tried before: two policies meet the same scenes, and half an evaluation can be gone
on with anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from mtopt_core.purpose import Purpose
from mtopt_core.rules import Placed
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.tasks import Task, TaskRegistry

SCRIPTED, GREEDY = "scripted", "greedy"
CHAIN = "chain"


@dataclass(frozen=True)
class Subject:
    """Which policy: the scripts, or the best action under the Q-function of a bundle's folder.

    `model` and `seal` (of its manifest) say which it was, wherever the folder lies.
    """

    policy: str = SCRIPTED
    folder: str = ""
    model: str = ""
    seal: str = ""


@dataclass(frozen=True)
class Setting:
    """Where it acts, and who grades beside the truth.

    `purpose` is EVALUATION, or GATE for the choice between two versions. `detector` is the folder
    of a success bundle, empty for none, with its seal.
    """

    scene: str
    variation: str = ""
    identity: str = "eval"
    purpose: Purpose = Purpose.EVALUATION
    series: str = ""
    detector: str = ""
    detector_seal: str = ""


@dataclass(frozen=True)
class Trial:
    """One evaluation: all attempts of the same name are comparable and add up."""

    subject: Subject
    setting: Setting

    @property
    def name(self) -> str:
        """A short name; where the folders lie is no part of it."""
        subject, setting = replace(self.subject, folder=""), replace(self.setting, detector="")
        text = json.dumps([asdict(subject), asdict(setting)], sort_keys=True)
        what = self.subject.model.replace("/", "-") or self.subject.policy
        return f"{what}-{self.setting.scene}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def seed(self, *key: str | int) -> int:
        """A seed of this evaluation's own purpose; the same for every policy."""
        setting = self.setting
        return setting.purpose.seed("eval", setting.scene, setting.series, *key)


@dataclass(frozen=True)
class Case:
    """One attempt: `task` is a task's name, or CHAIN for a chain of `length` tasks."""

    task: str
    number: int
    length: int = 1


def cases(tasks: Collection[Task], attempts: int, chains: int = 0, longest: int = 0) -> list[Case]:
    """Every attempt, in turns over the tasks, so that half of them say something about all."""
    by_turns = [Case(task.name, n) for n in range(attempts) for task in tasks]
    return by_turns + [Case(CHAIN, n, longest) for n in range(chains)]


def chain_of(tasks: TaskRegistry, length: int, seed: int) -> list[Task]:
    """Picks and places on the plate by turns, a pick first; none twice while there are others."""
    rng = np.random.default_rng((seed, 5))
    queues = {
        LIFT: _endless(tasks.of_skill(LIFT), rng),
        PLACE: _endless(tuple(t for t in tasks if isinstance(t.rule, Placed)), rng),
    }
    return [next(queues[PLACE if turn % 2 else LIFT]) for turn in range(length)]


def _endless(tasks: tuple[Task, ...], rng: np.random.Generator) -> Iterator[Task]:
    """All of them in random order, again and again."""
    while True:
        yield from (tasks[int(index)] for index in rng.permutation(len(tasks)))
