"""The gate: a new version and the one that serves, at the same attempts, before it is promoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtopt_core.evaluation import Attempt, Scores
from mtopt_core.purpose import Purpose
from mtopt_learner.loop import beats
from mtopt_sim.evaluating.crew import evaluate
from mtopt_sim.evaluating.journal import Journal, Result
from mtopt_sim.evaluating.trial import Setting, Trial, cases

from ..bar import Bar
from ..evaluating.subject import greedy
from .cycle import Cycle


@dataclass(frozen=True)
class Verdict:
    """What a gate found: means over the tasks, None where nobody tried; shares by task."""

    version: str
    promoted: bool
    mean: float | None = None
    against: str = ""
    against_mean: float | None = None
    tasks: dict[str, float] | None = None

    def metrics(self) -> dict[str, float]:
        """For the log of the training."""
        told = {f"gate/{task}": share for task, share in (self.tasks or {}).items()}
        if self.mean is not None:
            told["gate/mean"] = self.mean
        return told | {"gate/promoted": float(self.promoted)}

    def __str__(self) -> str:
        if self.mean is None:
            return f"{self.version} is promoted untried"
        said = f"{self.version} succeeds at {self.mean:.3f}"
        if self.against_mean is not None:
            said += f", {self.against} at {self.against_mean:.3f}"
        return f"{said}: {'promoted' if self.promoted else 'not promoted'}"


class Gate:
    """Judges versions by attempts whose seeds neither training nor the evaluation has.

    Every gate has scenes of its own, the same for both versions: one that was lucky once has to
    be good again.
    """

    def __init__(self, cycle: Cycle, root: Path, bar: Bar, stopped: Callable[[], bool]) -> None:
        self._cycle, self._root, self._bar, self._stopped = cycle, root, bar, stopped

    def judge(self, new: str, old: str | None) -> Verdict | None:
        """Whether a new version takes the old one's place; None where it was stopped.

        Raises MtoptError for a version that cannot be tried.
        """
        loop = self._cycle.config.loop
        if not loop.gate_attempts:
            return Verdict(new, True)
        found: list[Scores] = []
        for version in (new, *((old,) if old else ())):
            scores = self._scores(version, series=new)
            if scores is None:
                return None
            found.append(scores)
        mine, theirs = found[0], found[1] if old else None
        return Verdict(
            new,
            beats(mine, theirs, loop.gate_margin),
            round(mine.figures["mean"], 4),
            old or "",
            round(theirs.figures["mean"], 4) if theirs else None,
            {task: round(share.value, 4) for task, share in mine.shares.items()},
        )

    def _scores(self, version: str, series: str) -> Scores | None:
        cycle, loop = self._cycle, self._cycle.config.loop
        subject = greedy(cycle.store / cycle.name / version)
        trial = Trial(subject, Setting(loop.gate_scene, purpose=Purpose.GATE, series=series))
        wanted = cases(cycle.tasks.tasks, loop.gate_attempts)
        with Journal(cycle.folder / "gate", trial) as journal:
            missing = [case for case in wanted if case not in journal.results]
            self._bar.begin(len(wanted) - len(missing), f"gate: {version}", len(wanted))

            def tell(result: Result) -> None:
                journal.add(result)
                self._bar.at(len(journal.results))

            workers = max(1, cycle.cells)
            evaluate(self._root, trial, missing, workers, tell, self._stopped)
            results = journal.of(wanted)
        if len(results) < len(wanted):
            return None
        return Scores.of([one for one in results if isinstance(one, Attempt)], cycle.tasks)
