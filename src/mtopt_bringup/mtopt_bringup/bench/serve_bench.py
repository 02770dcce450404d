"""Bench `serve`: decisions a second of one policy server over ROS, for one to seven cells.

Every cell shows a camera's images at ten a second and asks again as soon as it is answered, on
the newest image that it knows to have arrived. What the wire adds is measured apart: one cell,
asking and deciding by itself in turn, on the same image, with the same model and engine. The
network is the paper's, its weights made up (`mtopt_learner.networks.stand_in`).
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtopt_bringup.paths import Paths
from mtopt_bringup.processes import transport
from mtopt_core.cell import CellFault, PolicyLate
from mtopt_core.observation import Image
from mtopt_core.policy import Policy
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_data import config_files
from mtopt_robot.models.bundle import Bundle, check_bundle
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.model_cli import expected as fleet_expects
from mtopt_robot.models.q_policy import QPolicy

from .policy_process import PolicyProcess
from .report import Goal, Report

if TYPE_CHECKING:  # it brings ROS, whose environment must be set first
    from mtopt_ros.asking_cells import Cells

CELLS = (1, 2, 4, 7)
SECONDS = 6.0
WIRE_TURNS = 80
STEPS = 10  # of an episode
TRIALS = 4  # scenes on which number formats are compared
_PAUSE_S = 0.03  # between decisions while the wire is measured
_TASK = "lift-any"
_GOALS = {
    "wire_p50_ms": Goal(at_most=3.0),
    "decisions_per_s_1": Goal(at_least=10.0),  # as fast as the camera delivers
}


def measure() -> Report:
    """Latencies in ms, from the question to its answer."""
    paths = Paths.installed()
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as name:
        folder = Path(name)
        registry = config_files.tasks(paths.tasks)
        version = _written(folder / "models", paths, registry)
        bundle = check_bundle(version, fleet_expects(paths.config), InferenceConfig())
        return _measured(folder, paths, bundle, registry[_TASK])


def _measured(folder: Path, paths: Paths, bundle: Bundle, task: Task) -> Report:
    with _environment(folder, paths) as plain:
        from mtopt_ros.asking_cells import SPACE, Cells

        cells = Cells(max(CELLS), _images())
        told = _parameters(folder, paths, bundle, cells.names)
        server = PolicyProcess(folder, SPACE, told, plain)
        try:
            cells.start(server.check)
            here = QPolicy(Decider(bundle))
            figures, late = _wire(cells, here, task)
            for count in CELLS:
                rates, missed = _rates(cells, count, task)
                figures |= rates
                late += missed
        finally:
            cells.close()
            server.end()
    figures |= {"late_or_refused": float(late), "load": os.getloadavg()[0]}
    notes = {"decisions_per_s_1": f"the paper's network, {bundle.runtime.describe()}"}
    rounded = {name: round(value, 3) for name, value in figures.items()}
    return Report("serve", rounded, _GOALS | {"late_or_refused": Goal(at_most=0.0)}, notes=notes)


def _wire(cells: Cells, here: Policy, task: Task) -> tuple[dict[str, float], int]:
    """One cell: what asking costs over deciding in this process, turn by turn."""
    cells.showing = 1
    there = cells.policies[cells.names[0]]
    took: dict[str, list[float]] = {"remote": [], "local": []}
    late = 0
    for turn in range(WIRE_TURNS):
        if turn % STEPS == 0:
            for policy in (there, here):
                policy.begin(task, turn)
        seen, _ = cells.seen()
        ways: list[tuple[str, Policy]] = [("remote", there), ("local", here)]
        for name, policy in ways if turn % 2 else reversed(ways):
            time.sleep(_PAUSE_S)
            began_s = time.perf_counter()
            try:
                policy(seen, task)
            except (CellFault, PolicyLate):
                late += 1
            took[name].append(1e3 * (time.perf_counter() - began_s))
    # The first decisions make room.
    p50 = {name: float(np.median(times[STEPS:])) for name, times in took.items()}
    figures = {f"{name}_p50_ms": value for name, value in p50.items()}
    return {"wire_p50_ms": p50["remote"] - p50["local"], **figures}, late


def _rates(cells: Cells, count: int, task: Task) -> tuple[dict[str, float], int]:
    """So many cells asking without a pause."""
    cells.showing = count
    time.sleep(0.5)
    end_s = time.monotonic() + SECONDS
    askers = [_Asker(cells, name, task, end_s) for name in cells.names[:count]]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    took = np.array([ms for asker in askers for ms in asker.took_ms])
    p50, p99 = np.percentile(took, (50, 99))
    figures = {
        f"decisions_per_s_{count}": len(took) / SECONDS,
        f"p50_ms_{count}": float(p50),
        f"p99_ms_{count}": float(p99),
    }
    return figures, sum(asker.late for asker in askers)


class _Asker(threading.Thread):
    """One cell's questions, one after the other."""

    def __init__(self, cells: Cells, name: str, task: Task, end_s: float) -> None:
        super().__init__(daemon=True)
        self._cells, self._policy, self._task, self._end_s = (
            cells, cells.policies[name], task, end_s,
        )  # fmt: skip
        self.took_ms: list[float] = []
        self.late = 0

    def run(self) -> None:
        asked = 0
        while time.monotonic() < self._end_s:
            if asked % STEPS == 0:
                self._policy.begin(self._task, asked)
            asked += 1
            seen, _ = self._cells.seen()
            began_s = time.perf_counter()
            try:
                self._policy(seen, self._task)
                self.took_ms.append(1e3 * (time.perf_counter() - began_s))
            except (CellFault, PolicyLate):
                self.late += 1


def _parameters(
    folder: Path, paths: Paths, bundle: Bundle, cells: tuple[str, ...]
) -> dict[str, object]:
    """The server's settings: the same engine as here, the network alone acting."""
    files = {
        name: str(path)
        for name, path in paths.node_files.items()
        if name in ("workspace_file", "actions_file", "tasks_file")
    }
    runtime = bundle.runtime
    return {
        **files,
        "models": str(folder / "models"),
        "cells": list(cells),
        "mix.scripted": 0.0,
        "mix.on_policy": 1.0,
        "inference.provider": runtime.provider,
        "inference.precision": runtime.precision,
        "watch_s": 0.0,
    }


@contextmanager
def _environment(folder: Path, paths: Paths) -> Iterator[dict[str, str]]:
    """This process sends images; what the server is started with."""
    before = dict(os.environ)
    profiles = transport.profiles(1, paths, folder, os.environ)
    plain = {**transport.defaults(os.environ), **profiles.environment(sends_images=False)}
    os.environ.update(transport.defaults(os.environ))
    os.environ.update(profiles.environment(sends_images=True))
    try:
        yield plain
    finally:
        os.environ.clear()
        os.environ.update(before)


def _images(count: int = 8) -> list[Image]:
    from mtopt_learner.networks.stand_in import scene

    rng = np.random.default_rng(5)
    return [scene(ImageFormat().camera_px, rng) for _ in range(count)]


def _written(store: Path, paths: Paths, registry: TaskRegistry) -> Path:
    """A bundle of the paper's network; its folder."""
    from mtopt_learner.networks.config import NetworkConfig
    from mtopt_learner.networks.stand_in import Scenes, stand_in

    from .paper_model import trials_of, write

    bounds = fleet_expects(paths.config).bounds
    if bounds is None:
        raise TypeError("a fleet has action bounds")
    scenes = Scenes(NetworkConfig(), len(registry), bounds)
    network = stand_in(NetworkConfig(), len(registry), bounds)
    return write(store, network, scenes, registry.names, trials_of(scenes, TRIALS))
