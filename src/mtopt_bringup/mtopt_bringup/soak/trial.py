"""The soak itself: watches a running cell, breaks something, waits until it collects again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import IO

from mtopt_bringup.errors import ManagerLost
from mtopt_bringup.operating.running import Running
from mtopt_bringup.processes.watch import Verdict
from mtopt_core.errors import MtoptError

from .gauges import Sample, gauge, segments_mb, size_mb
from .harm import Hand, Mend, cause
from .plan import Fault, Plan
from .recovery import Ledger, Recovery

_TICK_S = 0.1
_LOOK_S = 1.0
_HELP_S = 5.0
SAMPLE_S = 10.0
PATIENCE_S = 180.0  # wall time for a counted episode after a fault was mended

Say = Callable[[str], None]


class Trial:
    """One cell's soak. Results are there at any moment."""

    def __init__(self, fleet: Running, cell: str, hand: Hand, plan: Plan) -> None:
        """The fleet's episodes lie in its folder."""
        self._fleet, self._cell, self._hand, self._plan = fleet, cell, hand, plan
        self._began_s = time.monotonic()
        self.ledger = Ledger()
        self.recoveries: list[Recovery] = []
        self.samples: list[Sample] = []
        self.failed = ""
        self._waiting: tuple[Fault, float] | None = None
        self._mend: Mend | None = None
        self._look_s = self._sample_s = self._helped_s = 0.0
        self._ended_s: float | None = None

    @property
    def now_s(self) -> float:
        """Wall time since the start, until the end."""
        return (self._ended_s or time.monotonic()) - self._began_s

    @property
    def simulated_s(self) -> float:
        """Simulated time that has passed."""
        return self._fleet.feed.simulated_s(self._cell)

    @property
    def rtf(self) -> float:
        """Simulated seconds per second, so far."""
        return self.simulated_s / self.now_s

    def run(self, seconds: float, stopped: Callable[[], bool], log: IO[str], say: Say) -> None:
        """Go on for so long, or until stopped, or until the fleet fails. The last fault is
        mended and waited for."""
        try:
            while not stopped() and not self.failed:
                over = self.now_s > seconds
                if over and not self._under_way:
                    return
                self._turn(over, log, say)
                time.sleep(_TICK_S)
        except ManagerLost as error:
            self.failed = str(error)
        finally:
            self._sample(log)
            self._ended_s = time.monotonic()

    @property
    def _under_way(self) -> bool:
        last = self.recoveries[-1] if self.recoveries else None
        return last is not None and not last.done and not last.error

    def _turn(self, over: bool, log: IO[str], say: Say) -> None:
        self._hear(say)
        now_s = self.now_s
        if now_s >= self._look_s:
            self._look_s = now_s + _LOOK_S
            verdict, process = self._fleet.look()
            if verdict is not Verdict.RUNNING:
                self.failed = f"the fleet has {verdict}: {process}"
        if now_s >= self._sample_s:
            self._sample_s = now_s + SAMPLE_S
            self._sample(log)
        if self._under_way:
            self._see_through(self.recoveries[-1], say)
        elif self.ledger.counted and not over:
            self._go_on(say)

    def _hear(self, say: Say) -> None:
        for view in self._fleet.feed.news():
            if view.cell != self._cell:
                continue
            self._fleet.story.heard(view)
            counted = self.ledger.hear(view, self.now_s)
            if self._under_way:
                current = self.recoveries[-1]
                if view.state == "parked" and current.mended_s is not None:
                    self._help(current, say)
                current.hear(view, counted, self.ledger, self.now_s)
                if current.done:
                    told = current.as_dict()
                    say(f"{current.fault}: collecting again after {told['collecting_after_s']} s")

    def _help(self, current: Recovery, say: Say) -> None:
        """A parked cell waits for a person: be one, a few seconds apart."""
        if self.now_s < self._helped_s + _HELP_S:
            return
        self._helped_s = self.now_s
        current.helped += 1
        try:
            self._hand.resume(self._cell)
        except MtoptError as error:
            say(f"resuming after {current.fault}: {error}")

    def _go_on(self, say: Say) -> None:
        """Wait for the next fault; cause it when its time has come."""
        if self._waiting is None:
            fault = self._plan.next()
            self._waiting = fault, self.now_s + fault.after_s
        fault, due_s = self._waiting
        if self.now_s < due_s:
            return
        self._waiting = None
        say(f"{self.now_s:8.0f} s  {self.ledger.counted} episodes  {fault} for {fault.lasts_s} s")
        recovery = Recovery(fault, self.now_s)
        self.recoveries.append(recovery)
        try:
            self._mend = cause(fault, self._cell, self._fleet.states, self._hand)
        except (MtoptError, OSError) as error:
            recovery.error = f"could not be caused: {error}"
            say(recovery.error)

    def _see_through(self, current: Recovery, say: Say) -> None:
        if current.mended_s is None:
            if self.now_s - current.caused_s < current.fault.lasts_s:
                return
            try:
                if self._mend is not None:
                    self._mend()
            except MtoptError as error:
                say(f"mending {current.fault}: {error}; trying again")
                if self.now_s - current.caused_s < PATIENCE_S:
                    return
            current.mended_s = self.now_s
        elif self.now_s - current.mended_s > PATIENCE_S:
            current.error = f"no counted episode within {PATIENCE_S:g} s"
            say(f"{current.fault}: {current.error}")

    def _sample(self, log: IO[str]) -> None:
        pids = {name: state.pid for name, state in self._fleet.states.items() if state.pid}
        pids["manager"] = self._fleet.supervisor.pid
        found = {name: gauge(pid) for name, pid in pids.items()}
        episodes_mb, other_mb = size_mb(self._fleet.folder, (".mcap", ".part", ".remains"))
        kept = {name: each for name, each in found.items() if each is not None}
        sample = Sample(round(self.now_s, 2), kept, episodes_mb, other_mb, segments_mb())
        self.samples.append(sample)
        log.write(json.dumps(asdict(sample)) + "\n")
        log.flush()
