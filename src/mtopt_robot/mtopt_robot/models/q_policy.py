"""The policy that the paper is about: the action that CEM finds best under the Q-function."""

from __future__ import annotations

import time

import numpy as np

from mtopt_core.cem import CemConfig, Choice
from mtopt_core.exploration import POLICY
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task
from mtopt_core.uncertainty import doubt, q_spread

from .bundle import Bundle
from .decide import Asked, decide, task_code
from .errors import ModelError

_DICE = 3  # tells CEM's random numbers from those of the exploration mix


class QPolicy:
    """One cell's decisions by a Q-function that may be swapped between two of them."""

    def __init__(self, bundle: Bundle, config: CemConfig = CemConfig()) -> None:
        self._bundle, self._config = bundle, config
        self._task: Task | None = None  # of the running episode
        self._seed = self._step = 0
        self._last: Choice | None = None

    @property
    def model(self) -> str:
        """`name/version` of the model that decides next."""
        return self._bundle.manifest.id

    @property
    def last(self) -> Choice | None:
        """The samples, elites and values of the last decision's rounds."""
        return self._last

    def swap(self, bundle: Bundle) -> None:
        """Decide by another model from the next decision on, also within an episode.

        Raises TaskNotServed, and goes on with the old one, if it lacks the running task.
        """
        if self._task is not None:
            task_code(bundle, self._task)
        self._bundle = bundle

    def begin(self, task: Task, seed: int) -> None:
        """Open an episode; raises TaskNotServed."""
        task_code(self._bundle, task)
        self._task, self._seed, self._step, self._last = task, seed, 0, None

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The best action found.

        Raises TaskNotServed, ImageMismatch, CoreError where the network gives NaN, and
        ModelError before any begin().
        """
        if self._task is None:
            raise ModelError("begin() must open an episode before the first decision")
        started_s = time.perf_counter()
        bundle = self._bundle  # one model for the whole decision, whatever is swapped meanwhile
        rng = np.random.default_rng((self._seed, task.index, _DICE, self._step))
        last = self._last.action if self._last else None
        choice = decide(bundle, [Asked(observation, task, rng, last)], self._config)[0]
        self._step += 1
        self._last = choice
        spread = q_spread(choice.rounds)
        return Decision(
            choice.action,
            POLICY,
            q=choice.q,
            model=bundle.manifest.id,
            image_stamp_ns=observation.stamp_ns,
            latency_s=time.perf_counter() - started_s,
            novelty=choice.novelty,
            q_spread=spread,
            doubt=doubt(choice.novelty, spread, bundle.manifest.uncertainty),
        )
