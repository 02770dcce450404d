"""How well one reckoning of Q agrees with another: in rank, and in what is chosen by it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]


def rank_agreement(wanted: Values, found: Values) -> float:
    """Spearman's correlation of two reckonings (..., N) of the same N actions, on average.

    1 is the same order, 0 none, -1 the reverse. Rows in which either gives all actions the same
    value say nothing and are left out; 1 where no row is left.
    """
    rows = zip(_rows(wanted), _rows(found), strict=True)
    said = [_spearman(a, b) for a, b in rows if np.ptp(a) > 0.0 and np.ptp(b) > 0.0]
    return float(np.mean(said)) if said else 1.0


def regret(wanted: Values, found: Values) -> float:
    """What is lost, in Q, by taking the action that is best by `found`: (..., N), on average."""
    rows = zip(_rows(wanted), _rows(found), strict=True)
    return float(np.mean([a.max() - a[int(b.argmax())] for a, b in rows]))


def _rows(values: Values) -> Values:
    return values.reshape(-1, values.shape[-1]).astype(np.float64)


def _spearman(a: Values, b: Values) -> float:
    return float(np.corrcoef(_ranks(a), _ranks(b))[0, 1])


def _ranks(values: Values) -> Values:
    """Places in order, (N,); equal values share their mean place."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Values = (ends - (counts - 1) / 2.0)[inverse.reshape(-1)]
    return ranks
