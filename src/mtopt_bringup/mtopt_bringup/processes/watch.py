"""Judges a running fleet from its processes' states: going on, ended, or failing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from .programs import Program
from .supervision import EXITED, FATAL, State

_QUICK_S = 20.0  # a process that ends sooner than this after its start did not really run
_QUICK_ENDS = 4  # so many in a row, and it will not


class Verdict(StrEnum):
    """How the fleet fares."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"


class Watch:
    """Looks at the states again and again; remembers how often each process came back."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._enders = [program.name for program in programs if program.ends_fleet]
        self._started: dict[str, float] = {}
        self._quick: dict[str, int] = {}

    def look(self, states: Mapping[str, State]) -> tuple[Verdict, str]:
        """The verdict, and the process that failed if one did."""
        for name, state in states.items():
            if state.number == FATAL or self._keeps_ending(name, state):
                return Verdict.FAILED, name
        if self._enders and all(_finished(states.get(name)) for name in self._enders):
            return Verdict.ENDED, ""
        return Verdict.RUNNING, ""

    def restarts(self) -> dict[str, int]:
        """Processes that have ended soon after their start, and how often in a row."""
        return {name: count for name, count in self._quick.items() if count}

    def _keeps_ending(self, name: str, state: State) -> bool:
        before = self._started.get(name)
        if before is not None and state.started_s > before:
            quick = state.started_s - before < _QUICK_S
            self._quick[name] = self._quick.get(name, 0) + 1 if quick else 0
        self._started[name] = state.started_s
        return self._quick.get(name, 0) >= _QUICK_ENDS


def _finished(state: State | None) -> bool:
    return state is not None and state.number == EXITED and state.exit_code == 0
