"""What the collecting loop notes of an episode that is over."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from mtopt_core.cell import EndReason
from mtopt_core.collection import Outcome
from mtopt_core.episode import Episode
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry
from mtopt_ros.collecting import CollectingLoop
from mtopt_ros.progress import Progress


class Silent:
    """A listener with nothing to say."""

    def told(self) -> None:
        pass

    def failed(self, reason: EndReason, message: str) -> None:
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
    recording = SimpleNamespace(path="file", lost="")
    loop = CollectingLoop(
        progress,
        recording,  # type: ignore[arg-type]
        registry,
        np.random.default_rng(0),
        Silent(),
        abort,
    )
    loop._note(outcome(registry, task, lifted, reason))
    assert progress.vain_picks == vain
