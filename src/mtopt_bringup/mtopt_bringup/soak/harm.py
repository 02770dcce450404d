"""Causing a fault in real processes, and mending it. A kill is mended by whoever restarts it."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from mtopt_bringup.processes.supervision import State

from .plan import Fault, Kind

Mend = Callable[[], None]


class Hand(Protocol):
    """What a person does to a running cell; all raise MtoptError where nobody obeys."""

    def emergency_stop(self, cell: str) -> None: ...
    def rearm(self, cell: str) -> None: ...
    def pause(self, cell: str) -> None: ...
    def resume(self, cell: str) -> None: ...
    def set_broken(self, cell: str, parts: str) -> None: ...


def cause(fault: Fault, cell: str, states: Mapping[str, State], hand: Hand) -> Mend:
    """Make it happen; what ends it. Raises MtoptError if it cannot be."""
    pids = {name: state.pid for name, state in states.items() if state.pid}
    if fault.kind is Kind.KILL:
        return _signal(pids.get(fault.target, 0), signal.SIGKILL)
    if fault.kind is Kind.FREEZE:
        return _freeze(pids.get(fault.target, 0))
    if fault.kind is Kind.POWER_CUT:
        for pid in pids.values():
            _signal(pid, signal.SIGKILL)
        return _nothing
    if fault.kind is Kind.DISK_FULL:
        return _no_room(next(pid for name, pid in pids.items() if _writes(name)))
    if fault.kind is Kind.EMERGENCY_STOP:
        hand.emergency_stop(cell)
        return lambda: hand.rearm(cell)
    if fault.kind is Kind.PAUSE:
        hand.pause(cell)
        return lambda: hand.resume(cell)
    parts = f"camera_{fault.target}" if fault.kind is Kind.CAMERA else str(fault.kind)
    hand.set_broken(cell, parts)

    def mend() -> None:
        hand.set_broken(cell, "")
        if fault.kind is Kind.HINGES:
            hand.resume(cell)  # whoever has freed a hinge says so

    return mend


def _nothing() -> None:
    """Nothing is left to mend."""


def _signal(pid: int, number: int) -> Mend:
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return _nothing


def _freeze(pid: int) -> Mend:
    _signal(pid, signal.SIGSTOP)

    def mend() -> None:
        _signal(pid, signal.SIGCONT)

    return mend


def _no_room(pid: int) -> Mend:
    """No file of the process can grow: to it the disk is full, and to nobody else."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))

    def mend() -> None:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    return mend


def _writes(process: str) -> bool:
    return process.endswith((".recorder", ".composed"))
