"""The recorder: one whole file an episode, or a file in quarantine with a reason."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.recorded_cell import Cell, begin, end, new_id
from fakes.ros_processes import Process, start
from fakes.ros_session import CELL, Prober, Spinner, managed, until
from mtopt_data.catalog import journal
from mtopt_data.naming import finished_files, part_files, quarantined_files
from mtopt_data.reader import EpisodeReader
from mtopt_data.recovery import read_reason
from mtopt_data.verification import verify, verify_folder
from mtopt_msgs.msg import EpisodeOutcome, Heartbeat
from mtopt_msgs.srv import DiscardEpisode, RelabelEpisode, StopRecording
from mtopt_ros.qos import STATES
from mtopt_ros.recorded_topics import recorded_topics
from mtopt_ros.recorder_node import RecorderNode

pytestmark = pytest.mark.system

TOPICS = tuple(f"/{CELL}/{topic.name}" for topic in recorded_topics())


@pytest.fixture
def cell(prober: Prober) -> Cell:
    return Cell(prober)


@pytest.fixture
def recorder(cell: Cell, spinner: Spinner, prober: Prober, tmp_path: Path) -> RecorderNode:
    node: RecorderNode = spinner.add(
        managed(
            RecorderNode,
            "recorder",
            data=str(tmp_path),
            robot_serial="14-7",
            scene="everyday",
            variation="mild",
            stop_wait_s=5.0,
        )
    )
    prober.bring_up("recorder")
    until(cell.heard, "the recorder to listen")
    until(lambda: bool(node._latched), "the calibration to reach the recorder")
    return node


def record(prober: Prober, cell: Cell, rounds: int = 20, steps: int = 3) -> Any:
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    cell.stream(rounds)
    for index in range(steps):
        cell.step(index, episode_id, "late" if index == 1 else "scripted")
    time.sleep(0.2)  # for the streams, which nobody counts
    return end(prober, cell.outcome(episode_id), steps)


def test_an_episode_becomes_a_whole_file_with_every_message(
    recorder: RecorderNode, cell: Cell, prober: Prober, tmp_path: Path
) -> None:
    done = record(prober, cell)
    assert done.ok, done.error
    found = verify(Path(done.path))
    assert found.ok, (found.damage, found.gaps)
    assert not found.notes or all("graded" in note for note in found.notes), found.notes
    with EpisodeReader(done.path) as reader:
        counts: dict[str, int] = dict.fromkeys(TOPICS, 0)
        for message in reader.messages():
            counts[message.topic] += 1
        metadata = reader.metadata
    streams = {topic for topic in TOPICS if "episode" not in topic and "extrinsics" not in topic}
    assert {topic: counts[topic] for topic in streams} == dict.fromkeys(streams, 20)
    assert counts[f"/{CELL}/camera/extrinsics"] == 1
    assert counts[f"/{CELL}/episode/step"] == 3 and counts[f"/{CELL}/episode/outcome"] == 1
    assert done.messages == sum(counts.values()) and done.drops == 0
    assert done.bytes == Path(done.path).stat().st_size
    assert dict(metadata.frames) == counts
    assert metadata.steps == 3 and metadata.late == 1 and metadata.seed == 5
    assert metadata.calibration_hash == "abc123" and metadata.robot_serial == "14-7"
    assert (metadata.scene, metadata.variation) == ("everyday", "mild")
    assert metadata.purpose == "training"
    assert metadata.operator == "me" and metadata.end_reason == "terminated"


def test_the_second_episode_counts_only_its_own(
    recorder: RecorderNode, cell: Cell, prober: Prober
) -> None:
    assert record(prober, cell).ok
    cell.stream(30)  # between two episodes nothing is lost, since nothing is wanted
    cell.step(9, "nobody")
    done = record(prober, cell, rounds=5, steps=2)
    assert done.ok and done.drops == 0
    with EpisodeReader(done.path) as reader:
        assert reader.metadata.steps == 2
        assert reader.metadata.frames[f"/{CELL}/joint_states"] == 5
        assert reader.metadata.frames[f"/{CELL}/camera/extrinsics"] == 1


@pytest.mark.parametrize(
    ("grader", "model"), [("truth", ("", "")), ("watcher/7", ("watcher", "7"))]
)
def test_the_file_says_who_graded(
    recorder: RecorderNode, cell: Cell, prober: Prober, grader: str, model: tuple[str, str]
) -> None:
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    done = end(prober, cell.outcome(episode_id, grader=grader))
    with EpisodeReader(done.path) as reader:
        known = reader.metadata
    assert known.grader == grader
    assert (known.success_model, known.success_version) == model


def test_an_end_waits_for_the_steps_that_are_on_their_way(
    recorder: RecorderNode, cell: Cell, prober: Prober
) -> None:
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    cell.step(0, episode_id)
    late = threading.Timer(0.3, lambda: cell.step(1, episode_id))
    late.start()
    done = end(prober, cell.outcome(episode_id), steps=2)
    late.join()
    with EpisodeReader(done.path) as reader:
        assert reader.metadata.frames[f"/{CELL}/episode/step"] == 2


def test_an_end_does_not_wait_for_ever_and_the_file_tells_what_is_missing(
    cell: Cell, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    spinner.add(managed(RecorderNode, "recorder", data=str(tmp_path), stop_wait_s=0.2))
    prober.bring_up("recorder")
    until(cell.heard, "the recorder to listen")
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    cell.stream(5)
    cell.step(0, episode_id)
    done = end(prober, cell.outcome(episode_id), steps=7)
    found = verify(Path(done.path))
    assert not found.damage and "1 steps are recorded, the episode had 7" in found.gaps


def test_a_discarded_episode_is_put_aside_with_its_reason(
    recorder: RecorderNode, cell: Cell, prober: Prober, tmp_path: Path
) -> None:
    episode_id = new_id()
    assert begin(prober, episode_id).ok
    cell.stream(3)
    done = end(prober, cell.outcome(episode_id, "stopped"), discard=True, reason="stopped")
    assert done.ok and done.path == ""
    assert finished_files(tmp_path) == [] and part_files(tmp_path) == []
    assert len(quarantined_files(tmp_path)) >= 1
    reasons = "".join(path.read_text() for path in tmp_path.rglob("*.reason.txt"))
    assert "discarded: stopped" in reasons


def test_what_nobody_started_cannot_be_stopped(recorder: RecorderNode, prober: Prober) -> None:
    done = end(prober, EpisodeOutcome(episode_id=new_id()))
    assert not done.ok and "NoOpenEpisode" in done.error


def test_a_new_episode_puts_a_forgotten_one_aside(
    recorder: RecorderNode, cell: Cell, prober: Prober, tmp_path: Path
) -> None:
    assert begin(prober, new_id()).ok
    cell.stream(3)
    done = record(prober, cell)
    assert done.ok
    assert [str(path) for path in finished_files(tmp_path)] == [done.path]
    assert verify_folder(tmp_path).ok and len(verify_folder(tmp_path).quarantined) >= 1


def test_a_full_disk_refuses_the_episode_by_name(
    cell: Cell, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    spinner.add(managed(RecorderNode, "recorder", data=str(tmp_path), disk_reserve_mb=10**7))
    prober.bring_up("recorder")
    refused = begin(prober, new_id())
    assert not refused.ok and "DiskFull" in refused.error and "MB" in refused.error
    until(lambda: beats and beats[-1].fault == "DiskFull", "the fault in the heartbeat")
    assert part_files(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(
    spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    blocked = tmp_path / "a_file"
    blocked.write_text("in the way")
    spinner.add(managed(RecorderNode, "recorder", data=str(blocked / "data")))
    assert not prober.change("recorder", "configure")
    assert prober.state("recorder") == "unconfigured"
    until(lambda: beats and beats[-1].fault == "FolderNotWritable", "the fault")
    assert str(blocked) in beats[-1].message


def test_an_unusable_episode_id_is_refused_by_name(recorder: RecorderNode, prober: Prober) -> None:
    refused = begin(prober, "../../etc/passwd")
    assert not refused.ok and "NameInvalid" in refused.error


def test_a_recorder_that_is_not_active_records_nothing(
    recorder: RecorderNode, cell: Cell, prober: Prober, tmp_path: Path
) -> None:
    assert begin(prober, new_id()).ok
    cell.stream(3)
    assert prober.change("recorder", "deactivate")
    assert part_files(tmp_path) == [] and len(quarantined_files(tmp_path)) >= 1
    refused = begin(prober, new_id())
    assert not refused.ok and "not active" in refused.error
    assert prober.change("recorder", "activate")
    assert record(prober, cell).ok


# --- a process that is killed


@pytest.fixture
def process(cell: Cell, tmp_path: Path) -> Iterator[Any]:
    running: list[Process] = []

    def begin_process() -> Process:
        running.append(start("recorder", tmp_path / "log", data=str(tmp_path / "data")))
        return running[-1]

    yield begin_process
    for one in running:
        one.end()


def test_what_was_open_when_a_recorder_ended_is_put_aside_and_the_next_episode_is_whole(
    process: Any, cell: Cell, prober: Prober, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    first = process()
    prober.bring_up("recorder")
    until(cell.heard, "the recorder to listen")
    killed, stopped = new_id(), new_id()
    assert begin(prober, killed).ok
    cell.stream(50)
    first.kill()
    assert finished_files(data) == [] and len(part_files(data)) == 1
    second = process()
    prober.bring_up("recorder")
    assert part_files(data) == [] and finished_files(data) == []
    until(cell.heard, "the recorder to listen")
    done = record(prober, cell)
    assert done.ok and verify(Path(done.path)).ok
    assert begin(prober, stopped).ok
    cell.stream(5)
    assert second.end(signal.SIGINT) == 0
    assert verify_folder(data).ok and part_files(data) == []
    reasons = {path.name.split(".")[0]: read_reason(path) for path in quarantined_files(data)}
    assert set(reasons) == {killed, stopped}
    assert "ended before" in reasons[killed] and "was stopped" in reasons[stopped]


# --- people's second thoughts


def test_a_finished_episode_can_be_discarded_and_relabelled(
    recorder: RecorderNode, cell: Cell, prober: Prober, tmp_path: Path
) -> None:
    first, second = (Path(record(prober, cell).path) for _ in range(2))
    request = RelabelEpisode.Request(episode_id=first.stem, success=True, who="ada")
    told = prober.ask(RelabelEpisode, "recorder/relabel", request)
    assert (told.ok, told.task) == (True, "lift-any"), told.error
    gone = DiscardEpisode.Request(episode_id=second.stem, who="bob", why="a hand in the bin")
    told = prober.ask(DiscardEpisode, "recorder/discard", gone)
    assert told.ok and Path(told.path).parent == tmp_path / "quarantine", told.error
    assert "discarded by bob: a hand in the bin" in read_reason(Path(told.path))
    assert finished_files(tmp_path) == [first]
    rows = journal.read(tmp_path).rows
    assert rows[first.stem]["relabelled"] == "ada" and rows[first.stem]["succeeded"] is True
    assert journal.is_gone(rows[second.stem])
    told = prober.ask(DiscardEpisode, "recorder/discard", gone)
    assert not told.ok and "EpisodeMissing" in told.error
    request.who = ""
    told = prober.ask(RelabelEpisode, "recorder/relabel", request)
    assert not told.ok and "LabelInvalid" in told.error


def test_of_an_episode_that_is_closed_already_the_file_is_told(
    recorder: RecorderNode, cell: Cell, prober: Prober
) -> None:
    """As a runner asks that was killed before it heard the answer."""
    done = record(prober, cell)
    request = StopRecording.Request(episode_id=Path(done.path).stem, discard=True)
    again = prober.ask(StopRecording, "recorder/stop", request)
    assert (again.ok, again.path) == (True, done.path) and Path(done.path).exists()
    request.episode_id = new_id()
    never = prober.ask(StopRecording, "recorder/stop", request)
    assert not never.ok and "NoOpenEpisode" in never.error and not never.path
