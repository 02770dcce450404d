"""What an evaluation found, as data and as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mtopt_core
from mtopt_core.evaluation import Attempt, Chained, EvaluationConfig, Scores, agreement, reached
from mtopt_core.share import Share
from mtopt_core.tasks import TaskRegistry
from mtopt_sim.evaluating.journal import Result
from mtopt_sim.evaluating.trial import Trial

_DIGITS = 4


@dataclass(frozen=True)
class Report:
    """The results of one trial that are there; `wanted` is how many attempts were asked for."""

    trial: Trial
    config: EvaluationConfig
    tasks: TaskRegistry
    results: Sequence[Result]
    wanted: int

    @property
    def attempts(self) -> list[Attempt]:
        """Those at single tasks."""
        return [one for one in self.results if isinstance(one, Attempt)]

    @property
    def scores(self) -> Scores:
        """Shares by task."""
        return Scores.of(self.attempts, self.tasks, self.config.low_data)

    @property
    def chains(self) -> dict[int, Share]:
        """By length, how many chains got so far; empty without any."""
        found = [one for one in self.results if isinstance(one, Chained)]
        return reached(found, self.config.longest) if found else {}

    def as_dict(self) -> dict[str, Any]:
        """For JSON and for a bundle: plain values."""
        scores, subject, setting = self.scores, self.trial.subject, self.trial.setting
        shares, attempts = scores.shares, self.attempts
        told: dict[str, Any] = {
            "model": subject.model or subject.policy,
            "networks": subject.seal,
            "scene": setting.scene,
            "variation": setting.variation or "as the scene has it",
            "purpose": str(setting.purpose),
            "grader": "truth",
            "software": mtopt_core.__version__,
            "complete": len(self.results) == self.wanted,
            **{name: round(value, _DIGITS) for name, value in scores.figures.items()},
            "worst": round(shares[scores.worst].value, _DIGITS) if shares else None,
            "worst_task": scores.worst,
            "tasks": {name: round(share.value, _DIGITS) for name, share in shares.items()},
            "intervals": {
                name: [round(bound, _DIGITS) for bound in share.interval]
                for name, share in shares.items()
            },
            "tried": {name: share.tries for name, share in shares.items()},
            "steps": _mean_steps(attempts),
            "ends": dict(sorted(Counter(one.reason for one in attempts).items())),
        }
        graded = agreement(attempts)
        if graded:
            told["detector"] = graded
        if self.chains:
            told["chains"] = {str(n): share.as_dict() for n, share in self.chains.items()}
        return told


def _mean_steps(attempts: Sequence[Attempt]) -> dict[str, float]:
    by_task: dict[str, list[int]] = {}
    for one in attempts:
        by_task.setdefault(one.task, []).append(one.steps)
    return {task: round(sum(steps) / len(steps), 2) for task, steps in by_task.items()}


def table(told: Mapping[str, Any]) -> list[str]:
    """The data as lines for a terminal."""
    place = f"{told['model']} in scene {told['scene']}, graded by {told['grader']}"
    lines = [place + ("" if told["complete"] else "; not all attempts are made"), ""]
    for task, rate in told["tasks"].items():
        low, high = told["intervals"][task]
        lines.append(f"  {task:<24}{rate:6.2f}   {low:.2f} to {high:.2f} of {told['tried'][task]}")
    lines.append("")
    for name, words in FIGURE_WORDS.items():
        if name in told and told[name] is not None:
            task = f"   {told['worst_task']}" if name == "worst" else ""
            lines.append(f"  {words:<24}{told[name]:6.2f}{task}")
    for length, share in told.get("chains", {}).items():
        span = f"{share['low']:.2f} to {share['high']:.2f} of {share['tries']}"
        lines.append(f"  {f'{length} tasks in a row':<24}{share['share']:6.2f}   {span}")
    if "detector" in told:
        rates = told["detector"]
        wrong = [
            f"{name.replace('_', ' ')} {_spoken(rates[name])}"
            for name in ("false_positives", "false_negatives")
        ]
        lines.append(f"  graded by the detector  {_spoken(rates['success'])}   {', '.join(wrong)}")
    return lines


FIGURE_WORDS = {
    "min": "minimum",
    "q25": "25th percentile",
    "median": "median",
    "mean": "mean",
    "q75": "75th percentile",
    "max": "maximum",
    "low_data_mean": "mean of the low-data",
    "worst": "worst",
}


def _spoken(share: Mapping[str, Any]) -> str:
    return "none" if share["share"] is None else f"{share['share']:.2f}"
