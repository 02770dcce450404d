"""Every row of the fault table, caused in the real processes of a running cell.

One `mtopt up` for all of them; what each row breaks it also mends, and the cell must collect
again. A second cell runs beside it and must never notice. It takes some minutes and wants the
machine for itself, so it is asked for: MTOPT_FAULTS=1 ./mtopt test test/system/test_faults.py. The
times from each fault to its being shown and from its end to work are printed at the end (`-s`);
MTOPT_FAULT_S=4 also holds them to that.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.ros_cell_hardware import CellHardware, workspace
from fakes.ros_processes import Process, executable
from fakes.ros_session import FILES, Prober, Spinner, start_ros, until
from fakes.running_cell import NODES, PATIENCE_S, START_S, RunningCell, tails
from fakes.small_disk import small_disk
from mtopt_data.naming import finished_files, part_files, quarantined_files
from mtopt_data.recovery import read_reason
from mtopt_msgs.msg import CellStatus
from mtopt_ros.parameters import flat, leaves
from mtopt_ros.qos import STATES
from mtopt_ros.settings import SETTINGS

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif("MTOPT_FAULTS" not in os.environ, reason="MTOPT_FAULTS=1 runs it"),
]

OTHER = "cell2"
SHOWN_S = float(os.environ.get("MTOPT_FAULT_S", "0"))
times: dict[str, tuple[float, float]] = {}


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    start_ros()
    prober = Prober()
    yield prober
    prober.close()


@pytest.fixture(scope="module")
def other(prober: Prober, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[CellStatus]]:
    """What a second cell says that runs beside the first, in one process."""
    folder, spinner = tmp_path_factory.mktemp("other"), Spinner()
    clock = ["-r", f"/clock:=/{OTHER}/clock"]
    spinner.add(
        CellHardware(
            workspace(),
            wall_s=0.025,
            truth=True,
            namespace=f"/{OTHER}",
            cli_args=["--ros-args", *clock],
            use_global_arguments=False,
        )
    )
    heard = prober.heard(CellStatus, f"/{OTHER}/cell/status", STATES)
    process = composed(OTHER, folder, clock)
    yield heard
    code = process.end()
    spinner.close()
    assert code in (0, 130)


def composed(name: str, folder: Path, arguments: list[str]) -> Process:
    """All nodes of a cell in one process, over hardware that is there already."""
    told: dict[str, dict[str, dict[str, Any]]] = {}
    for node, kind in SETTINGS.items():
        known = {leaf.name for leaf in leaves(kind)}
        values = {key: value for key, value in FILES.items() if key in known}
        values |= flat(NODES.get(node, {})) | {"use_sim_time": True}
        told[f"/{name}/{node}"] = {"ros__parameters": values}
    told[f"/{name}/recorder"]["ros__parameters"]["data"] = str(folder / "data")
    (folder / "parameters.yaml").write_text(yaml.safe_dump(told))
    words = [str(executable("composed")), "--ros-args", "-r", f"__ns:=/{name}", *arguments]
    words += ["--params-file", str(folder / "parameters.yaml")]
    return Process(words, folder / "composed.log")


@pytest.fixture(scope="module")
def cell(
    prober: Prober, other: list[CellStatus], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningCell]:
    cell = RunningCell(tmp_path_factory.mktemp("cell"), prober)
    with small_disk(cell.data):
        cell.up()
        try:
            cell.wait_until_up()
            until(lambda: other and other[-1].episodes, "the other cell", START_S)
            yield cell
        finally:
            cell.end()
        for row, (shown_s, back_s) in times.items():
            print(f"\n{row}: shown after {shown_s:.1f} s, at work {back_s:.1f} s after its end")


@pytest.fixture(autouse=True)
def mended(cell: RunningCell, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    cell.tell_hardware()
    if request.session.testsfailed:
        print(cell.shown()[-3000:], tails(cell, ("runner", "arm", "warden", "recorder")))


def row(cell: RunningCell, name: str, shown_s: float) -> None:
    """The fault is over: the cell collects again."""
    times[name] = shown_s, cell.wait_for_work()
    if SHOWN_S:
        assert shown_s < SHOWN_S, name


def faulted(cell: RunningCell, reason: str) -> None:
    """An episode has ended by this name."""
    ends = f"an episode that ended {reason}"
    until(lambda: reason in cell.ended(ordinary=False), ends, PATIENCE_S)


def test_a_camera_that_stops(cell: RunningCell) -> None:
    cell.tell_hardware(silent=["overhead"])
    shown_s = cell.wait_for_fault("camera", "camera_fault")
    episodes = len(cell.ended())
    time.sleep(1.0)
    assert len(cell.ended()) <= episodes + 1  # the one that was under way, and no other
    cell.tell_hardware()
    row(cell, "camera", shown_s)


def test_joint_states_that_fall_silent(cell: RunningCell) -> None:
    cell.tell_hardware(silent=["joint_states"])
    shown_s = cell.wait_for_fault("runner", "joint_states_stale")
    cell.tell_hardware()
    row(cell, "joint states", shown_s)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [({"iiwa_joint_4": None}, "joint_states_stale"), ({"iiwa_joint_2": 3.1}, "command_refused")],
)
def test_joint_states_that_lie(cell: RunningCell, lie: dict[str, float], reason: str) -> None:
    cell.tell_hardware(stuck=lie)
    shown_s = cell.wait_for_fault("runner", reason)
    cell.tell_hardware()
    row(cell, f"lies: {reason}", shown_s)


def test_a_policy_that_stands_still_then_dies(cell: RunningCell) -> None:
    until(lambda: cell.status.state == CellStatus.COLLECTING, "an episode", PATIENCE_S)
    cell.send("policy", signal.SIGSTOP)
    shown_s = cell.wait_for_fault("policy", "node_lost")
    # Nobody lets it go on: it is ended and started anew.
    faulted(cell, "policy_timeout")
    row(cell, "policy frozen", shown_s)
    assert "cell1.policy stands still: it is ended and started anew" in cell.shown()


def test_a_bin_that_jams_parks_the_cell_until_a_person_resumes_it(cell: RunningCell) -> None:
    cell.tell_hardware(stuck={"bin_left_joint": 0.4})
    shown_s = cell.wait_for_fault("bin", "bin_jam")
    until(lambda: cell.status.state == CellStatus.PARKED, "the cell to park", PATIENCE_S)
    until(lambda: "parked" in cell.diagnosed("runner"), "the diagnostics to say so", PATIENCE_S)
    cell.tell_hardware()  # a person frees it; nothing moves before they say so
    time.sleep(2.5)
    assert cell.status.state == CellStatus.PARKED
    assert cell.say("resume").returncode == 0
    row(cell, "bin", shown_s)


def test_a_recorder_that_is_killed(cell: RunningCell) -> None:
    until(lambda: part_files(cell.data), "an episode that is being written", PATIENCE_S)
    (part,) = part_files(cell.data)
    cell.send("recorder", signal.SIGKILL)
    until(lambda: cell.status.faults, "the fault", PATIENCE_S)
    times["recorder killed"] = 0.0, cell.wait_for_work()
    aside = [path for path in quarantined_files(cell.data) if path.name.startswith(part.name[:40])]
    assert len(aside) == 1 and "recorder ended" in read_reason(aside[0])
    assert not (part.parent / part.name.removesuffix(".part")).exists()


def test_an_emergency_stop_outlives_the_arm_s_process(cell: RunningCell) -> None:
    assert cell.say("emergency-stop").returncode == 0
    shown_s = cell.wait_for_fault("arm", "emergency_stop")
    cell.send("arm", signal.SIGKILL)
    before = cell.status.episodes
    until(lambda: _arm_stopped_anew(cell), "the arm to come back stopped", PATIENCE_S)
    time.sleep(2.0)
    assert any(f.startswith("arm: emergency_stop") for f in cell.status.faults)
    assert cell.status.episodes <= before
    assert cell.say("rearm").returncode == 0
    row(cell, "emergency stop", shown_s)
    assert not list((cell.folder / "state").rglob("emergency_stop"))


def _arm_stopped_anew(cell: RunningCell) -> bool:
    log = (cell.logs / "cell1.warden.log").read_text()
    return log.count("activate arm") >= 2 and bool(cell.status.faults)


@pytest.mark.parametrize("node", ["runner", "warden", "success"])
def test_a_node_that_dies(cell: RunningCell, node: str) -> None:
    before = cell.status.episodes
    first = cell.send(node, signal.SIGKILL)
    until(lambda: cell.pid(node) != first, f"another process {node}", PATIENCE_S)
    times[f"{node} killed"] = 0.0, cell.wait_for_work()
    assert cell.status.episodes > before  # a runner that comes back counts on


def test_a_disk_that_is_full(cell: RunningCell) -> None:
    free = os.statvfs(cell.data)
    if free.f_blocks * free.f_frsize > 200e6:
        pytest.skip("mounting a small disk is not allowed here")
    ballast = cell.data / "ballast"
    room = free.f_bavail * free.f_frsize
    cell.tell_hardware()  # nothing of it is broken
    ballast.write_bytes(bytes(max(0, room - 9_000_000)))
    shown_s = cell.wait_for_fault("recorder", "DiskFull")
    before, parts = len(finished_files(cell.data)), part_files(cell.data)
    time.sleep(2.0)
    assert len(finished_files(cell.data)) <= before + len(parts)  # none begins
    assert cell.status.state != "resetting"
    ballast.unlink()
    row(cell, "disk", shown_s)


def test_what_people_say_of_episodes(cell: RunningCell) -> None:
    last = cell.say("relabel", "--success", "yes", "--who", "ada")
    assert last.returncode == 0 and last.stdout.endswith("is a success from now on\n"), last.stderr
    assert cell.say("pause").returncode == 0
    until(lambda: cell.status.state == CellStatus.PAUSED, "the pause", PATIENCE_S)
    before, files = cell.status.episodes, finished_files(cell.data)
    gone = cell.say("discard", "--why", "the table was pushed")
    assert gone.returncode == 0, gone.stderr
    name = gone.stdout.split()[0]
    until(lambda: cell.status.episodes == before - 1, "one that counts no more", PATIENCE_S)
    assert {path.stem for path in files} - {p.stem for p in finished_files(cell.data)} == {name}
    first = cell.send("runner", signal.SIGKILL)  # a pause outlives it, too
    until(lambda: cell.pid("runner") != first, "another runner", PATIENCE_S)
    until(lambda: cell.status.state == CellStatus.PAUSED, "the pause again", PATIENCE_S)
    assert cell.status.episodes == before - 1
    until(lambda: cell.say("resume").returncode == 0, "a runner that listens", PATIENCE_S)
    cell.wait_for_work()


def test_the_other_cell_has_gone_on_all_the_while(
    cell: RunningCell, other: list[CellStatus]
) -> None:
    counts = [status.episodes for status in other]
    assert counts == sorted(counts) and counts[-1] >= 3
    until(lambda: not other[-1].faults, "a cell beside it that is well", PATIENCE_S)


def test_in_the_end_every_episode_is_accounted_for(cell: RunningCell) -> None:
    assert cell.say("stop").returncode == 0
    assert cell.wait() == 0
    assert part_files(cell.data) == []
    finished = [path.stem for path in finished_files(cell.data)]
    aside = {path.name.partition(".")[0] for path in quarantined_files(cell.data)}
    assert len(set(finished)) == len(finished) and not aside & set(finished)
    assert cell.status.state == CellStatus.DONE
    assert cell.status.episodes == len(cell.ended(ordinary=True))
