"""Episodes made without ROS: ordinary files, the same bits whoever makes them and when."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mtopt_core.collection import Outcome
from mtopt_core.episode import EpisodeLimits, run_episode
from mtopt_data.errors import DiskFull
from mtopt_data.reader import EpisodeReader
from mtopt_data.verification import verify, verify_folder
from mtopt_robot.jpeg import image_of
from mtopt_sim.collecting import recording as recording_module
from mtopt_sim.collecting.channels import channels
from mtopt_sim.collecting.plan import Plan, Wanted
from mtopt_sim.collecting.recorded_cell import RecordedCell
from mtopt_sim.collecting.recording import Owner, Recording
from mtopt_sim.collecting.station import Done, Places, Station

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(
    not os.environ.get("AMENT_PREFIX_PATH"), reason="message definitions need a ROS environment"
)


def make(station: Station, block: int, missing: list[int]) -> list[Done]:
    made: list[Done] = []

    def tell(done: Done) -> bool:
        made.append(done)
        return True

    assert station.make(block, missing, tell)
    return made


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(Wanted(6, seed=5), block=3, first_token=0xFFFFFFFE)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def station(plan: Plan, data: Path) -> Iterator[Station]:
    station = Station(Places(ROOT, data), plan)
    yield station
    station.close()


@pytest.fixture(scope="module")
def made(station: Station) -> list[Done]:
    return make(station, 0, [0, 1, 2])


def test_every_episode_is_whole_and_complete(made: list[Done], plan: Plan, data: Path) -> None:
    assert [done.episode for done in made] == [0, 1, 2]
    assert plan.done(data) >= {0, 1, 2}
    for done in made:
        found = verify(Path(done.path))
        assert found.ok, (found.damage, found.gaps)
        assert found.metadata is not None
        assert found.metadata.seed == plan.seed(done.episode)
        assert found.metadata.steps == done.steps
        assert (found.metadata.succeeded or False) == done.success


def test_a_file_holds_an_image_and_the_joints_at_every_steps_start(made: list[Done]) -> None:
    for done in made:
        with EpisodeReader(done.path) as reader:
            by_topic: dict[str, list] = {}
            for item in reader.decoded():
                by_topic.setdefault(item.topic.removeprefix("/sim/"), []).append(item)
        steps = [item.message for item in by_topic["episode/step"]]
        images = by_topic["camera/overhead/image_raw/compressed"]
        stamps = [item.log_ns for item in images]
        joints = [item.log_ns for item in by_topic["joint_states"]]
        for step in steps:
            seen_ns = step.image_stamp.sec * 10**9 + step.image_stamp.nanosec
            assert seen_ns in stamps and seen_ns in joints
        ended_ns = steps[-1].motion_end.sec * 10**9 + steps[-1].motion_end.nanosec
        assert joints[-1] >= ended_ns and stamps[-1] >= ended_ns
        assert stamps == sorted(set(stamps)) and joints == stamps
        for camera, shape in (("overhead", (512, 640, 3)), ("left", (480, 640, 3))):
            image = by_topic[f"camera/{camera}/image_raw/compressed"][-1].message
            info = by_topic[f"camera/{camera}/camera_info"][-1].message
            assert image_of(bytes(image.data)).shape == shape == (info.height, info.width, 3)
            assert image.header.frame_id == f"camera_{camera}_optical_frame"
        (outcome,) = (item.message for item in by_topic["episode/outcome"])
        assert outcome.graded and len(outcome.outcomes) == 12 and outcome.grader == "truth"
        (extrinsics,) = (item.message for item in by_topic["camera/extrinsics"])
        assert extrinsics.cameras == ["overhead", "left", "right"]


def test_bits_do_not_depend_on_who_makes_an_episode_and_what_is_there_already(
    made: list[Done], plan: Plan, tmp_path: Path
) -> None:
    """A crash left the last of a block missing; another process makes it, and only it."""
    other = Station(Places(ROOT, tmp_path), plan)
    try:
        make(other, 1, [3])
        (again,) = make(other, 0, [2])
    finally:
        other.close()
    assert plan.done(tmp_path) == {2, 3}

    def bits(path: str) -> list[tuple[str, int, bytes]]:
        with EpisodeReader(path) as reader:
            return [
                (item.topic, item.log_ns, item.data if "episode/" not in item.topic else b"")
                for item in reader.messages()  # steps and outcome carry the episode's name
            ]

    assert bits(again.path) == bits(made[2].path)
    assert again.steps == made[2].steps and again.success == made[2].success


def test_a_scene_is_shown_graded_and_written_down(tmp_path: Path) -> None:
    wanted = Wanted(1, seed=5, cell="cell7", scene="extended", variation="strong")
    station = Station(Places(ROOT, tmp_path), Plan(wanted, block=1, first_token=0))
    workcell = station._cell.workcell
    try:
        (done,) = make(station, 0, [0])
    finally:
        station.close()
    assert workcell.cloth is not None
    assert workcell.wardrobe.variation.identity == "cell7"
    assert not workcell.wardrobe.variation.idle
    found = verify(Path(done.path))
    assert found.ok and found.metadata is not None
    known = found.metadata
    assert (known.cell, known.scene, known.variation) == ("cell7", "extended", "strong")
    assert known.purpose == "training" and "lift-cloth" in known.success


def test_without_a_scene_a_file_says_that_nothing_was_varied(made: list[Done]) -> None:
    known = verify(Path(made[0].path)).metadata
    assert known is not None
    assert (known.scene, known.variation, known.purpose) == ("", "off", "training")


def test_a_worker_that_is_told_to_stop_ends_after_its_episode(
    station: Station, plan: Plan, data: Path
) -> None:
    before = plan.done(data)
    assert not station.make(1, [3, 4], lambda done: False)
    assert plan.done(data) - before == {3}
    assert not verify_folder(data).leftovers


def test_a_full_disk_ends_the_work_and_leaves_nothing_counted(
    station: Station, plan: Plan, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plan.done(data)
    monkeypatch.setattr(recording_module, "KEEP_FREE_BYTES", 1 << 60)
    with pytest.raises(DiskFull, match="must be"):
        make(station, 1, [5])
    assert plan.done(data) == before


def test_an_episode_that_ends_in_a_motion_has_the_scene_after_it(
    station: Station, tmp_path: Path
) -> None:
    """At the step limit no observation follows the last step."""
    cell, policy, task = station._cell, station._policy, station._registry["lift-any"]
    token = "00000000"
    recording = Recording(tmp_path, Owner(), cell, channels(), lambda: token)
    cell.restart(1)
    limits = EpisodeLimits(max_steps=1)
    episode = run_episode(RecordedCell(cell, recording), policy, task, [recording], limits, 1)
    recording.graded(Outcome(episode, station._grade()))
    assert recording.path is not None and verify(recording.path).ok
    ended_ns = episode.steps[0].taken.ended_ns
    for topic in ("joint_states", "camera/overhead/image_raw/compressed"):
        with EpisodeReader(recording.path) as reader:
            stamps = [item.log_ns for item in reader.messages([f"/sim/{topic}"])]
        assert len(stamps) == 2 and stamps[1] == ended_ns


def test_time_at_the_limit_is_part_of_all_time(made: list[Done]) -> None:
    for done in made:
        assert 0.0 < done.limit_s < done.wall_s
        assert done.simulated_s == pytest.approx(np.round(done.simulated_s / 0.004) * 0.004)
