"""One network for several cells: who asks while it is busy is answered with the next batch."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mtopt_core.cell import PolicyLate
from mtopt_core.cem import CemConfig, Choice
from mtopt_core.errors import MtoptError

from .bundle import Bundle
from .decide import Asked, decide

Decide = Callable[[Bundle, Sequence[Asked], CemConfig], list[Choice]]


@dataclass(frozen=True, eq=False)
class Decided:
    """A choice and the model that made it."""

    choice: Choice
    bundle: Bundle


@dataclass(eq=False)
class _Waiting:
    """A question that lies with the network until it has an outcome."""

    asked: Asked
    until_s: float
    outcome: Decided | BaseException | None = None


@dataclass
class Batches:
    """What the network has done: runs, the questions in them, the most in one."""

    runs: int = 0
    questions: int = 0
    largest: int = field(default=0)


class Decider:
    """A model in service. Threads ask; the one that finds the network free runs it for all.

    No thread of its own is needed, and one cell alone pays for nothing but two locks. A batch is
    decided by one model throughout: `swap` takes effect between two of them.
    """

    def __init__(
        self, bundle: Bundle, cem: CemConfig = CemConfig(), decide: Decide = decide
    ) -> None:
        self._bundle, self._cem, self._decide = bundle, cem, decide
        self._network = threading.Lock()
        self._door = threading.Lock()
        self._waiting: list[_Waiting] = []
        self.batches = Batches()

    @property
    def bundle(self) -> Bundle:
        """The model that decides next."""
        return self._bundle

    def swap(self, bundle: Bundle) -> None:
        """Decide by another model from the next batch on."""
        self._bundle = bundle

    def __call__(self, asked: Asked, until_s: float = math.inf) -> Decided:
        """The best action found, waiting for the network if need be.

        `until_s` is a time of the monotonic clock: raises PolicyLate where the network was not
        free before it. Also raises TaskNotServed, ImageMismatch, and CoreError for NaN.
        """
        mine = _Waiting(asked, until_s)
        with self._door:
            self._waiting.append(mine)
        with self._network:
            if mine.outcome is None:
                self._run()
        if isinstance(mine.outcome, Decided):
            return mine.outcome
        raise mine.outcome or RuntimeError("a question was left without an outcome")

    def _run(self) -> None:
        """Decide for everybody who waits now."""
        with self._door:
            batch, self._waiting = self._waiting, []
        now_s = time.monotonic()
        for late in (each for each in batch if each.until_s < now_s):
            late.outcome = PolicyLate("its deadline had passed before the network was free")
        batch = [each for each in batch if each.outcome is None]
        if batch:
            self.batches.runs += 1
            self.batches.questions += len(batch)
            self.batches.largest = max(self.batches.largest, len(batch))
            self._answer(batch, self._bundle)

    def _answer(self, batch: Sequence[_Waiting], bundle: Bundle) -> None:
        """Outcomes for all; one that cannot be decided does not take the others with it."""
        dice = [each.asked.rng.bit_generator.state for each in batch]
        try:
            choices = self._decide(bundle, [each.asked for each in batch], self._cem)
        except BaseException as error:
            if len(batch) == 1 or not isinstance(error, MtoptError):
                for each in batch:
                    each.outcome = error
                return
            for each, state in zip(batch, dice, strict=True):
                each.asked.rng.bit_generator.state = state
                self._answer([each], bundle)
            return
        for each, choice in zip(batch, choices, strict=True):
            each.outcome = Decided(choice, bundle)
