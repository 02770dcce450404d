"""From a fault to the cell's next good episode, as its own reports tell it. Pure; times in seconds
of wall time from the start of the soak."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mtopt_ros.cell_view import CellView

from .plan import Fault

_GOING = ("collecting", "resetting", "grading")


@dataclass
class Ledger:
    """What the cell said of its episodes: which began when, and how many it counted."""

    begun_s: dict[str, float] = field(default_factory=dict)
    counted: int = 0
    lives: int = 1  # of the runner
    _known: int = 0

    def hear(self, view: CellView, now_s: float) -> str:
        """Take note of a report; the episode that has been counted since the last one."""
        if view.episode_id:
            self.begun_s.setdefault(view.episode_id, now_s)
        if view.episodes < self._known:  # a runner that came back counts from zero again
            self.lives += 1
            self._known = 0
        grown, self._known = view.episodes - self._known, view.episodes
        self.counted += grown
        return view.episode_id if grown > 0 else ""


@dataclass
class Recovery:
    """One fault's course. None: not yet."""

    fault: Fault
    caused_s: float
    mended_s: float | None = None
    shown_s: float | None = None
    resumed_s: float | None = None
    counted_s: float | None = None
    shown: str = ""
    helped: int = 0  # times that a person had to resume it
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether an episode that began after it was mended has been counted."""
        return self.counted_s is not None

    def hear(self, view: CellView, counted: str, ledger: Ledger, now_s: float) -> None:
        """A report of the cell, and the episode that it counted with it, if any."""
        if self.shown_s is None and (view.faults or view.state not in _GOING):
            self.shown_s, self.shown = now_s, view.faults[0] if view.faults else view.state
        if not counted or self.mended_s is None or self.done:
            return
        began_s = ledger.begun_s[counted]
        if began_s > self.mended_s:
            self.resumed_s, self.counted_s = began_s, now_s

    def as_dict(self) -> dict[str, Any]:
        """For the report: times since the fault was caused, or mended."""
        mended_s = self.caused_s if self.mended_s is None else self.mended_s
        return {
            "number": self.fault.number,
            "kind": str(self.fault.kind),
            "target": self.fault.target,
            "lasts_s": self.fault.lasts_s,
            "at_s": round(self.caused_s, 2),
            "shown_after_s": _since(self.shown_s, self.caused_s),
            "shown": self.shown,
            "collecting_after_s": _since(self.resumed_s, mended_s),
            "counted_after_s": _since(self.counted_s, mended_s),
            "recovered": self.done,
            "helped": self.helped,
        } | ({"error": self.error} if self.error else {})


def _since(then_s: float | None, from_s: float) -> float | None:
    return None if then_s is None else round(then_s - from_s, 2)
