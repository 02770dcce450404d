"""From logits to grades: calibration and thresholds, fitted on outcomes apart."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mtopt_core.encoding import Numbers
from mtopt_core.errors import CoreError
from mtopt_core.feasibility import Feasibility
from mtopt_core.platt import TaskGrading, fit_platt, pick_threshold, probabilities
from mtopt_core.tasks import TaskRegistry

from ..errors import OutcomesMissing
from ..networks.success_export import logits_of
from ..networks.success_network import SuccessNetwork
from .outcomes import Labelled
from .trainer import Frames, plain_views

_AT_ONCE = 32


def outcome_logits(network: SuccessNetwork, frames: Frames, outcomes: Labelled) -> Numbers:
    """Logits (N, T) of the last frame of each outcome, as serving sees it."""
    places = np.array([o.first + o.steps - 1 for o in outcomes.outcomes], dtype=np.int64)
    size_px, found = network.config.size_px, []
    device = next(network.parameters()).device
    if device.type != "cpu":
        raise TypeError(f"the network is on {device}, grades are those of the CPU")
    with torch.inference_mode():
        for begin in range(0, len(places), _AT_ONCE):
            views = plain_views(frames, places[begin : begin + _AT_ONCE], size_px)
            found.append(logits_of(network, views))
    return np.concatenate(found) if found else np.zeros((0, network.tasks), np.float32)


def fit_gradings(
    logits: Numbers, labels: NDArray[np.int8], tasks: TaskRegistry, false_positives: float
) -> dict[str, TaskGrading]:
    """Calibration and threshold of each task, from logits and labels (N, T).

    Raises OutcomesMissing for a task that lacks successes or failures.
    """
    found: dict[str, TaskGrading] = {}
    for task in tasks:
        known = labels[:, task.index] >= 0
        x, y = logits[known, task.index], labels[known, task.index] == 1
        try:
            slope, offset = fit_platt(x, y)
            plain = (TaskGrading(slope=slope, offset=offset),)
            chance = probabilities(x[:, None], plain)[:, 0]
            threshold = pick_threshold(chance, y, false_positives)
        except CoreError as error:
            raise OutcomesMissing(f"calibration of {task.name}: {error}") from error
        found[task.name] = TaskGrading(threshold, slope, offset)
    return found


def verdicts(
    logits: Numbers, gradings: dict[str, TaskGrading], tasks: TaskRegistry
) -> NDArray[np.bool_]:
    """What a cell would be told of outcomes with these logits (N, T): (N, T)."""
    listed = tuple(gradings[name] for name in tasks.names)
    bars = np.array([grading.threshold for grading in listed], dtype=np.float32)
    feasible = Feasibility.of(tasks.tasks)
    chances = probabilities(logits, listed)
    settled = [feasible.settle(chance, bars)[1] for chance in chances]
    return np.array(settled, dtype=np.bool_).reshape(len(logits), len(tasks))
