"""Bench `fleet`: one to seven simulated cells on this machine, composed, with one policy server.

Every count of cells is started afresh, at real time (`speed:=1`), as `./mtopt up` starts it. Once
every cell collects it is watched for a while. Where the cores do not suffice the simulations fall
behind evenly: `rtf` says how far. Episodes a day are of wall time. What a count of cells did not
bring is a note with its reason: the other counts are measured all the same.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mtopt_bringup.errors import StartFailed
from mtopt_bringup.operating.running import Running, claimed, running
from mtopt_bringup.paths import Paths
from mtopt_bringup.plan.arguments import parse
from mtopt_bringup.plan.graph import COMPOSED
from mtopt_bringup.soak.gauges import Gauge, gauge
from mtopt_bringup.soak.recovery import Ledger
from mtopt_core.errors import MtoptError
from mtopt_ros.cell_view import CellView

from .report import Goal, Report

COUNTS = (1, 2, 3, 4, 5, 6, 7)
WINDOW_S = 60.0
_START_S, _START_OF_A_CELL_S = 60.0, 30.0  # a busy machine starts processes slowly
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
    late: Mapping[str, str] = field(default_factory=dict)  # cells that counted nothing, and why

    @property
    def a_day(self) -> float:
        """Episodes a day and cell."""
        return self.episodes / self.cells / self.wall_s * _DAY_S

    @property
    def rtf(self) -> float:
        """Simulated seconds per second, mean of the cells."""
        return self.simulated_s / self.cells / self.wall_s

    @property
    def used_s(self) -> float:
        """Seconds of a core that all processes took."""
        return sum(self.cores.values()) * self.wall_s


_A_DAY = "episodes_per_day_per_cell"
# What is told of a number of cells, by its name without that number.
_FIGURES: Mapping[str, Callable[[Seen], float | None]] = {
    _A_DAY: lambda seen: seen.a_day,
    "rtf": lambda seen: seen.rtf,
    "cpu_cores": lambda seen: sum(seen.cores.values()),
    "rss_mb": lambda seen: sum(seen.rss_mb.values()),
    "cpu_s_per_episode": lambda seen: seen.used_s / seen.episodes if seen.episodes else None,
    "core_s_per_simulated_s": lambda seen: (
        seen.used_s / seen.simulated_s if seen.simulated_s else None
    ),
    "decision_p50_ms": lambda seen: seen.latency_ms[0],
    "decision_p99_ms": lambda seen: seen.latency_ms[1],
}


def measure(cells: Iterable[int] = COUNTS, seconds: float = WINDOW_S) -> Report:
    """All counts; figures by kind of process are of the largest that ran."""
    figures: dict[str, float | None] = {}
    notes = {"rss_mb": "memory of each process's own; what they share is shared_memory_mb"}
    largest = None
    for count in sorted(set(cells)):
        try:
            seen = watch(count, seconds)
        except MtoptError as error:
            figures |= {f"{name}_{count}": None for name in _FIGURES} | {f"{_A_DAY}_{count}": 0.0}
            notes[f"cells_{count}"] = f"{type(error).__name__}: {error}"
            continue
        largest = seen
        figures |= {f"{name}_{count}": of(seen) for name, of in _FIGURES.items()}
        if seen.late:
            notes[f"cells_{count}"] = "; ".join(f"{c}: {why}" for c, why in seen.late.items())
    if largest is not None:
        figures |= _of_processes(largest)
    figures["load"] = os.getloadavg()[0]
    goals = {name: goal for name, goal in _GOALS.items() if name in figures}
    return Report("fleet", {n: _rounded(v) for n, v in figures.items()}, goals, notes=notes)


def _of_processes(seen: Seen) -> dict[str, float | None]:
    """Cores and memory by kind of process."""
    figures: dict[str, float | None] = {}
    for kind in _KINDS:
        figures[f"{kind}_cores_{seen.cells}"] = seen.cores[kind]
        figures[f"{kind}_mb_{seen.cells}"] = seen.rss_mb[kind]
    return figures | {f"shared_memory_mb_{seen.cells}": seen.shared_mb}


def watch(count: int, window_s: float) -> Seen:
    """Start so many cells, wait until they collect, watch them for a while, end them; raises
    MtoptError where they cannot be started, or none of them ever collects."""
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
        self._views: dict[str, CellView] = {}

    def over(self, window_s: float) -> Seen:
        """What happens within the window, which begins when every cell collects, or enough has
        been waited for those that do not; raises StartFailed where none does."""
        patience_s = _START_S + _START_OF_A_CELL_S * len(self._cells)
        deadline_s = time.monotonic() + patience_s
        while not all(ledger.begun_s for ledger in self._ledgers.values()):
            self._hear()
            if time.monotonic() > deadline_s:
                break
        if not any(ledger.begun_s for ledger in self._ledgers.values()):
            told = "; ".join(f"{cell}: {self._state(cell)}" for cell in self._cells)
            raise StartFailed(f"no cell collects after {patience_s:g} s: {told}")
        before, episodes, passed_s = self._gauges(), self._episodes, self._simulated_s
        counted = {cell: ledger.counted for cell, ledger in self._ledgers.items()}
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
            {
                cell: f"no episode in {wall_s:.0f} s: {self._state(cell)}"
                for cell, ledger in self._ledgers.items()
                if ledger.counted == counted[cell]
            },
        )

    def _state(self, cell: str) -> str:
        view = self._views.get(cell)
        return ", ".join([view.state, *view.faults]) if view else "nothing was heard of it"

    @property
    def _episodes(self) -> int:
        return sum(ledger.counted for ledger in self._ledgers.values())

    @property
    def _simulated_s(self) -> float:
        return sum(self._fleet.feed.simulated_s(cell) for cell in self._cells)

    def _hear(self) -> None:
        for view in self._fleet.feed.news():
            if view.cell in self._ledgers:
                self._views[view.cell] = view
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
