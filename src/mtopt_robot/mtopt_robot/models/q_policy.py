"""The policy that the paper is about: the action that CEM finds best under the Q-function."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mtopt_core.cem import Choice
from mtopt_core.exploration import POLICY
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task
from mtopt_core.uncertainty import q_spread

from .bundle import Bundle
from .decide import Asked, task_code
from .decider import Decider
from .errors import ModelError

_DICE = 3  # tells CEM's random numbers from those of the exploration mix


@dataclass(frozen=True, eq=False)
class Considered:
    """A decision and all that it was made of, for whoever may overrule it before `until_s`, a
    time of the monotonic clock."""

    observation: Observation
    task: Task
    choice: Choice
    bundle: Bundle
    decision: Decision
    until_s: float = math.inf


class Check(Protocol):
    """Looks at every decision of the network before it leaves, and may put another in its place."""

    def begin(self, task: Task, seed: int) -> None:
        """An episode opens: everything random from here on follows its seed."""
        ...

    def __call__(self, considered: Considered) -> Decision:
        """The decision itself, or the one to take instead; its source says which."""
        ...


class QPolicy:
    """One cell's decisions by a model that it may share with others."""

    def __init__(self, decider: Decider, check: Check | None = None) -> None:
        self._decider, self._check = decider, check
        self._task: Task | None = None  # of the running episode
        self._seed = self._step = 0
        self._last: Choice | None = None
        self.until_s = math.inf  # no decision is begun after it; monotonic clock

    @property
    def model(self) -> str:
        """`name/version` of the model that decides next."""
        return self._decider.bundle.manifest.id

    @property
    def last(self) -> Choice | None:
        """The samples, elites and values of the last decision's rounds."""
        return self._last

    def begin(self, task: Task, seed: int) -> None:
        """Open an episode; raises TaskNotServed."""
        task_code(self._decider.bundle, task)
        self._task, self._seed, self._step, self._last = task, seed, 0, None
        if self._check is not None:
            self._check.begin(task, seed)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The best action found, or what the check takes instead.

        Raises PolicyLate after `until_s`, TaskNotServed, ImageMismatch, CoreError where the
        network gives NaN, and ModelError before any begin().
        """
        if self._task is None:
            raise ModelError("begin() must open an episode before the first decision")
        started_s = time.perf_counter()
        rng = np.random.default_rng((self._seed, task.index, _DICE, self._step))
        last = self._last.action if self._last else None
        decided = self._decider(Asked(observation, task, rng, last), self.until_s)
        self._step += 1
        choice = self._last = decided.choice
        decision = Decision(
            choice.action,
            POLICY,
            q=choice.q,
            model=decided.bundle.manifest.id,
            image_stamp_ns=observation.stamp_ns,
            latency_s=time.perf_counter() - started_s,
            novelty=choice.novelty,
            q_spread=q_spread(choice.rounds),
        )
        if self._check is None:
            return decision
        return self._check(
            Considered(observation, task, choice, decided.bundle, decision, self.until_s)
        )
