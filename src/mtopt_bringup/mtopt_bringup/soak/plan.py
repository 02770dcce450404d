"""Which fault comes when: drawn from a seed, so that a soak can be had again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mtopt_sim.lens import CAMERAS


class Kind(StrEnum):
    """What can be done to a cell."""

    KILL = "kill"
    FREEZE = "freeze"
    POWER_CUT = "power_cut"
    CAMERA = "camera"
    JOINT_STATES = "joint_states"
    JOINT_OFFSET = "joint_offset"
    HINGES = "hinges"
    DISK_FULL = "disk_full"
    EMERGENCY_STOP = "emergency_stop"
    PAUSE = "pause"


# How often each is drawn, and how long it lasts, in seconds of wall time.
_SHARES: dict[Kind, float] = {
    Kind.KILL: 6, Kind.FREEZE: 3, Kind.POWER_CUT: 1, Kind.CAMERA: 2, Kind.JOINT_STATES: 1,
    Kind.JOINT_OFFSET: 1, Kind.HINGES: 2, Kind.DISK_FULL: 2, Kind.EMERGENCY_STOP: 1, Kind.PAUSE: 1,
}  # fmt: skip
_LASTS_S: dict[Kind, tuple[float, float]] = {
    Kind.KILL: (0.0, 0.0), Kind.FREEZE: (1.0, 15.0), Kind.POWER_CUT: (0.0, 0.0),
    Kind.CAMERA: (2.0, 10.0), Kind.JOINT_STATES: (0.5, 8.0), Kind.JOINT_OFFSET: (3.0, 8.0),
    Kind.HINGES: (10.0, 40.0), Kind.DISK_FULL: (5.0, 20.0), Kind.EMERGENCY_STOP: (2.0, 10.0),
    Kind.PAUSE: (2.0, 10.0),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One of them: to whom (a process, a part of the cell), how long, and the wait before it."""

    number: int
    kind: Kind
    target: str
    lasts_s: float
    after_s: float

    def __str__(self) -> str:
        return f"{self.kind} {self.target}".strip()


class Plan:
    """An endless row of faults. Every kind comes once before the first one comes again, then by
    their shares."""

    def __init__(self, seed: int, every_s: float, processes: Sequence[str]) -> None:
        """`every_s`: mean wall time from the end of one fault to the next."""
        self._rng = np.random.default_rng(seed)
        self._every_s, self._processes = every_s, tuple(processes)
        self._first = [Kind(str(kind)) for kind in self._rng.permutation([str(k) for k in Kind])]
        self._number = 0

    def next(self) -> Fault:
        """The next one."""
        rng = self._rng
        kind = self._first.pop() if self._first else self._drawn()
        low_s, high_s = _LASTS_S[kind]
        after_s = self._every_s * float(rng.uniform(0.5, 1.5))
        fault = Fault(
            self._number, kind, self._target(kind), round(float(rng.uniform(low_s, high_s)), 2),
            round(after_s, 2),
        )  # fmt: skip
        self._number += 1
        return fault

    def _drawn(self) -> Kind:
        kinds = list(_SHARES)
        weights = np.array([_SHARES[kind] for kind in kinds])
        return kinds[int(self._rng.choice(len(kinds), p=weights / weights.sum()))]

    def _target(self, kind: Kind) -> str:
        if kind in (Kind.KILL, Kind.FREEZE):
            return str(self._rng.choice(self._processes))
        if kind is Kind.CAMERA:
            return str(self._rng.choice(CAMERAS))
        return ""
