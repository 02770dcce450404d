"""Bench `fleet`: one to seven simulated cells on this machine, composed, with one policy server.

Every count of cells is started afresh, at real time (`speed:=1`), as `./mtopt up` starts it. Once
every cell has counted an episode it is watched for a while. Where the cores do not suffice the
simulations fall behind evenly: `rtf` says how far. Episodes a day are of wall time.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mtopt_bringup.arguments import parse
from mtopt_bringup.errors import StartFailed
from mtopt_bringup.graph import COMPOSED
from mtopt_bringup.paths import Paths
from mtopt_bringup.running import Running, claimed, running
from mtopt_bringup.soak.gauges import Gauge, gauge
from mtopt_bringup.soak.recovery import Ledger

from .report import Goal, Report

COUNTS = (1, 2, 3, 4, 5, 6, 7)
WINDOW_S = 60.0
_START_S = 300.0
_TICK_S = 0.1
_DAY_S = 86_400.0
PAPER_A_DAY = 3300.0
_GOALS = {f"episodes_per_day_per_cell_{max(COUNTS)}": Goal(at_least=PAPER_A_DAY)}
_KINDS = ("mujoco", COMPOSED, "policy", "warden", "manager")


@dataclass(frozen=True)
class Seen:
    """A fleet over the window. Cores and memory by kind of process, over all cells."""

    cells: int
    wall_s: float
    episodes: int
    simulated_s: float
    cores: Mapping[str, float]
    rss_mb: Mapping[str, float]
    shared_mb: float
    latency_ms: tuple[float, float]

    @property
    def a_day(self) -> float:
        """Episodes a day and cell."""
        return self.episodes / self.cells / self.wall_s * _DAY_S

    @property
    def rtf(self) -> float:
        """Simulated seconds per second, mean of the cells."""
        return self.simulated_s / self.cells / self.wall_s


def measure(counts: Iterable[int] = COUNTS, window_s: float = WINDOW_S) -> Report:
    """All counts; figures by kind of process are of the largest."""
    figures: dict[str, float | None] = {}
    seen = None
    for count in counts:
        seen = watch(count, window_s)
        cores = sum(seen.cores.values())
        figures |= {
            f"episodes_per_day_per_cell_{count}": seen.a_day,
            f"rtf_{count}": seen.rtf,
            f"cpu_cores_{count}": cores,
            f"rss_mb_{count}": sum(seen.rss_mb.values()),
            f"core_s_per_simulated_s_{count}": cores * seen.wall_s / seen.simulated_s,
            f"decision_p50_ms_{count}": seen.latency_ms[0],
            f"decision_p99_ms_{count}": seen.latency_ms[1],
        }
    if seen is None:
        raise StartFailed("no number of cells to measure")
    for kind in _KINDS:
        figures[f"{kind}_cores_{seen.cells}"] = seen.cores[kind]
        figures[f"{kind}_mb_{seen.cells}"] = seen.rss_mb[kind]
    figures |= {f"shared_memory_mb_{seen.cells}": seen.shared_mb, "load": os.getloadavg()[0]}
    notes = {"rss_mb": "memory of each process's own; what they share is shared_memory_mb"}
    goals = {name: goal for name, goal in _GOALS.items() if name in figures}
    return Report("fleet", {n: _rounded(v) for n, v in figures.items()}, goals, notes=notes)


def watch(count: int, window_s: float) -> Seen:
    """Start so many cells, wait until each has counted an episode, watch them for a while, end
    them; raises MtoptError."""
    paths = Paths.installed()
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as name:
        folder = Path(name)
        fleet_file = folder / "fleet.yaml"
        cells = "".join(f"  - name: cell{number + 1}\n" for number in range(count))
        fleet_file.write_text(f"cells:\n{cells}", encoding="utf-8")
        arguments = parse(
            {
                "fleet": str(fleet_file),
                "composed": "true",
                "shared_policy": "true",
                "data": str(folder / "data"),
                "seed": "1",
            }
        )
        with (
            claimed(arguments, paths) as prepared,
            running(prepared, paths, folder, clocks=True) as fleet,
        ):
            return _Watcher(fleet).over(window_s)


class _Watcher:
    def __init__(self, fleet: Running) -> None:
        self._fleet = fleet
        self._cells = fleet.prepared.cells
        self._ledgers = {cell: Ledger() for cell in self._cells}

    def over(self, window_s: float) -> Seen:
        """What happens within the window, which begins when every cell collects."""
        deadline_s = time.monotonic() + _START_S
        while not all(ledger.counted for ledger in self._ledgers.values()):
            self._hear()
            if time.monotonic() > deadline_s:
                late = [cell for cell, ledger in self._ledgers.items() if not ledger.counted]
                raise StartFailed(f"no episode of {', '.join(late)} within {_START_S:g} s")
        before, episodes, passed_s = self._gauges(), self._episodes, self._simulated_s
        began_s = time.monotonic()
        while time.monotonic() - began_s < window_s:
            self._hear()
        wall_s = time.monotonic() - began_s
        after = self._gauges()
        return Seen(
            len(self._cells),
            wall_s,
            self._episodes - episodes,
            self._simulated_s - passed_s,
            _by_kind({n: (g.cpu_s - _cpu_s(before, n, g)) / wall_s for n, g in after.items()}),
            _by_kind({name: each.anon_mb for name, each in after.items()}),
            max((each.rss_mb - each.anon_mb for each in after.values()), default=0.0),
            self._latency_ms(),
        )

    @property
    def _episodes(self) -> int:
        return sum(ledger.counted for ledger in self._ledgers.values())

    @property
    def _simulated_s(self) -> float:
        return sum(self._fleet.feed.simulated_s(cell) for cell in self._cells)

    def _hear(self) -> None:
        for view in self._fleet.feed.news():
            if view.cell in self._ledgers:
                self._ledgers[view.cell].hear(view, time.monotonic())
        time.sleep(_TICK_S)

    def _gauges(self) -> dict[str, Gauge]:
        self._fleet.look()
        pids = {name: state.pid for name, state in self._fleet.states.items() if state.pid}
        pids["fleet.manager"] = self._fleet.supervisor.pid
        found = {name: gauge(pid) for name, pid in pids.items()}
        return {name: each for name, each in found.items() if each is not None}

    def _latency_ms(self) -> tuple[float, float]:
        """Median and 99th percentile of the policy server's last decisions."""
        told = self._fleet.feed.figures.get("fleet/policy", {})
        p50, p99 = (float(told.get(f"latency_{p}_ms", "nan")) for p in ("p50", "p99"))
        return p50, p99


def _cpu_s(before: Mapping[str, Gauge], name: str, now: Gauge) -> float:
    """What a process had used when the window began; one that came back had used nothing."""
    known = before.get(name)
    return known.cpu_s if known is not None and known.pid == now.pid else 0.0


def _by_kind(values: Mapping[str, float]) -> dict[str, float]:
    sums = dict.fromkeys(_KINDS, 0.0)
    for name, value in values.items():
        sums[name.rpartition(".")[2]] += value
    return sums


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else round(value, 3)
