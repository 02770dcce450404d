"""Bench `record`: the recorder's own process under rising loads, up to where it loses messages.

The load is three 512x640 cameras at 30 Hz and joint states at 100 Hz, as JPEG and raw, from a
process that publishes real messages; a load is so many times that. Each trial is an episode:
what was published is compared with what is in the file and with what the file says was lost.
Where rosbag2 is installed it takes the same load.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mtopt_bringup.errors import StartFailed
from mtopt_bringup.paths import Paths
from mtopt_bringup.processes import transport

from .report import Goal, Report

SECONDS = 10.0
LOADS = {"jpeg": (1.0, 2.0, 4.0, 8.0, 16.0, 32.0), "raw": (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)}
_OFFERED = 0.9  # of what was asked: with less, it is the load's process that is at its limit
_PATIENCE_S = 300.0
_GOALS = {
    "target_drops": Goal(at_most=0),
    "unreported_drops": Goal(at_most=0),
    "target_cores": Goal(at_most=0.2),
}

Trial = dict[str, Any]


def measure() -> Report:
    """MB are 10^6 bytes of messages; CPU seconds are of the recorder's process, its reading back
    of the file included."""
    jpeg, raw = rise("jpeg"), rise("raw")
    target, raw_target = jpeg[0], _at_target("raw", raw)
    every = [*jpeg, *raw, *([] if raw_target in raw else [raw_target])]
    peer, why = peer_trial()
    figures: dict[str, float | None] = {
        "target_drops": target["drops"],
        "offered_mb_s": target["offered_mb_s"],
        "written_mb_s": target["written_mb_s"],
        "cpu_s_per_gb": _cpu_s_per_gb(target),
        "target_cores": target["recording_cpu_s"] / SECONDS,
        "peak_memory_mb": max(trial["rss_mb"] for trial in jpeg),
        "break_mb_s": _most_without_loss(jpeg),
        "raw_target_drops": raw_target["drops"],
        "raw_offered_mb_s": raw_target["offered_mb_s"],
        "raw_cpu_s_per_gb": _cpu_s_per_gb(raw_target),
        "raw_break_mb_s": _most_without_loss(raw),
        "raw_peak_memory_mb": max(trial["rss_mb"] for trial in raw),
        "unreported_drops": sum(trial["drops"] - trial["reported_drops"] for trial in every),
        "peer_cpu_ratio": _cpu_s_per_gb(target) / _cpu_s_per_gb(peer) if peer else None,
    }
    rounded = {n: value if value is None else round(value, 3) for n, value in figures.items()}
    notes = {"peer_cpu_ratio": why} if why else {}
    notes |= {f"{name}_loads": _told(trials) for name, trials in (("jpeg", jpeg), ("raw", raw))}
    return Report("record", rounded, _GOALS, notes=notes)


def rise(images: str) -> list[Trial]:
    """Trials at rising loads, until one loses messages or cannot be offered."""
    trials: list[Trial] = []
    for scale in LOADS[images]:
        trials.append(run_trial(images, scale))
        if trials[-1]["drops"] or not _is_offered(trials[-1]):
            break
    return trials


def run_trial(images: str, scale: float, *words: str) -> Trial:
    """One load into one recorder; raises StartFailed with the last words of one that failed."""
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder:
        profiles = transport.profiles(1, Paths.installed(), Path(folder), os.environ)
        done = subprocess.run(
            [
                sys.executable, "-m", "mtopt_ros.record_trial", "--images", images,
                "--scale", str(scale), "--seconds", str(SECONDS), *words,
            ],
            env={**os.environ, **transport.defaults(os.environ), **profiles.environment(True)},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )  # fmt: skip
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no word"]
        raise StartFailed(f"record_trial: exit code {done.returncode}: {last[0]}")
    found: Trial = json.loads(done.stdout.splitlines()[-1])
    return {"scale": scale, **found}


def peer_trial() -> tuple[Trial | None, str]:
    """The same load into `ros2 bag record -s mcap`, or why there is none."""
    try:
        here = subprocess.run(["ros2", "bag", "record", "--help"], capture_output=True, check=False)
    except OSError:
        return None, "rosbag2 is not installed: there is no ros2"
    if here.returncode != 0:
        return None, "rosbag2 is not installed: ros2 has no bag"
    return run_trial("jpeg", 1.0, "--peer"), ""


def _at_target(images: str, trials: list[Trial]) -> Trial:
    """The trial at the usual rates, whether or not a lower load broke it before."""
    found = [trial for trial in trials if trial["scale"] == 1.0]
    return found[0] if found else run_trial(images, 1.0)


def _most_without_loss(trials: list[Trial]) -> float | None:
    whole = [trial["written_mb_s"] for trial in trials if not trial["drops"]]
    return max(whole) if whole else None


def _is_offered(trial: Trial) -> bool:
    return bool(trial["offered_mb_s"] >= _OFFERED * trial["asked_mb_s"])


def _cpu_s_per_gb(trial: Trial) -> float:
    return float(trial["cpu_s"] / (trial["written_mb"] / 1e3))


def _told(trials: list[Trial]) -> str:
    return "; ".join(
        f"{trial['scale']:g} x: offered {trial['offered_mb_s']:.1f} MB/s, written "
        f"{trial['written_mb_s']:.1f}, {trial['drops']} lost ({trial['reported_drops']} reported), "
        f"{_cpu_s_per_gb(trial):.1f} CPU s/GB"
        for trial in trials
    )
