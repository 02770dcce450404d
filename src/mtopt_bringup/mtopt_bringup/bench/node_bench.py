"""Bench `node`: the mujoco node alone on one core, three cameras of 512x640 at 10 Hz.

The arm moves and a bin shakes its objects all the time. Another core listens. At speed 1 the node
may not fall behind the wall clock; at the highest speed it shows what one core gives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mtopt_bringup.paths import Paths
from mtopt_bringup.processes.programs import executable
from mtopt_bringup.processes.transport import defaults, profiles
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml
from mtopt_sim.lens import CAMERAS

from .report import Goal, Report

MEASURED_S = 10.0
START_S = 120.0  # of wall time until the first images
CAMERA_HZ = 10.0
HEIGHT_PX, WIDTH_PX = 512, 640
MOST_SPEED = 100.0
_NAMESPACE = "/bench"
_WARM_UP_S = 2.0
_END_S = 10.0
_TICKS_S = os.sysconf("SC_CLK_TCK")
# At speed 1 the node waits for the wall clock, so 1 is also the most that it can show.
_GOALS = {
    "rtf": Goal(at_least=0.99),
    "rtf_at_most_speed": Goal(at_least=1.0),
    "clock_steps_back": Goal(at_most=0),
}


@dataclass(frozen=True)
class Pace:
    """What was measured at one speed."""

    wall_s: float
    simulated_s: float
    core_s: float  # of processor time
    published: int
    received: int
    steps_back: int

    @property
    def rtf(self) -> float:
        """Simulated seconds per second."""
        return self.simulated_s / self.wall_s


def measure() -> Report:
    """Each speed in a node of its own; the figures are of this machine as it is."""
    real, most = (pace(speed) for speed in (1.0, MOST_SPEED))
    figures = {
        "rtf": real.rtf,
        "rtf_at_most_speed": most.rtf,
        "clock_steps_back": real.steps_back + most.steps_back,
        "core_s_per_simulated_s": most.core_s / most.simulated_s,
        "images_published": real.published,
        "images_received": real.received,
        "images_published_at_most_speed": most.published,
        "images_received_at_most_speed": most.received,
    }
    return Report("node", {name: round(value, 4) for name, value in figures.items()}, _GOALS)


def pace(speed: float, height_px: int = HEIGHT_PX, width_px: int = WIDTH_PX) -> Pace:
    """Start a node at a speed and listen to it; raises MtoptError."""
    from mtopt_ros.hardware_probe import HardwareProbe

    workspace_file = Paths.installed().node_files["workspace_file"]
    workspace = config_files.workspace(workspace_file)
    cores = os.sched_getaffinity(0)
    others = cores - {min(cores)} or cores
    with (
        tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder,
        _node(Path(folder), speed, height_px, width_px, min(cores)) as node,
    ):
        os.sched_setaffinity(0, others)
        probe = HardwareProbe(_NAMESPACE, workspace.home_q_rad)
        try:
            probe.wait(START_S)
            probe.listen(_WARM_UP_S)
            before_s = _cpu_s(node.pid)
            heard = probe.listen(MEASURED_S)
            used_s = _cpu_s(node.pid) - before_s
        finally:
            probe.close()
            os.sched_setaffinity(0, cores)
    return Pace(
        heard.wall_s,
        heard.simulated_s,
        used_s,
        heard.published(CAMERA_HZ),
        heard.received,
        heard.steps_back,
    )


@contextmanager
def _node(
    folder: Path, speed: float, height_px: int, width_px: int, core: int
) -> Iterator[subprocess.Popen[bytes]]:
    """The node's process, on one core."""
    words = [str(executable("mtopt_ros", "mujoco")), "--ros-args", "-r", f"__ns:={_NAMESPACE}"]
    words += ["--params-file", str(_parameters(folder, speed, height_px, width_px))]
    environment = {**os.environ, **defaults(os.environ)}
    environment |= profiles(1, Paths.installed(), folder, os.environ).environment(True)
    process = subprocess.Popen(words, env=environment)
    os.sched_setaffinity(process.pid, {core})  # before it has a second thread
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _parameters(folder: Path, speed: float, height_px: int, width_px: int) -> Path:
    """A parameter file for the node, with all three cameras of one size."""
    files = Paths.installed().node_files
    lenses: dict[str, Any] = dict(read_yaml(files["lenses_file"]))
    size = {"height_px": height_px, "width_px": width_px}
    lenses |= {camera: {**lenses[camera], **size} for camera in CAMERAS}
    (folder / "cameras.yaml").write_text(yaml.safe_dump(lenses), encoding="utf-8")
    names = ("workspace_file", "description_file", "sim_file")
    values: dict[str, Any] = {name: str(files[name]) for name in names}
    values |= {"lenses_file": str(folder / "cameras.yaml"), "seed": 1}
    values |= {"speed": speed, "camera_rate_hz": CAMERA_HZ}
    path = folder / "mujoco.yaml"
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": values}}), encoding="utf-8")
    return path


def _cpu_s(pid: int) -> float:
    """Processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S
