"""How much of the time goes into what no program could leave out: physics steps and rendering."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..cell import SimCell

P = ParamSpec("P")
T = TypeVar("T")


class LimitClock:
    """Seconds spent in `mj_step` and in rendering, and seconds simulated, since it was made."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.steps = 0
        self._step_s = 0.0

    @classmethod
    def on(cls, cell: SimCell) -> LimitClock:
        """A clock on a cell's physics and cameras."""
        clock = cls()
        clock._step_s = cell.workcell.config.timestep_s
        cell.workcell.step = clock._counted(cell.workcell.step)
        cell.cameras.draw = clock._timed(cell.cameras.draw)
        return clock

    @property
    def simulated_s(self) -> float:
        """Simulated time, whatever the cell's own clock was set to meanwhile."""
        return self.steps * self._step_s

    def _timed(self, job: Callable[P, T]) -> Callable[P, T]:
        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.perf_counter()
            try:
                return job(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return timed

    def _counted(self, step: Callable[[int], None]) -> Callable[[int], None]:
        timed = self._timed(step)

        def counted(count: int) -> None:
            timed(count)
            self.steps += count

        return counted
