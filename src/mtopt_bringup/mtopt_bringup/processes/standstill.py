"""Cells and nodes that say nothing any more, although their processes are there.

The wardens tell which nodes are silent; a warden that is silent itself shows by its cell's
silence. A process that stands still for too long is ended, so that the process manager starts it
anew: nothing else would ever bring it back. One that is only coming up is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mtopt_ros.cell_view import CellView
from mtopt_ros.watching import NOT_UP

from .programs import Program
from .supervision import RUNNING, State

SILENT_S = 3.0  # a warden speaks once a second
GIVEN_UP_S = 15.0  # silence after which a process is ended
_SETTLED_S = 20.0  # no process is ended so soon after its start
_LOST = "node_lost"
_WARDEN = f"warden: {_LOST}: nothing is heard of the cell"


@dataclass
class Standstill:
    """Times by a steady clock; `States` have their own, the wall's."""

    programs: Iterable[Program]
    _heard_s: dict[str, float] = field(default_factory=dict)
    _views: dict[str, CellView] = field(default_factory=dict)
    _lost_s: dict[str, float] = field(default_factory=dict)

    def heard(self, view: CellView, now_s: float) -> None:
        """A cell has spoken."""
        self._heard_s[view.cell], self._views[view.cell] = now_s, view
        self._note(view, now_s)

    def silent(self, now_s: float) -> list[CellView]:
        """What can be said of the cells that have fallen silent."""
        found = []
        for cell, view in self._views.items():
            if now_s - self._heard_s[cell] > SILENT_S and view.state != "done":
                found.append(replace(view, state="faulted", faults=(_WARDEN,)))
                self._note(found[-1], now_s)
        return found

    def to_end(self, states: Mapping[str, State], now_s: float, wall_s: float) -> list[str]:
        """Programs that run, and have stood still for too long; each is named once."""
        found = []
        for name, since_s in list(self._lost_s.items()):
            state = states.get(name)
            if state is None or state.number != RUNNING or wall_s - state.started_s < _SETTLED_S:
                self._lost_s[name] = now_s  # it is gone, or has only just come back
            elif now_s - since_s > GIVEN_UP_S:
                found.append(name)
                del self._lost_s[name]
        return found

    def _note(self, view: CellView, now_s: float) -> None:
        lost = {self._program(view.cell, fault) for fault in view.faults if f": {_LOST}: " in fault}
        ours = {name for name in self._lost_s if name.startswith(f"{view.cell}.")}
        for name in ours - lost:
            del self._lost_s[name]
        for name in lost - {""}:
            self._lost_s.setdefault(name, now_s)

    def _program(self, cell: str, fault: str) -> str:
        """The program that a silent node lives in; empty for what the runner says of others."""
        node, _, rest = fault.partition(": ")
        silent = rest.startswith(f"{_LOST}: silent") and not rest.endswith(NOT_UP)
        if not silent and fault != _WARDEN:
            return ""
        place, _, name = node.rpartition("/")
        names = {program.name for program in self.programs}
        known = (f"{place or cell}.{name}", f"{cell}.composed")
        return next((each for each in known if each in names), "")
