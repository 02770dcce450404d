"""When a Q-function does not know: how strange its image is, how far its values disagree.

Two scores go with every decision. The novelty is the Mahalanobis distance of what the encoder
saw to what it saw in training, divided by the root of the number of features: about 1 for an
image like those. The spread of Q tells how unsettled CEM's own search ended. Both are held
against limits found on episodes that the network was not trained on.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass

import numpy as np
from numpy.typing import NDArray

from .cem import Round
from .config import option
from .encoding import Numbers
from .errors import CoreError

NOVELTY, Q_SPREAD = "novelty", "q_spread"
PERCENTILE = 95.0
MIN_HELD_OUT = 20
_LEAST_STD = 0.05  # of the features' root mean square deviation: a dead channel is no divisor


@dataclass(frozen=True)
class Limits:
    """The largest scores of a decision that is still trusted."""

    novelty: float = option(MISSING, "largest novelty of a familiar image", low=0.0, high=1e9)
    q_spread: float = option(MISSING, "largest spread of Q that is usual", low=0.0, high=1e9)
    decisions: int = option(MISSING, "held-out decisions that they were found on", low=1, high=1e9)
    percentile: float = option(
        PERCENTILE, "share of the held-out decisions within each", unit="%", low=50, high=100
    )


@dataclass(frozen=True)
class Doubt:
    """A decision past its limits: its scores, and the limits that they pass by name."""

    novelty: float
    q_spread: float
    past: tuple[str, ...]

    def __str__(self) -> str:
        scores = {NOVELTY: self.novelty, Q_SPREAD: self.q_spread}
        return ", ".join(f"{name} {scores[name]:.3g}" for name in self.past)


@dataclass(frozen=True, eq=False)
class Novelty:
    """What D features of familiar images look like: their mean (D,) and whitening (D, D).

    Raises CoreError for arrays that are not finite or do not fit together.
    """

    mean: Numbers
    whitening: Numbers

    def __post_init__(self) -> None:
        size = self.mean.size
        if self.mean.shape != (size,) or self.whitening.shape != (size, size) or not size:
            told = f"{self.mean.shape} and {self.whitening.shape}"
            raise CoreError(f"mean and whitening must be (D,) and (D, D), are {told}")
        for name, array in (("mean", self.mean), ("whitening", self.whitening)):
            if array.dtype != np.float32 or not np.all(np.isfinite(array)):
                raise CoreError(f"{name} must be finite float32 numbers, is {array.dtype}")

    def score(self, features: Numbers) -> Numbers:
        """The novelty (B,) of features (B, D). Raises CoreError for another D."""
        if features.ndim != 2 or features.shape[1] != self.mean.size:
            raise CoreError(f"features must be (B, {self.mean.size}), are {features.shape}")
        white = (features - self.mean) @ self.whitening.T
        scores: Numbers = np.sqrt(np.mean(white * white, axis=1))
        return scores


def fit_novelty(features: Numbers) -> Novelty:
    """What training features (N, D) look like.

    The covariance of the standardised features is shrunk towards its diagonal as far as their
    number asks for (oracle approximating shrinkage), so that few images give a broad idea and
    not a wrong one. Raises CoreError for fewer than two images or values not finite.
    """
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2 or not np.all(np.isfinite(x)):
        raise CoreError(f"features must be finite, (N, D) with N of at least 2, are {x.shape}")
    mean, std = x.mean(axis=0), x.std(axis=0)
    std = np.maximum(std, _LEAST_STD * math.sqrt(float(np.mean(std**2))) or 1.0)
    inverse = np.linalg.inv(np.linalg.cholesky(_shrunk_covariance((x - mean) / std)))
    return Novelty(mean.astype(np.float32), (inverse / std).astype(np.float32))


def pooled(features: Numbers) -> Numbers:
    """A few numbers about each feature map: (B, C, ...) to (B, 2 C), means then deviations.

    Features without places, (B, C), come back as they are.
    """
    if features.ndim == 2:
        return features
    flat = features.reshape(*features.shape[:2], -1)
    mean = flat.mean(axis=2)
    squares = np.einsum("bcp,bcp->bc", flat, flat) / flat.shape[2]
    deviation = np.sqrt(np.maximum(squares - mean * mean, 0.0))
    return np.concatenate([mean, deviation], axis=1)


def q_spread(rounds: tuple[Round, ...]) -> float:
    """How unsettled a search ended: the elites' standard deviation of Q in the last round, and
    how far the best of that round fell short of the best of any round before it.

    Where Q is known the last elites are worth nearly the same and more than all before.
    """
    last = rounds[-1]
    deviation = float(np.std(last.q[last.elites]))
    bests = [float(turn.q.max()) for turn in rounds]
    return math.hypot(deviation, max(bests) - bests[-1])


def calibrate(novelty: Numbers, spread: Numbers, percentile: float = PERCENTILE) -> Limits:
    """Limits from the scores (N,) of held-out decisions: each keeps that share of them.

    Raises CoreError for fewer than 20 decisions, scores that are no numbers, and a percentile
    out of 50 to 100.
    """
    if not 50.0 <= percentile <= 100.0:
        raise CoreError(f"percentile {percentile:g}: must be 50 to 100 %")
    scores = [np.asarray(values, dtype=np.float64) for values in (novelty, spread)]
    count = len(scores[0])
    if scores[0].shape != scores[1].shape or count < MIN_HELD_OUT:
        raise CoreError(f"needs {MIN_HELD_OUT} decisions with both scores, has {count}")
    if not np.all(np.isfinite(scores)):
        raise CoreError("scores of held-out decisions must be finite")
    # The next higher one of the scores that there were: never fewer within than asked for.
    of_images, of_q = (float(np.percentile(s, percentile, method="higher")) for s in scores)
    return Limits(novelty=of_images, q_spread=of_q, percentile=percentile, decisions=count)


def doubt(novelty: float, spread: float, limits: Limits | None) -> Doubt | None:
    """Whether a decision is to be doubted. Never without limits; a score of NaN always is."""
    if limits is None:
        return None
    scores = ((NOVELTY, novelty, limits.novelty), (Q_SPREAD, spread, limits.q_spread))
    past = tuple(name for name, score, limit in scores if not score <= limit)
    return Doubt(novelty, spread, past) if past else None


def _shrunk_covariance(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance (D, D) of centred rows (N, D), shrunk towards its mean variance."""
    count, size = z.shape
    covariance = z.T @ z / count
    trace, squares = float(np.trace(covariance)), float(np.sum(covariance**2))
    away = (count + 1.0 - 2.0 / size) * (squares - trace**2 / size)
    share = ((1.0 - 2.0 / size) * squares + trace**2) / away if away > 0.0 else 1.0
    # Never quite none, so that directions nobody has seen keep a length to be measured by.
    share = min(max(share, 1e-3), 1.0)
    shrunk: NDArray[np.float64] = (1.0 - share) * covariance
    return shrunk + share * max(trace / size, 1e-12) * np.eye(size)
