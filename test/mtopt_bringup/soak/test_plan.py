"""Which faults a soak draws, and how they are caused in processes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from mtopt_bringup.processes.supervision import RUNNING, State
from mtopt_bringup.soak.harm import cause
from mtopt_bringup.soak.plan import Fault, Kind, Plan

PROCESSES = ("cell1.arm", "cell1.recorder")


def drawn(seed: int, count: int) -> list[Fault]:
    plan = Plan(seed, 10.0, PROCESSES)
    return [plan.next() for _ in range(count)]


def test_a_seed_gives_the_same_faults_again() -> None:
    assert drawn(3, 60) == drawn(3, 60)
    assert drawn(3, 60) != drawn(4, 60)


def test_every_kind_comes_before_any_comes_again() -> None:
    first = [fault.kind for fault in drawn(1, len(Kind))]
    assert sorted(first) == sorted(Kind)
    assert set(fault.kind for fault in drawn(1, 400)) == set(Kind)


def test_faults_name_their_target_and_keep_their_distance() -> None:
    for fault in drawn(2, 300):
        assert 5.0 <= fault.after_s <= 15.0
        assert fault.lasts_s >= 0.0
        if fault.kind in (Kind.KILL, Kind.FREEZE):
            assert fault.target in PROCESSES
        elif fault.kind is Kind.CAMERA:
            assert fault.target in ("overhead", "left", "right")
        else:
            assert fault.target == ""


class Hand:
    """Remembers what it was asked to do."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def emergency_stop(self, cell: str) -> None:
        self.did.append(f"stop {cell}")

    def rearm(self, cell: str) -> None:
        self.did.append(f"rearm {cell}")

    def pause(self, cell: str) -> None:
        self.did.append(f"pause {cell}")

    def resume(self, cell: str) -> None:
        self.did.append(f"resume {cell}")

    def set_broken(self, cell: str, parts: str) -> None:
        self.did.append(f"broken {cell} {parts}".strip())


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    yield made
    made.kill()
    made.wait()


def fault(kind: Kind, target: str = "") -> Fault:
    return Fault(0, kind, target, 1.0, 1.0)


def states(pid: int) -> dict[str, State]:
    return {"cell1.recorder": State(RUNNING, 0, 0.0, 0.0, pid), "cell1.arm": State(0, 0, 0.0, 0.0)}


def letter(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


def becomes(pid: int, wanted: str) -> bool:
    end_s = time.monotonic() + 5.0
    while time.monotonic() < end_s:
        if letter(pid) in wanted:
            return True
        time.sleep(0.01)
    return False


def test_a_kill_and_a_freeze_reach_the_process(process: subprocess.Popen[bytes]) -> None:
    mend = cause(fault(Kind.FREEZE, "cell1.recorder"), "cell1", states(process.pid), Hand())
    assert becomes(process.pid, "T")
    mend()
    assert becomes(process.pid, "SR")
    cause(fault(Kind.KILL, "cell1.recorder"), "cell1", states(process.pid), Hand())
    assert process.wait(5.0) == -signal.SIGKILL


def test_a_process_that_is_gone_harms_nobody() -> None:
    cause(fault(Kind.KILL, "cell1.arm"), "cell1", states(os.getpid()), Hand())()


def test_a_full_disk_is_full_for_the_recorder_alone(process: subprocess.Popen[bytes]) -> None:
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    mend = cause(fault(Kind.DISK_FULL), "cell1", states(process.pid), Hand())
    assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[0] == 0
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
    mend()
    assert resource.prlimit(process.pid, resource.RLIMIT_FSIZE) == before


@pytest.mark.parametrize(
    ("kind", "target", "did"),
    [
        (Kind.EMERGENCY_STOP, "", ["stop cell1", "rearm cell1"]),
        (Kind.PAUSE, "", ["pause cell1", "resume cell1"]),
        (Kind.CAMERA, "left", ["broken cell1 camera_left", "broken cell1"]),
        (Kind.JOINT_STATES, "", ["broken cell1 joint_states", "broken cell1"]),
        (Kind.HINGES, "", ["broken cell1 hinges", "broken cell1", "resume cell1"]),
    ],
)
def test_what_a_person_would_do(kind: Kind, target: str, did: list[str]) -> None:
    hand = Hand()
    cause(fault(kind, target), "cell1", {}, hand)()
    assert hand.did == did
