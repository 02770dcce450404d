"""Who waits together is decided together, by one model, and nobody's trouble is another's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import ONE_THREAD, manifest_of, write_fake
from mtopt_core.action import ActionBounds
from mtopt_core.cell import PolicyLate
from mtopt_core.cem import CemConfig, Choice
from mtopt_core.errors import MtoptError
from mtopt_core.observation import Observation
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import Bundle, Expected, check_bundle
from mtopt_robot.models.decide import Asked, decide
from mtopt_robot.models.decider import Decide, Decided, Decider
from mtopt_robot.models.errors import ImageMismatch, TaskNotServed

PATIENCE_S = 20.0


@pytest.fixture
def bundle(store_folder: Path, expected: Expected, bounds: ActionBounds) -> Bundle:
    folder = write_fake(store_folder, manifest_of(expected.tasks[:3], bounds))
    return check_bundle(folder, expected, ONE_THREAD)


@pytest.fixture
def newer(store_folder: Path, expected: Expected, bounds: ActionBounds) -> Bundle:
    folder = write_fake(store_folder, manifest_of(expected.tasks, bounds, version="2"))
    return check_bundle(folder, expected, ONE_THREAD)


@pytest.fixture
def ask(registry: TaskRegistry) -> Callable[..., Asked]:
    def asked(shade: int, task: str = "lift-any", wide: int = 10) -> Asked:
        image = np.full((8, wide, 3), shade, dtype=np.uint8)
        seen = Observation(image, False, 0.1, shade, np.eye(4))
        return Asked(seen, registry[task], np.random.default_rng(shade))

    return asked


class Gate:
    """decide() that waits for leave, and remembers who was asked together and by which model."""

    def __init__(self, decide: Decide = decide) -> None:
        self.open, self._decide = threading.Event(), decide
        self.batches: list[tuple[str, int]] = []

    def __call__(self, bundle: Bundle, asked: Sequence[Asked], cem: CemConfig) -> list[Choice]:
        self.batches.append((bundle.manifest.version, len(asked)))
        assert self.open.wait(PATIENCE_S)
        return self._decide(bundle, asked, cem)


class Asking(threading.Thread):
    """One question, and what became of it."""

    def __init__(self, decider: Decider, asked: Asked, until_s: float = float("inf")) -> None:
        super().__init__(daemon=True)
        self._decider, self._asked, self._until_s = decider, asked, until_s
        self.outcome: Decided | MtoptError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._decider(self._asked, self._until_s)
        except MtoptError as error:
            self.outcome = error

    @property
    def choice(self) -> Choice:
        self.join(PATIENCE_S)
        assert isinstance(self.outcome, Decided), self.outcome
        return self.outcome.choice


def until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def behind(
    gate: Gate, decider: Decider, first: Asked, others: Sequence[tuple[Asked, float]]
) -> tuple[Asking, list[Asking]]:
    """One question with the network, the others waiting for it."""
    busy = Asking(decider, first)
    until(lambda: len(gate.batches) == 1)
    waiting = [Asking(decider, asked, until_s) for asked, until_s in others]
    until(lambda: len(decider._waiting) == len(others))
    return busy, waiting


def test_who_waits_is_decided_together_and_as_if_alone(
    bundle: Bundle, ask: Callable[..., Asked]
) -> None:
    gate = Gate()
    decider = Decider(bundle, decide=gate)
    shades = range(10, 70, 10)
    forever = float("inf")
    busy, waiting = behind(gate, decider, ask(5), [(ask(shade), forever) for shade in shades])
    gate.open.set()
    chosen = [each.choice for each in waiting]
    assert busy.choice.action
    assert gate.batches == [("1", 1), ("1", len(shades))]
    assert (decider.batches.runs, decider.batches.questions) == (2, 1 + len(shades))
    assert decider.batches.largest == len(shades)
    for shade, choice in zip(shades, chosen, strict=True):
        alone = Decider(bundle)(ask(shade)).choice
        assert choice.action == alone.action
        assert choice.q == pytest.approx(alone.q, abs=1e-5)


def test_a_model_is_swapped_between_two_batches(
    bundle: Bundle, newer: Bundle, ask: Callable[..., Asked]
) -> None:
    gate = Gate()
    decider = Decider(bundle, decide=gate)
    busy, (after,) = behind(gate, decider, ask(5), [(ask(9), float("inf"))])
    decider.swap(newer)
    gate.open.set()
    after.join(PATIENCE_S)
    busy.join(PATIENCE_S)
    assert gate.batches == [("1", 1), ("2", 1)]
    assert isinstance(busy.outcome, Decided) and busy.outcome.bundle is bundle
    assert isinstance(after.outcome, Decided) and after.outcome.bundle is newer


def test_one_that_cannot_be_decided_does_not_take_the_others_with_it(
    bundle: Bundle, ask: Callable[..., Asked]
) -> None:
    gate = Gate()
    decider = Decider(bundle, decide=gate)
    strange = [ask(20, task="place-any"), ask(30, wide=12)]
    forever = float("inf")
    asked = [(each, forever) for each in (ask(10), *strange, ask(40))]
    _, (good, task, image, other) = behind(gate, decider, ask(5), asked)
    gate.open.set()
    for each in (task, image):
        each.join(PATIENCE_S)
    assert isinstance(task.outcome, TaskNotServed) and isinstance(image.outcome, ImageMismatch)
    for each, shade in ((good, 10), (other, 40)):
        assert each.choice.action == Decider(bundle)(ask(shade)).choice.action


def test_a_nan_of_one_cell_leaves_the_dice_of_the_others(
    bundle: Bundle, ask: Callable[..., Asked]
) -> None:
    """The failed batch has drawn already; the second try must draw the same."""

    def flaw(bundle: Bundle, asked: Sequence[Asked], cem: CemConfig) -> list[Choice]:
        choices = decide(bundle, asked, cem)
        if any(each.observation.stamp_ns == 13 for each in asked):
            raise MtoptError("a NaN")
        return choices

    gate = Gate(flaw)
    decider = Decider(bundle, decide=gate)
    forever = float("inf")
    _, (bad, good) = behind(gate, decider, ask(5), [(ask(13), forever), (ask(40), forever)])
    gate.open.set()
    bad.join(PATIENCE_S)
    assert isinstance(bad.outcome, MtoptError)
    assert good.choice.action == Decider(bundle)(ask(40)).choice.action


def test_nothing_is_begun_after_its_deadline(bundle: Bundle, ask: Callable[..., Asked]) -> None:
    gate = Gate()
    decider = Decider(bundle, decide=gate)
    soon_s = time.monotonic() + 0.02
    busy, (late, good) = behind(gate, decider, ask(5), [(ask(10), soon_s), (ask(20), float("inf"))])
    until(lambda: time.monotonic() > soon_s)
    gate.open.set()
    assert busy.choice.action and good.choice.action
    late.join(PATIENCE_S)
    assert isinstance(late.outcome, PolicyLate)
    assert gate.batches == [("1", 1), ("1", 1)]


def test_a_defect_reaches_everybody_who_waited(bundle: Bundle, ask: Callable[..., Asked]) -> None:
    def broken(bundle: Bundle, asked: Sequence[Asked], cem: CemConfig) -> list[Choice]:
        raise ZeroDivisionError

    decider = Decider(bundle, decide=broken)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            decider(ask(5))


def test_many_threads_all_get_their_own_answer(bundle: Bundle, ask: Callable[..., Asked]) -> None:
    decider = Decider(bundle)
    shades = list(range(7))
    outcomes: dict[int, list[Choice]] = {shade: [] for shade in shades}

    def work(shade: int) -> None:
        for _ in range(20):
            outcomes[shade].append(decider(ask(shade)).choice)

    threads = [threading.Thread(target=work, args=(shade,)) for shade in shades]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    for shade in shades:
        alone = Decider(bundle)(ask(shade)).choice.action
        assert [choice.action for choice in outcomes[shade]] == [alone] * 20
    assert decider.batches.questions == 140
