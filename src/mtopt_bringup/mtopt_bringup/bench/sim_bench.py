"""Bench `sim`: `mtopt collect` on all cores, as a person runs it, and a well-known peer beside it.

The full iiwa, a policy image every step, three outcome images, the log written and read back.
The first episode of each worker is apart: it holds imports, the model, the first scene.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtopt_bringup.paths import Paths, workspace_root
from mtopt_core.config import from_mapping
from mtopt_data.yamlfile import read_yaml
from mtopt_sim.collecting.crew import Crew
from mtopt_sim.collecting.plan import MOST_EPISODES, Wanted, open_plan
from mtopt_sim.collecting.station import Done, Places
from mtopt_sim.config import SimConfig

from . import peer
from .report import Goal, Report

MEASURED_S = 30.0
PEER_S = 10.0
PEER_PYTHON = "MTOPT_BENCH_PYTHON"
_OUTCOME_IMAGES = 3
# 10 a second: the paper's fleet-day of 23,000 episodes in under 40 minutes.
_GOALS = {
    "episodes_per_s": Goal(at_least=10.0),
    "limit_share": Goal(at_least=0.7),
    "peer_ratio": Goal(at_least=5.0),
}


def measure() -> Report:
    """All rates are of this machine as it is; simulated seconds per second are of one process."""
    workers = len(os.sched_getaffinity(0))
    window = collect(workers, MEASURED_S)
    made = window.made
    busy_s = sum(done.wall_s for done in made)
    simulated_s = sum(done.simulated_s for done in made)
    ours, images = simulated_s / busy_s, sum(done.steps + _OUTCOME_IMAGES for done in made)
    figures: dict[str, float | None] = {
        "episodes_per_s": len(made) / window.seconds,
        "limit_share": sum(done.limit_s for done in made) / busy_s,
        "peer_ratio": None,
        "workers": workers,
        "steps_per_episode": sum(done.steps for done in made) / len(made),
        "simulated_s_per_episode": simulated_s / len(made),
        "simulated_s_per_s": ours,
        "peer_simulated_s_per_s": None,
        "images_per_simulated_s": images / simulated_s,
    }
    theirs, why = peer_rate(workers, images / simulated_s)
    if theirs is not None:
        figures |= {"peer_ratio": ours / theirs, "peer_simulated_s_per_s": theirs}
    rounded = {n: value if value is None else round(value, 3) for n, value in figures.items()}
    return Report("sim", rounded, _GOALS, notes={"peer_ratio": why} if why else {})


class _EnoughError(Exception):
    """The time to measure in is over."""


@dataclass
class Window:
    """What is counted: from each worker's first episode on, for some seconds."""

    workers: int
    limit_s: float
    made: list[Done] = field(default_factory=list)
    seconds: float = 0.0
    _before: int = 0
    _began_s: float = 0.0

    def tell(self, done: Done) -> None:
        """An episode is there; raises when the time is over."""
        now_s = time.monotonic()
        if self._before < self.workers:
            self._before, self._began_s = self._before + 1, now_s
            return
        if self.seconds >= self.limit_s:
            return
        self.made.append(done)
        self.seconds = now_s - self._began_s
        if self.seconds >= self.limit_s:
            raise _EnoughError


def collect(workers: int, limit_s: float) -> Window:
    """Collect into a folder that is thrown away."""
    window = Window(workers, limit_s)
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        places = Places(Paths.installed().config.parent, Path(folder))
        plan = open_plan(places.data, Wanted(MOST_EPISODES))
        with contextlib.suppress(_EnoughError):
            Crew(places, plan, workers, window.tell).run()
    return window


def peer_rate(workers: int, images_hz: float) -> tuple[float | None, str]:
    """Simulated seconds per second of the peer, on as many cores at once, or why there is none."""
    python = os.environ.get(PEER_PYTHON) or str(workspace_root() / ".venv-bench/bin/python")
    sim_file = Paths.installed().node_files["sim_file"]
    sim = from_mapping(SimConfig, read_yaml(sim_file), str(sim_file))
    words = [str(PEER_S), f"{images_hz:.4f}", str(sim.policy_height_px), str(sim.policy_width_px)]
    try:
        runs = [_start([python, peer.__file__, *words]) for _ in range(workers)]
        said = [run.communicate(timeout=300.0) for run in runs]
        rates = [json.loads(out.splitlines()[-1])["simulated_s_per_s"] for out, _ in said]
    except FileNotFoundError:
        return None, f"no {python}; {_how()}"
    except (subprocess.TimeoutExpired, ValueError, LookupError) as error:
        last = said[0][1].strip().splitlines()[-1:] if "said" in locals() else [repr(error)]
        return None, f"{python}: {' '.join(last)}; {_how()}"
    return statistics.mean(rates), ""


def _start(words: Sequence[str]) -> subprocess.Popen[str]:
    """Headless, one thread, and nothing of our own paths in its way."""
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    rendering = {"MUJOCO_GL": "egl", "MUJOCO_EGL_DEVICE_ID": "0", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        words,
        env=known | rendering,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _how() -> str:
    return (
        "the peer needs an interpreter of its own: python3 -m venv .venv-bench && "
        f".venv-bench/bin/pip install -r requirements/bench.lock, or name one in {PEER_PYTHON}"
    )
