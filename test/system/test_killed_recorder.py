"""The recorder's own process killed outright at random moments, over real ROS.

MTOPT_KILLS=100 makes it the full trial.
"""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.recorded_cell import Cell, new_id
from fakes.ros_processes import Process, start
from fakes.ros_session import CELL, Prober, until
from mtopt_data.catalog import table
from mtopt_data.naming import finished_files, part_files, quarantined_files
from mtopt_data.reader import EpisodeReader
from mtopt_data.recovery import read_reason
from mtopt_data.verification import verify
from mtopt_msgs.msg import EpisodeOutcome
from mtopt_msgs.srv import StartRecording, StopRecording
from mtopt_ros.calls import call
from mtopt_ros.errors import CallFailed

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("MTOPT_KILLS", "2"))
AT_WORK_S = 1.5


class Runner:
    """Has episode after episode recorded, until the recorder is killed under it."""

    def __init__(self, prober: Prober, cell: Cell) -> None:
        self._prober, self._cell = prober, cell
        self.gone = threading.Event()
        self.begun: list[str] = []
        self.told: set[str] = set()  # closed, as the recorder said

    def run(self) -> None:
        try:
            while not self.gone.is_set():
                self._episode()
        except CallFailed:
            assert self.gone.is_set(), "the recorder did not answer although it lives"

    def _episode(self) -> None:
        name = new_id()
        self.begun.append(name)
        begin = StartRecording.Request(episode_id=name, cell=CELL, task="lift-any", skill="lift")
        assert self._ask(StartRecording, "recorder/start", begin).ok
        self._cell.stream(15)
        outcome = EpisodeOutcome(
            episode_id=name, cell=CELL, task="lift-any", end_reason="terminated", grader="truth"
        )
        end = StopRecording.Request(episode_id=name, outcome=outcome)
        if self._ask(StopRecording, "recorder/stop", end).ok:
            self.told.add(name)

    def _ask(self, kind: type, name: str, request: object) -> object:
        return call(self._prober.client(kind, name), request, 20.0, self.gone)


@pytest.fixture
def started(prober: Prober, tmp_path: Path) -> Iterator[Callable[[Cell], Process]]:
    """Starts the recorder and waits until it listens to a cell; the last one is ended."""
    running: list[Process] = []

    def begin(cell: Cell) -> Process:
        running.append(start("recorder", tmp_path / "log", data=str(tmp_path / "data")))
        prober.bring_up("recorder")
        until(cell.heard, "the recorder to listen")
        return running[-1]

    yield begin
    for process in running:
        process.end()


def test_whatever_moment_it_is_killed_at_every_episode_is_accounted_for(
    started: Callable[[Cell], Process], prober: Prober, tmp_path: Path
) -> None:
    data, rng = tmp_path / "data", random.Random(2026)
    cell, digests = Cell(prober), dict[Path, str]()
    begun, told, gone = set[str](), set[str](), set[str]()
    process = started(cell)
    for _ in range(KILLS):
        runner = Runner(prober, cell)
        thread = threading.Thread(target=runner.run)
        thread.start()
        until(lambda runner=runner: runner.begun, "the first episode")
        time.sleep(rng.random() * AT_WORK_S)
        runner.gone.set()
        process.kill()
        thread.join()
        begun |= set(runner.begun)
        told |= runner.told
        for path, digest in digests.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        process = started(cell)  # which settles what was left
        assert part_files(data) == []
        closed = {path.stem for path in finished_files(data)}
        put_aside = {path.name.partition(".")[0] for path in quarantined_files(data)}
        assert told <= closed and not closed & put_aside
        missing = begun - closed - put_aside - gone
        assert closed | put_aside <= begun
        assert missing <= {runner.begun[-1]}  # killed before it had a file
        gone |= missing
        rows = [str(name) for name in table.load(data)["episode_id"].to_pylist()]
        assert sorted(rows) == sorted(closed)
        for path in finished_files(data):
            if path not in digests:
                assert not verify(path).damage
                digests[path] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in quarantined_files(data):
        assert "recorder ended before the episode was closed" in read_reason(path)
        if path.suffix == ".mcap":
            with EpisodeReader(path) as reader:
                assert len(list(reader.messages())) == sum(reader.metadata.frames.values()) > 0
    assert process.end() == 0
    assert len(begun) == len(digests) + len(put_aside) + len(gone)
