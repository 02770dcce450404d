"""A runner's ledger: whatever moment its process ends at, the counts are those of the disk."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.fake_cell import FakeCell
from fakes.fake_policy import Playback
from mtopt_core.action import ActionBounds
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.collection import Collector
from mtopt_core.schedule import Schedule
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_msgs.srv import StartRecording, StopRecording
from mtopt_ros import recording as recording_module
from mtopt_ros.collecting import CollectingLoop
from mtopt_ros.errors import LedgerLost
from mtopt_ros.ledger import Entry, Ledger
from mtopt_ros.progress import Progress
from mtopt_ros.recording import EpisodeRecording, RecordingClients

WANTED = 12


class Killed(BaseException):
    """The end of a process, which nothing catches."""


class Moments:
    """Counts the moments at which a process could end, and ends it at one of them."""

    def __init__(self) -> None:
        self.left = 10**9

    def pass_one(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


class Recorder:
    """What a recorder makes of the requests: one open file, finished ones, ones put aside."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        self.open = ""
        self.finished: dict[str, bool] = {}  # whether it ran to its own end
        self.aside: list[str] = []

    def start(self, request: StartRecording.Request) -> StartRecording.Response:
        assert request.episode_id not in (*self.finished, *self.aside)
        if self.open:
            self.aside.append(self.open)
        self.open = request.episode_id
        return StartRecording.Response(ok=True)

    def stop(self, request: StopRecording.Request) -> StopRecording.Response:
        if request.episode_id != self.open:
            there = request.episode_id in self.finished
            return StopRecording.Response(ok=there, path="file" if there else "")
        self.open = ""
        if request.discard:
            self.aside.append(request.episode_id)
            return StopRecording.Response(ok=True)
        reason = EndReason(request.outcome.end_reason)
        self.finished[request.episode_id] = reason.ordinary
        return StopRecording.Response(ok=True, path="file")

    def call(self, service: Callable[[Any], Any], request: Any, *_: Any) -> Any:
        self.moments.pass_one()  # before it arrives, and before its answer does
        answer = service(request)
        self.moments.pass_one()
        return answer


class Listener:
    """Hears of the end, and ends the process wherever it is told something."""

    def __init__(self, moments: Moments) -> None:
        self.moments, self.done = moments, False

    def told(self) -> None:
        self.moments.pass_one()

    def failed(self, name: str, message: str) -> None:
        self.moments.pass_one()

    def finished_all(self) -> None:
        self.done = True


Run = Callable[[Recorder, Listener, random.Random], Progress]


@pytest.fixture
def run(
    tmp_path: Path,
    workspace: Workspace,
    bounds: ActionBounds,
    registry: TaskRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """A runner's process from its start to its end; the ledger lies in one file."""

    def process(recorder: Recorder, listener: Listener, dice: random.Random) -> Progress:
        monkeypatch.setattr(recording_module, "call", recorder.call)
        monkeypatch.setattr("mtopt_ros.collecting._RETRY_S", 0.0)
        progress = Progress(WANTED, Ledger(tmp_path / "runs" / "ledger.json"))
        nobody = SimpleNamespace(publish=lambda message: None)
        clients = RecordingClients(recorder.start, recorder.stop, nobody, nobody)  # type: ignore[arg-type]
        abort = threading.Event()
        recording = EpisodeRecording(clients, "cell1", "", abort, lambda: 0, progress.ledger)
        loop = CollectingLoop(
            progress, recording, registry, 7, listener, abort, lambda: True, park_after=0
        )
        cell = FakeCell(workspace, bounds)

        def grade() -> Grade:
            if dice.random() < 0.2:
                raise CellFault(EndReason.GRADER_LOST, "away")
            won = dice.random() < 0.5
            names = registry.names
            return Grade(dict.fromkeys(names, 0.5), dict.fromkeys(names, won), "truth")

        schedule = Schedule(registry.tasks, seed=1)
        loop._collector = Collector(cell, Playback(), grade, schedule, (recording, loop))
        loop._run()
        return progress

    return process


@pytest.mark.parametrize("seed", range(8))
def test_killed_again_and_again_it_ends_with_exactly_what_was_wanted(run: Run, seed: int) -> None:
    dice, moments = random.Random(seed), Moments()
    recorder, kills = Recorder(moments), 0
    while True:
        moments.left = dice.randrange(25) if kills < 50 else 10**9
        listener = Listener(moments)
        try:
            progress = run(recorder, listener, dice)
        except Killed:
            kills += 1
            continue
        break
    assert listener.done and kills > 5
    memory = progress.ledger.memory
    assert memory.episodes == sum(recorder.finished.values()) == WANTED
    assert memory.successes == sum(memory.succeeded.values()) <= WANTED
    assert not recorder.open and memory.open is None
    assert not set(recorder.aside) & set(recorder.finished)
    assert len(set(recorder.aside)) == len(recorder.aside)


def test_the_turns_go_on_where_they_were(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.json")
    assert [first.count_turn() for _ in range(3)] == [0, 1, 2]
    assert Ledger(tmp_path / "ledger.json").count_turn() == 3


def test_only_an_ordinary_episode_on_the_disk_counts() -> None:
    for ordinary, kept, counts in ((True, True, 1), (True, False, 0), (False, True, 0)):
        ledger = Ledger()
        ledger.begin("id", "lift-any")
        ledger.graded(ordinary, True)
        assert (ledger.settle(kept) is not None) == bool(counts)
        memory = ledger.memory
        assert (memory.episodes, memory.successes) == (counts, counts)
        assert memory.succeeded == ({"lift-any": 1} if counts else {})


def test_one_that_is_taken_back_counts_no_more() -> None:
    ledger = Ledger()
    for name, won in (("a", True), ("b", False)):
        ledger.begin(name, "lift-any")
        ledger.graded(True, won)
        ledger.settle(True)
    assert ledger.take_back("a") and not ledger.take_back("a") and not ledger.take_back("z")
    assert (ledger.memory.episodes, ledger.memory.successes) == (1, 0)
    assert ledger.memory.recent == [Entry("b", "lift-any", True, False)]


def test_what_people_said_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    ledger = Ledger(path)
    ledger.tell(paused=True)
    ledger.park("bin_jam: hinge_left")
    assert Ledger(path).memory.paused and Ledger(path).memory.parked == "bin_jam: hinge_left"
    ledger.tell(paused=False, parked="", finishing=True)
    memory = Ledger(path).memory
    assert (memory.paused, memory.parked, memory.finishing) == (False, "", True)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"begun": 1}), '{"surplus": 1}'])
def test_one_that_cannot_be_read_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ledger.json"
    path.write_text(text)
    with pytest.raises(LedgerLost, match=r"ledger\.json.*delete it to count from 0"):
        Ledger(path)


def test_no_episode_begins_that_could_not_be_remembered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "gone" / "ledger.json")
    (tmp_path / "gone").rmdir()
    with pytest.raises(LedgerLost, match="cannot be written"):
        ledger.begin("id", "lift-any")
    ledger.graded(True, True)  # what has begun is counted all the same
    assert ledger.settle(True) is not None
