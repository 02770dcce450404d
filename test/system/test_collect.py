"""`mtopt collect` as real processes that are killed: no episode is lost, none is made twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mtopt_data.naming import finished_files, part_files
from mtopt_data.reader import EpisodeReader, read_metadata
from mtopt_data.verification import verify_folder

pytestmark = pytest.mark.system

EPISODES = 8


def collect(data: Path, *more: str) -> subprocess.Popen[str]:
    words = ["collect", "--episodes", str(EPISODES), "--workers", "2", "--data", str(data), *more]
    return subprocess.Popen(
        [sys.executable, "-m", "mtopt_bringup.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )


def workers_of(parent: int) -> list[int]:
    """The processes that do the work: spawn's own tracker is none of them."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until_s = time.monotonic() + 120.0
    while not condition() and process.poll() is None:
        assert time.monotonic() < until_s
        time.sleep(0.02)


def there(data: Path) -> int:
    return len(finished_files(data)) if data.is_dir() else 0


def test_killed_at_any_moment_it_ends_with_exactly_the_episodes_asked_for(tmp_path: Path) -> None:
    dice = random.Random(3)
    for killed, whom in enumerate(("parent", "worker")):
        run = collect(tmp_path)
        wait_for(lambda least=3 * killed + 1: there(tmp_path) >= least, run)  # type: ignore[misc]
        time.sleep(dice.uniform(0.0, 0.5))
        assert run.poll() is None, run.communicate()
        if whom == "parent":
            run.kill()
        else:
            os.kill(dice.choice(workers_of(run.pid)), signal.SIGKILL)
            # It goes on by itself: another worker takes over, then the parent is killed too.
            seen = there(tmp_path)
            wait_for(lambda least=seen + 2: there(tmp_path) >= least, run)  # type: ignore[misc]
            assert run.poll() is None or there(tmp_path) == EPISODES
            run.kill()
        run.communicate()
    last = collect(tmp_path, "--json")
    out, err = last.communicate(timeout=300)
    assert last.returncode == 0, err
    assert json.loads(out)["episodes"] == EPISODES

    files = finished_files(tmp_path)
    found = verify_folder(tmp_path)
    assert len(files) == EPISODES and found.ok and not found.duplicates
    assert not part_files(tmp_path)
    seeds = [read_metadata(path).seed for path in files]
    assert len(set(seeds)) == EPISODES
    for path in files[:2]:
        with EpisodeReader(path) as reader:
            assert sum(1 for _ in reader.decoded()) > 10

    again, _ = collect(tmp_path, "--json").communicate(timeout=120)
    assert json.loads(again)["new"] == 0 and there(tmp_path) == EPISODES


def test_ctrl_c_ends_clean_and_the_same_command_goes_on(tmp_path: Path) -> None:
    many = ("--episodes", str(100 * EPISODES))  # enough that Ctrl-C finds it at work
    run = collect(tmp_path, *many)
    wait_for(lambda: there(tmp_path) >= 1, run)
    second = collect(tmp_path)  # which finds the first at work
    _, told = second.communicate(timeout=60)
    assert second.returncode == 1 and "another collect works here" in told
    workers = workers_of(run.pid)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does it: everybody hears of it
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130 and "Traceback" not in err and "goes on" in err
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    found = verify_folder(tmp_path)
    assert found.ok and not found.leftovers and not found.quarantined
    before = there(tmp_path)
    again = collect(tmp_path, *many)
    wait_for(lambda: there(tmp_path) > before, again)
    os.killpg(again.pid, signal.SIGINT)
    again.communicate(timeout=60)
    assert verify_folder(tmp_path).ok
