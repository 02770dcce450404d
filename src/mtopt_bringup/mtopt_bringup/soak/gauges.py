"""What a fleet's processes and folders hold at a moment, from /proc and the file system."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mtopt_bringup.processes.transport import MEMORY

_TICKS_S = os.sysconf("SC_CLK_TCK")
MB = 1e6


@dataclass(frozen=True)
class Gauge:
    """One process: `anon_mb` is memory of its own, `rss_mb` what it shares besides."""

    pid: int
    cpu_s: float
    rss_mb: float
    anon_mb: float
    descriptors: int
    threads: int


@dataclass(frozen=True)
class Sample:
    """One moment, `at_s` from the start: processes by name, and sizes of folders in MB."""

    at_s: float
    processes: Mapping[str, Gauge]
    episodes_mb: float = 0.0
    other_mb: float = 0.0
    shared_mb: float = 0.0


def gauge(pid: int) -> Gauge | None:
    """A process as it is now; None if it is gone."""
    folder = Path("/proc") / str(pid)
    try:
        stat = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        status = dict(_lines(folder / "status"))
        descriptors = len(os.listdir(folder / "fd"))
    except OSError:
        return None
    if "RssAnon" not in status:
        return None  # it has ended and waits to be collected
    return Gauge(
        pid,
        (int(stat[11]) + int(stat[12])) / _TICKS_S,
        _kb(status["VmRSS"]) / 1e3,
        _kb(status["RssAnon"]) / 1e3,
        descriptors,
        int(status["Threads"]),
    )


def size_mb(folder: Path, suffixes: tuple[str, ...]) -> tuple[float, float]:
    """MB in a folder: of files that end so, and of all others."""
    sizes = [0, 0]
    for path, _, names in os.walk(folder):
        for name in names:
            sizes[not name.endswith(suffixes)] += _size(Path(path, name))
    return sizes[0] / MB, sizes[1] / MB


def segments_mb(folder: Path = MEMORY) -> float:
    """Shared memory that this user's DDS segments take, MB."""
    return sum(_taken(path) for path in folder.glob("fastrtps_*")) / MB


def total(gauges: Iterable[Gauge]) -> dict[str, float]:
    """Sums over processes."""
    kept = list(gauges)
    names = ("cpu_s", "rss_mb", "anon_mb", "descriptors", "threads")
    return {name: float(sum(getattr(each, name) for each in kept)) for name in names}


def _lines(path: Path) -> list[tuple[str, str]]:
    rows = (line.partition(":") for line in path.read_text(errors="replace").splitlines())
    return [(name, value.strip()) for name, _, value in rows]


def _kb(value: str) -> float:
    return float(value.split(maxsplit=1)[0]) * 1.024


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _taken(path: Path) -> int:
    try:
        known = path.stat()
    except OSError:
        return 0
    return known.st_blocks * 512 if known.st_uid == os.getuid() else 0
