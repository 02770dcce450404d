"""Seconds in which a cell is waited for: its own, not those of the machine that it runs on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

STANDS_S = 2.5  # wall time for which a cell's clock may stand still before the wall's counts
_CARRIED_S = 0.5  # a simulated clock comes in bursts: what one is ahead waits for the other
_PACE_OVER_S = 4.0
_SLOWEST = 0.05


class CellTime:
    """Goes as the cell's clock does, but never faster than the wall's, nor stands still with it.

    A simulation that a busy machine slows down is given as much of its own time as any cell; one
    that runs faster than real time leaves its nodes the time that messages need. Where the cell's
    clock has stood still for `STANDS_S` of wall time it counts as dead: all of that time is added
    at once, and from then on the wall's clock is followed.

    `cell_ns` is the cell's clock; without one this is the wall's. Safe in every thread.
    """

    def __init__(
        self,
        cell_ns: Callable[[], int] | None = None,
        wall_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cell_ns, self._wall_s = cell_ns, wall_s
        self._lock = threading.Lock()
        self._at_wall_s = self._moved_s = wall_s()
        self._at_cell_ns = cell_ns() if cell_ns is not None else 0
        self._now_s = self._wall_left_s = self._cell_left_s = self._stood_s = 0.0
        self._known: deque[tuple[float, float]] = deque([(self._at_wall_s, 0.0)])

    def now_s(self) -> float:
        """Seconds since some moment; never goes back."""
        with self._lock:
            self._go_on()
            return self._now_s

    @property
    def pace(self) -> float:
        """Seconds of this time that lately went by in a second of the wall's, 0.05 to 1."""
        with self._lock:
            (first_wall_s, first_s), (last_wall_s, last_s) = self._known[0], self._known[-1]
        passed_s = last_wall_s - first_wall_s
        return min(1.0, max(_SLOWEST, (last_s - first_s) / passed_s)) if passed_s > 0.0 else 1.0

    @property
    def standing_s(self) -> float:
        """Wall time for which the cell's clock has stood still; 0.0 while it is not dead."""
        with self._lock:
            self._go_on()
            standing_s = self._at_wall_s - self._moved_s
        return standing_s if standing_s > STANDS_S else 0.0

    def _go_on(self) -> None:
        wall_s = self._wall_s()
        passed_s, self._at_wall_s = wall_s - self._at_wall_s, wall_s
        if self._cell_ns is None:
            self._now_s, self._moved_s = self._now_s + passed_s, wall_s
            return
        cell_ns = self._cell_ns()
        moved_s, self._at_cell_ns = (cell_ns - self._at_cell_ns) * 1e-9, cell_ns
        if moved_s != 0.0:
            self._moved_s, self._stood_s = wall_s, 0.0
        else:
            self._stood_s += passed_s
        if wall_s - self._moved_s > STANDS_S:
            self._now_s, self._stood_s = self._now_s + self._stood_s, 0.0
            self._wall_left_s = self._cell_left_s = 0.0
        else:
            self._both(passed_s, max(moved_s, 0.0))  # a clock that was set back says nothing
        self._remember()

    def _both(self, wall_s: float, cell_s: float) -> None:
        """As much as both clocks have gone."""
        wall_s, cell_s = wall_s + self._wall_left_s, cell_s + self._cell_left_s
        step_s = min(wall_s, cell_s)
        self._now_s += step_s
        self._wall_left_s = min(wall_s - step_s, _CARRIED_S)
        self._cell_left_s = min(cell_s - step_s, _CARRIED_S)

    def _remember(self) -> None:
        self._known.append((self._at_wall_s, self._now_s))
        while len(self._known) > 2 and self._at_wall_s - self._known[1][0] > _PACE_OVER_S:
            self._known.popleft()


WALL = CellTime()
