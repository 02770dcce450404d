"""What the collecting loop notes of an episode that is over."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mtopt_core.cell import EndReason
from mtopt_core.collection import Outcome
from mtopt_core.episode import Episode
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry
from mtopt_msgs.msg import CellStatus
from mtopt_ros.collecting import CollectingLoop
from mtopt_ros.ledger import Ledger
from mtopt_ros.progress import Progress


class Silent:
    """A listener with nothing to say."""

    def told(self) -> None:
        pass

    def failed(self, name: str, message: str) -> None:
        pass

    def finished_all(self) -> None:
        pass


def outcome(registry: TaskRegistry, task: str, lifted: bool, reason: EndReason) -> Outcome:
    success = dict.fromkeys(registry.names, False) | {"lift-any": lifted}
    grade = Grade(dict.fromkeys(registry.names, 0.5), success, "truth")
    return Outcome(Episode(registry[task], 1, (), reason), grade if reason.ordinary else None)


@pytest.mark.parametrize(
    ("task", "lifted", "reason", "vain"),
    [
        ("lift-can", False, EndReason.TERMINATED, 5),
        ("lift-any", False, EndReason.STEP_LIMIT, 5),
        ("lift-can", True, EndReason.TERMINATED, 0),  # another object: the bin is not empty
        ("place-any", False, EndReason.TERMINATED, 4),
        ("lift-can", False, EndReason.CONTACT, 4),
    ],
)
def test_only_picks_to_their_own_end_count_as_in_vain(
    registry: TaskRegistry, task: str, lifted: bool, reason: EndReason, vain: int
) -> None:
    progress, abort = Progress(vain_picks=4), threading.Event()
    abort.set()  # no pause after a fault
    loop = make(progress, registry, abort)
    loop._note(outcome(registry, task, lifted, reason))
    assert progress.vain_picks == vain


def make(
    progress: Progress, registry: TaskRegistry, abort: threading.Event, park_after: int = 0
) -> CollectingLoop:
    recording: Any = SimpleNamespace(path="file", lost="", aside=False)
    return CollectingLoop(
        progress, recording, registry, 0, Silent(), abort, lambda: True, park_after
    )


@pytest.mark.parametrize(
    ("reasons", "parked"),
    [
        ([EndReason.BIN_JAM], True),
        ([EndReason.CONTACT] * 2, False),
        ([EndReason.CONTACT, EndReason.TRACKING_ERROR, EndReason.CONTACT], True),
        ([EndReason.CONTACT, EndReason.CONTACT, EndReason.TERMINATED, EndReason.CONTACT], False),
        ([EndReason.CAMERA_FAULT] * 9, False),
        ([EndReason.POLICY_TIMEOUT] * 9, False),
    ],
)
def test_a_cell_parks_where_a_person_must_look(
    registry: TaskRegistry, reasons: list[EndReason], parked: bool
) -> None:
    progress, abort = Progress(), threading.Event()
    abort.set()  # no pause after a fault
    loop = make(progress, registry, abort, park_after=3)
    for reason in reasons:
        loop._note(outcome(registry, "lift-any", False, reason))
    assert bool(progress.ledger.memory.parked) == parked
    assert loop._may_begin() == (not parked)
    assert (progress.state == CellStatus.PARKED) == parked


def test_a_defect_is_named_and_the_loop_goes_on(registry: TaskRegistry) -> None:
    class Told(Silent):
        def failed(self, name: str, message: str) -> None:
            names.append(f"{name}: {message}")
            loop._stopping.set()

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("by nothing")

    names: list[str] = []
    loop = make(Progress(), registry, threading.Event())
    loop.listener = Told()
    loop._collector = SimpleNamespace(next_turn=broken)  # type: ignore[assignment]
    loop._run()
    assert names == ["defect: ZeroDivisionError('by nothing')"]


def test_the_seed_of_a_turn_depends_on_its_number_alone(
    registry: TaskRegistry, tmp_path: Path
) -> None:
    def seeds(count: int) -> list[int]:
        loop = make(Progress(ledger=Ledger(tmp_path / "ledger")), registry, threading.Event())
        loop._collector = SimpleNamespace(next_turn=lambda: None)  # type: ignore[assignment]
        return [loop._turn(None)[1] for _ in range(count)]

    whole = seeds(6)
    (tmp_path / "ledger").unlink()
    assert seeds(2) + seeds(4) == whole and len(set(whole)) == 6
