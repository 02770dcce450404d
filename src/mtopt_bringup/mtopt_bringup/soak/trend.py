"""Does a figure grow? A line through its samples, told with how sure that is. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Points = Sequence[tuple[float, float]]  # (hours, value)


@dataclass(frozen=True)
class Trend:
    """Growth an hour and its standard error; infinite error where nothing can be said."""

    per_hour: float
    error: float
    hours: float
    """Observed, over all lives."""
    first: float = 0.0
    last: float = 0.0
    most: float = 0.0

    def bounded(self, most_per_hour: float) -> bool | None:
        """Whether growth is below a bound, by two standard errors; None: too early to say."""
        if self.per_hour + 2.0 * self.error <= most_per_hour:
            return True
        if self.per_hour - 2.0 * self.error > most_per_hour:
            return False
        return None


def trend(lives: Mapping[int, Points], warm_up_h: float = 0.0) -> Trend:
    """One slope for all lives of a process, each from its own height.

    `lives` has the samples of each; `warm_up_h` of each is left out: memory grows until
    everything was used once.
    """
    top = below = 0.0
    count = 0
    kept = [_settled(points, warm_up_h) for points in lives.values()]
    kept = [points for points in kept if len(points) >= 3]
    for points in kept:
        mean_h, mean = _mean(points)
        top += sum((h - mean_h) * (value - mean) for h, value in points)
        below += sum((h - mean_h) ** 2 for h, _ in points)
        count += len(points)
    every = [value for points in lives.values() for _, value in points]
    ends = (every[0], every[-1], max(every)) if every else (0.0, 0.0, 0.0)
    hours = sum(points[-1][0] - points[0][0] for points in kept)
    if below <= 0.0:
        return Trend(0.0, math.inf, hours, *ends)
    slope = top / below
    return Trend(slope, _error(kept, slope, below, count), hours, *ends)


def _error(kept: Sequence[Points], slope: float, below: float, count: int) -> float:
    """Of the slope; samples that follow each other closely are no independent witnesses."""
    free = count - len(kept) - 1
    if free <= 0:
        return math.inf
    rest: list[list[float]] = []
    for points in kept:
        mean_h, mean = _mean(points)
        rest.append([value - mean - slope * (h - mean_h) for h, value in points])
    variance = sum(r * r for line in rest for r in line) / free
    return math.sqrt(variance / below * _inflation(rest))


def _inflation(rest: Sequence[Sequence[float]]) -> float:
    """By how much correlated residuals understate the variance: (1 + rho) / (1 - rho)."""
    power = sum(r * r for line in rest for r in line)
    lagged = sum(a * b for line in rest for a, b in pairwise(line))
    rho = min(max(lagged / power, 0.0), 0.98) if power > 0.0 else 0.0
    return (1.0 + rho) / (1.0 - rho)


def _settled(points: Points, warm_up_h: float) -> Points:
    begin = points[0][0] + warm_up_h if points else 0.0
    return [(h, value) for h, value in points if h >= begin]


def _mean(points: Points) -> tuple[float, float]:
    return (
        sum(h for h, _ in points) / len(points),
        sum(value for _, value in points) / len(points),
    )
