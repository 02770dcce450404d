"""Logits made into probabilities that mean what they say, and thresholds to hold them against.

Platt's scaling: the probability of success is sigmoid(slope * logit + offset), fitted for
each task on examples that the network was not trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import option
from .encoding import Numbers
from .errors import CoreError

_ROUNDS = 100
_STEADY = 1e-8


@dataclass(frozen=True)
class TaskGrading:
    """How a logit of one task becomes a probability and a verdict."""

    threshold: float = option(0.5, "least probability of a success", low=0.01, high=0.99)
    slope: float = option(1.0, "factor of the logit", low=1e-3, high=1e3)
    offset: float = option(0.0, "added to the scaled logit", low=-1e3, high=1e3)


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits as probabilities, without overflow."""
    x = np.asarray(logits, dtype=np.float64)
    positive = 1.0 / (1.0 + np.exp(-np.abs(x)))
    return np.where(x >= 0.0, positive, 1.0 - positive)


def probabilities(logits: Numbers, gradings: tuple[TaskGrading, ...]) -> Numbers:
    """Calibrated probabilities (..., T) of logits (..., T)."""
    slopes = np.array([grading.slope for grading in gradings])
    offsets = np.array([grading.offset for grading in gradings])
    return sigmoid(slopes * logits + offsets).astype(np.float32)


def fit_platt(logits: Numbers, labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of one task from held-out logits (N,) and labels (N,).

    Newton's method on the cross-entropy against Platt's softened labels, which keep it finite
    where the examples are told apart without error. A network whose logits tell nothing, or
    the wrong way round, gets the smallest slope allowed. Raises CoreError unless there are
    examples of both kinds.
    """
    x, y = np.asarray(logits, dtype=np.float64), np.asarray(labels, dtype=np.bool_)
    _check_examples(x, y)
    good, bad = int(y.sum()), int((~y).sum())
    target = np.where(y, (good + 1.0) / (good + 2.0), 1.0 / (bad + 2.0))
    design = np.stack([x, np.ones_like(x)], axis=1)
    weights: NDArray[np.float64] = np.array([0.0, np.log((good + 1.0) / (bad + 1.0))])
    loss = _loss(design @ weights, target)
    for _ in range(_ROUNDS):
        p = sigmoid(design @ weights)
        slope_of_loss = design.T @ (p - target)
        curvature = (design * (p * (1.0 - p))[:, np.newaxis]).T @ design + _STEADY * np.eye(2)
        step = np.linalg.solve(curvature, slope_of_loss)
        weights, before, loss = _descend(design, target, weights, step, loss)
        if before - loss < _STEADY:
            break
    return float(np.clip(weights[0], 1e-3, 1e3)), float(np.clip(weights[1], -1e3, 1e3))


def pick_threshold(
    chances: Numbers, labels: NDArray[np.bool_], false_positives: float = 0.02
) -> float:
    """The lowest threshold at which at most a share of the failures (N,) passes as successes.

    The paper's detectors are held to false positives of 2% at most: a failure that counts as
    a success teaches a policy to fail. Within 0.01 to 0.99; raises CoreError unless there are
    examples of both kinds.
    """
    chance, good = np.asarray(chances, dtype=np.float32), np.asarray(labels, dtype=np.bool_)
    _check_examples(chance, good)
    failures = np.sort(chance[~good])[::-1]
    highest_allowed = failures[int(false_positives * len(failures))]
    threshold = np.nextafter(highest_allowed, np.float32(1.0))
    return float(np.clip(threshold, 0.01, 0.99))


def _descend(
    design: NDArray[np.float64],
    target: NDArray[np.float64],
    weights: NDArray[np.float64],
    step: NDArray[np.floating],
    loss: float,
) -> tuple[NDArray[np.float64], float, float]:
    """A Newton step, halved until it makes nothing worse: weights, the loss before and after."""
    share = 1.0
    while share > _STEADY:
        tried = weights - share * step
        new = _loss(design @ tried, target)
        if new <= loss:
            return tried, loss, new
        share /= 2.0
    return weights, loss, loss


def _loss(x: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float(np.sum(np.logaddexp(0.0, x) - target * x))


def _check_examples(values: NDArray[np.floating], labels: NDArray[np.bool_]) -> None:
    if values.shape != labels.shape or values.ndim != 1 or not np.all(np.isfinite(values)):
        raise CoreError(f"must be finite values, one a label: {values.shape}, {labels.shape}")
    if labels.all() or not labels.any():
        raise CoreError(f"needs successes and failures, has {int(labels.sum())} of {len(labels)}")
