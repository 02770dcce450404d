"""The verdict: bounded, recovered, accounted for. Pure, over what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .accounts import Accounts
from .gauges import Sample
from .plan import Kind
from .recovery import Recovery
from .trend import Trend, trend

WARM_UP_H = 0.05
# Growth of one process an hour of simulated time; what a cell could bear for months.
BOUNDS: dict[str, float] = {"anon_mb": 2.0, "descriptors": 1.0, "threads": 0.5}
SHARED_MB_H = 4.0
OTHER_MB_H = 20.0
EPISODE_SHARE = 0.25  # by which an episode of the last half may be larger than of the first
_HIDING = (Kind.KILL, Kind.POWER_CUT, Kind.FREEZE)


@dataclass(frozen=True)
class Check:
    """One sentence of the verdict; `ok` None: it ran too short to say."""

    name: str
    ok: bool | None
    said: str


def checks(
    samples: Sequence[Sample], rtf: float, recoveries: Sequence[Recovery], accounts: Accounts
) -> list[Check]:
    """All of them; `rtf` turns wall time into simulated time."""
    made = [_growth(figure, bound, samples, rtf) for figure, bound in BOUNDS.items()]
    made += [_shared(samples, rtf), _disk(samples, rtf), _episodes(samples)]
    return [*made, _recovered(recoveries), _accounted(recoveries, accounts)]


def word(found: Iterable[Check]) -> str:
    """passed, failed, or undecided where nothing failed and something ran too short."""
    oks = [check.ok for check in found]
    if False in oks:
        return "failed"
    return "undecided" if None in oks else "passed"


def trends(samples: Sequence[Sample], rtf: float, figure: str) -> dict[str, Trend]:
    """A figure's growth by process, an hour of simulated time."""
    lives: dict[str, dict[int, list[tuple[float, float]]]] = {}
    for sample in samples:
        hours = sample.at_s * rtf / 3600.0
        for name, gauge in sample.processes.items():
            point = (hours, float(getattr(gauge, figure)))
            lives.setdefault(name, {}).setdefault(gauge.pid, []).append(point)
    return {name: trend(each, WARM_UP_H) for name, each in lives.items()}


def _growth(figure: str, bound: float, samples: Sequence[Sample], rtf: float) -> Check:
    by_name = trends(samples, rtf, figure)
    oks = {name: each.bounded(bound) for name, each in by_name.items()}
    bad = [name for name, ok in oks.items() if ok is False]
    told = bad or sorted(by_name, key=lambda name: -by_name[name].per_hour)[:1]
    said = "; ".join(f"{name} {_grows(by_name[name])}" for name in told)
    ok = False if bad else (None if None in oks.values() or not oks else True)
    open_names = [name for name, ok in oks.items() if ok is None]
    said += f"; too early to say of {', '.join(open_names)}" if open_names else ""
    return Check(f"{figure} by process", ok, f"at most {bound:g} an hour; {said}")


def _grows(found: Trend) -> str:
    return (
        f"{found.per_hour:+.2f} ±{2 * found.error:.2f} an hour (seen for {found.hours:.1f} h, "
        f"at most {found.most:.0f})"
    )


def _shared(samples: Sequence[Sample], rtf: float) -> Check:
    found = _line(samples, rtf, "shared_mb")
    said = f"at most {SHARED_MB_H:g} MB an hour; {_grows(found)}"
    return Check("shared memory", found.bounded(SHARED_MB_H), said)


def _disk(samples: Sequence[Sample], rtf: float) -> Check:
    found = _line(samples, rtf, "other_mb")
    said = f"logs, catalog: at most {OTHER_MB_H:g} MB an hour; {_grows(found)}"
    return Check("disk besides episodes", found.bounded(OTHER_MB_H), said)


def _line(samples: Sequence[Sample], rtf: float, figure: str) -> Trend:
    points = [(s.at_s * rtf / 3600.0, float(getattr(s, figure))) for s in samples]
    return trend({0: points}, WARM_UP_H)


def _episodes(samples: Sequence[Sample]) -> Check:
    """Whether episodes stay as large as they were: their growth over each half of the time."""
    name = "disk for an hour of episodes"
    if len(samples) < 8:
        return Check(name, None, "too few samples")
    first, middle, last = samples[0], samples[len(samples) // 2], samples[-1]
    halves = [
        (b.episodes_mb - a.episodes_mb) / (b.at_s - a.at_s)
        for a, b in ((first, middle), (middle, last))
    ]
    if halves[0] <= 0.0:
        return Check(name, None, "no episode in the first half")
    grown = halves[1] / halves[0] - 1.0
    said = f"the second half took {100 * grown:+.0f}% of the first; at most +{EPISODE_SHARE:.0%}"
    return Check(name, grown <= EPISODE_SHARE, said)


def _recovered(recoveries: Sequence[Recovery]) -> Check:
    over = [each for each in recoveries if not each.done]
    said = f"{len(recoveries) - len(over)} of {len(recoveries)} faults"
    if over:
        said += f"; not from {over[0].fault} at {over[0].caused_s:.0f} s"
    return Check("recovered", not over if recoveries else None, said)


def _accounted(recoveries: Sequence[Recovery], accounts: Accounts) -> Check:
    hidden = 1 + sum(each.fault.kind in _HIDING for each in recoveries)
    wrong = accounts.wrong(hidden)
    said = (
        f"{len(accounts.begun)} begun, {len(accounts.finished)} finished and in the catalog, "
        f"{accounts.ordinary} of them to their own end, {accounts.counted} counted by the runner, "
        f"{len(accounts.aside)} put aside"
    )
    return Check("episodes", not wrong, "; ".join([said, *wrong]))
