"""Starting a fleet on this machine, with stand-ins for its nodes: how it begins and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.standin_nodes import Standins

pytestmark = pytest.mark.system
NODES = 9
GONE_S = 5.0


@pytest.fixture
def standins(tmp_path: Path) -> Iterator[Standins]:
    made = Standins(tmp_path)
    yield made
    for pid in made.survivors():  # of a test that failed
        os.kill(pid, signal.SIGKILL)


def finish(process: subprocess.Popen[str], seconds: float = 60.0) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def test_it_ends_by_itself_when_the_runner_has(standins: Standins) -> None:
    code, out, err = finish(standins.up("--episodes", "1", runner="end"))
    assert (code, err) == (0, "")
    assert "0 episode files" in out
    assert len(standins.pids()) == NODES
    assert standins.survivors() == []


def test_every_process_gets_its_name_parameters_and_profile(standins: Standins) -> None:
    finish(standins.up("--episodes", "1", runner="end"))
    words = (standins.notes / "arm.words").read_text()
    assert "-r __node:=arm -r __ns:=/cell1 --params-file" in words
    assert words.split()[words.split().index("--params-file") + 1].endswith("cell1.arm.yaml")
    assert "fastdds.xml" in (standins.notes / "arm.env").read_text()
    assert "fastdds_images.xml" in (standins.notes / "camera.env").read_text()
    logs = list(standins.folder.glob("run/*/logs/cell1.arm.log"))
    assert [log.read_text() for log in logs] == ["this is arm\n"]


def test_a_node_that_crashed_comes_back(standins: Standins) -> None:
    process = standins.up(arm="once")
    standins.wait_for(2, "arm")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, _ = finish(process)
    assert code == 130
    assert standins.survivors() == []


def test_a_node_that_will_not_run_ends_the_start_and_is_quoted(standins: Standins) -> None:
    code, out, _ = finish(standins.up(bin="fail"))
    assert code == 1
    assert "cell1.bin keeps ending" in out
    assert "the bin is out of order" in out
    assert standins.survivors() == []


@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.3, 3.0])
def test_ctrl_c_at_any_moment_leaves_nothing(standins: Standins, after_s: float) -> None:
    process = standins.up()
    time.sleep(after_s)
    os.killpg(process.pid, signal.SIGINT)
    began_s = time.monotonic()
    code, _, _ = finish(process)
    assert time.monotonic() - began_s < GONE_S
    assert code in (130, -signal.SIGINT)
    assert standins.survivors() == []


def test_ctrl_c_twice_is_as_orderly_as_once(standins: Standins) -> None:
    process = standins.up(mujoco="stubborn", warden="stubborn")
    standins.wait_for(NODES)
    began_s = time.monotonic()
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    code, _, _ = finish(process)
    assert time.monotonic() - began_s < GONE_S
    assert code == 130
    assert standins.survivors() == []


def test_sigterm_ends_it_likewise(standins: Standins) -> None:
    process = standins.up()
    standins.wait_for(NODES)
    process.terminate()
    assert finish(process)[0] == 128 + signal.SIGTERM
    assert standins.survivors() == []


def test_killing_the_command_leaves_nothing(standins: Standins) -> None:
    process = standins.up(arm="stubborn")
    standins.wait_for(NODES)
    process.kill()
    finish(process)
    assert standins.survivors(seconds=10.0) == []


def test_killing_the_process_manager_leaves_nothing(standins: Standins) -> None:
    process = standins.up()
    standins.wait_for(NODES)
    (pidfile,) = standins.folder.glob("run/*/supervisord.pid")
    os.kill(int(pidfile.read_text()), signal.SIGKILL)
    code, out, err = finish(process)
    assert (code, err) == (1, "")
    assert "the process manager has ended" in out
    assert standins.survivors(seconds=10.0) == []


def test_a_cell_that_runs_already_is_refused(standins: Standins) -> None:
    first = standins.up()
    standins.wait_for(NODES)
    code, _, err = finish(standins.up())
    assert code == 2
    assert "cells = 'cell1': runs already" in err
    first.send_signal(signal.SIGINT)
    assert finish(first)[0] == 130
    assert standins.survivors() == []


def test_bad_input_starts_nothing(standins: Standins) -> None:
    code, _, err = finish(standins.up("--tasks", "lift-moon"))
    assert code == 2
    assert len(err.splitlines()) == 1
    assert standins.pids() == []
    assert not (standins.folder / "d").exists()


def test_verbose_shows_the_logs(standins: Standins) -> None:
    code, out, _ = finish(standins.up("--verbose", "--episodes", "1", runner="end"))
    assert code == 0
    assert "cell1.arm  this is arm" in out
