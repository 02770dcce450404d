"""The soak's report: one JSON object, and the same for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from mtopt_bringup.bench.report import this_machine

from .accounts import Accounts
from .recovery import Recovery
from .trial import Trial
from .verdict import BOUNDS, Check, trends, word


def report(
    trial: Trial, accounts: Accounts, found: Sequence[Check], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that was found, in plain values."""
    said = [*found]
    if trial.failed:
        said.append(Check("the fleet", False, trial.failed))
    return {
        "verdict": word(said),
        "asked": dict(asked),
        "machine": this_machine(),
        "wall_h": round(trial.now_s / 3600.0, 3),
        "simulated_h": round(trial.simulated_s / 3600.0, 3),
        "rtf": round(trial.rtf, 3),
        "cores": round(_cores(trial), 3),
        "checks": [{"name": c.name, "ok": c.ok, "said": c.said} for c in said],
        "episodes": {
            "begun": len(accounts.begun),
            "finished": len(accounts.finished),
            "ordinary": accounts.ordinary,
            "counted": accounts.counted,
            "put_aside": len(accounts.aside),
            "lost": len(accounts.lost),
        },
        "faults": _by_kind(trial.recoveries),
        "growth_per_simulated_h": _growth(trial),
        "recoveries": [each.as_dict() for each in trial.recoveries],
    }


def text(told: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"Verdict: {told['verdict']}",
        f"{told['wall_h']:.2f} h of wall time, {told['simulated_h']:.2f} h simulated "
        f"({told['rtf']:.2f} times real time), {told['cores']:.2f} cores",
        "",
    ]
    for check in told["checks"]:
        mark = {True: "ok", False: "FAILED", None: "open"}[check["ok"]]
        lines.append(f"  {mark:<7}{check['name']}: {check['said']}")
    lines += ["", "  faults           n   recovered   shown after (s)   collecting again after (s)"]
    for kind, found in told["faults"].items():
        lines.append(
            f"  {kind:<15}{found['count']:>3}{found['recovered']:>12}"
            f"{_spread(found['shown_after_s']):>18}{_spread(found['collecting_after_s']):>29}"
        )
    return "\n".join(lines) + "\n"


def _by_kind(recoveries: Sequence[Recovery]) -> dict[str, Any]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in recoveries:
        kinds.setdefault(str(each.fault.kind), []).append(each.as_dict())
    return {
        kind: {
            "count": len(every),
            "recovered": sum(one["recovered"] for one in every),
            "shown_after_s": _median_and_most(every, "shown_after_s"),
            "collecting_after_s": _median_and_most(every, "collecting_after_s"),
        }
        for kind, every in sorted(kinds.items())
    }


def _median_and_most(every: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    values = [one[name] for one in every if one[name] is not None]
    return [round(median(values), 1), round(max(values), 1)] if values else []


def _spread(values: Sequence[float]) -> str:
    return f"{values[0]:.1f}, at most {values[1]:.1f}" if values else "-"


def _growth(trial: Trial) -> dict[str, Any]:
    return {
        figure: {
            name: [round(found.per_hour, 3), _finite(2 * found.error), round(found.most, 1)]
            for name, found in trends(trial.samples, trial.rtf, figure).items()
        }
        for figure in BOUNDS
    }


def _finite(value: float) -> float | None:
    return round(value, 3) if value < float("inf") else None


def _cores(trial: Trial) -> float:
    """Processor time of all lives over wall time."""
    most: dict[tuple[str, int], float] = {}
    for sample in trial.samples:
        for name, each in sample.processes.items():
            most[name, each.pid] = each.cpu_s
    return sum(most.values()) / trial.now_s
