"""The check of every decision against the limits of its own model, and what follows a doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mtopt_core.fallback import ASK, HOLDING, OFF, Fallback, FallbackConfig
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task
from mtopt_core.uncertainty import Doubt, doubt

from .q_policy import Considered


@dataclass(frozen=True, eq=False)
class Intervention:
    """A step that was not left to the network: what it wanted, why not, what was done."""

    considered: Considered
    doubt: Doubt
    done: Decision


Ask = Callable[[Considered, Doubt], str]
Trust = Callable[[], None]
Told = Callable[[Intervention], None]


def _nobody(considered: Considered, doubt: Doubt) -> str:
    """The answer of a person who is not there."""
    return HOLDING


class Doubting:
    """A check of QPolicy: past its model's limits a decision is replaced as configured.

    A model without limits is never doubted. `ask` may take its time; it is called in the thread
    that decides for the cell and gives one of fallback.ANSWERS. `told` hears of every
    intervention, `trusted` of every decision and every episode without a doubt so far.
    """

    def __init__(
        self,
        fallback: Fallback,
        config: FallbackConfig,
        ask: Ask = _nobody,
        told: Told = lambda intervention: None,
        trusted: Trust = lambda: None,
    ) -> None:
        self._fallback, self._mode = fallback, config.mode
        self._ask, self._told, self._trusted = ask, told, trusted

    def begin(self, task: Task, seed: int) -> None:
        """An episode opens."""
        self._fallback.begin(task, seed)
        self._trusted()

    def __call__(self, considered: Considered) -> Decision:
        """The decision itself, or what is done in its place."""
        wanted = considered.decision
        limits = considered.bundle.manifest.uncertainty
        found = doubt(wanted.novelty, wanted.q_spread, limits)
        if found is None or self._mode == OFF:
            self._trusted()
            return wanted
        answer = self._ask(considered, found) if self._mode == ASK else self._mode
        done = self._fallback.act(answer, wanted, considered.observation, considered.task)
        self._told(Intervention(considered, found, done))
        return done
