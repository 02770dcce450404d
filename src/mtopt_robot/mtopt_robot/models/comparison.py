"""What a number format costs where it counts: over the samples of CEM, and in what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig, Choice, choose
from mtopt_core.encoding import Numbers, encode_action
from mtopt_core.observation import Image

from .agreement import rank_agreement

_NO_Q = 1e-6


class Valued(Protocol):
    """What values actions; QFunction is one."""

    def features(self, images: Image) -> Numbers:
        """Features (B, ...) of images (B, H, W, 3)."""
        ...

    def score(self, features: Numbers, state: Numbers, task: Numbers, actions: Numbers) -> Numbers:
        """Values (B, N)."""
        ...


@dataclass(frozen=True, eq=False)
class Scene:
    """What the networks read of one decision: `image` (H, W, 3), `state` (2,), `task` (T,)."""

    image: Image
    state: Numbers
    task: Numbers


@dataclass(frozen=True)
class Comparison:
    """Mean rank agreement over the samples of CEM's rounds, and mean regret.

    A regret is what the chosen action lacks, in the reference's Q and as a share of it, of the
    one that the reference would have chosen from the same seed; one that is better counts as 0.
    """

    agreement: float
    regret: float


def compare(
    reference: Valued,
    candidate: Valued,
    scenes: Sequence[Scene],
    bounds: ActionBounds,
    cem: CemConfig = CemConfig(),
) -> Comparison:
    """Decide every scene by both, from the same seeds."""
    agreements, regrets = [], []
    for seed, scene in enumerate(scenes):
        wanted = _chosen(reference, scene, bounds, cem, seed)
        found = _chosen(candidate, scene, bounds, cem, seed)
        features = reference.features(scene.image[np.newaxis])
        for turn in found.rounds:
            true_q = _score(reference, features, scene, turn.proposal.encoded(bounds))
            agreements.append(rank_agreement(true_q, turn.q))
        got = _score(reference, features, scene, encode_action(found.action, bounds)[np.newaxis])
        regrets.append(max(0.0, wanted.q - float(got[0])) / max(wanted.q, _NO_Q))
    return Comparison(float(np.mean(agreements)), float(np.mean(regrets)))


def _chosen(
    valued: Valued, scene: Scene, bounds: ActionBounds, cem: CemConfig, seed: int
) -> Choice:
    features = valued.features(scene.image[np.newaxis])
    rng = np.random.default_rng(seed)
    return choose(lambda rows: _score(valued, features, scene, rows), bounds, cem, rng)


def _score(valued: Valued, features: Numbers, scene: Scene, rows: Numbers) -> Numbers:
    one = np.newaxis
    q: Numbers = valued.score(features, scene.state[one], scene.task[one], rows[one])[0]
    return q
