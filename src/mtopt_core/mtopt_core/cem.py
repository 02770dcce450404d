"""The cross-entropy method over actions, as three pure steps: propose, score, refit.

Samples carry continuous motion (x, y, z, yaw) and one discrete command. Each pure command
(close, open, terminate) is proposed exactly once a round, without motion; all other samples
are motions with the gripper kept. The Gaussian is refitted to the best motions alone, and
the answer is the best action ever sampled, whatever its kind.

Several cells that wait together are answered together: each round scores the samples of all of
them at once, while every cell keeps its own random numbers, beliefs and answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .action import Action, ActionBounds, Gripper
from .config import option
from .encoding import Numbers, encode_actions
from .errors import CoreError

Score = Callable[[Numbers], NDArray[np.floating]]

REST, PRIOR, LAST = "rest", "prior", "last"
_COMMANDS = ((Gripper.CLOSE, False), (Gripper.OPEN, False), (Gripper.KEEP, True))


@dataclass(frozen=True)
class CemConfig:
    """How hard to look for the best action."""

    samples: int = option(64, "actions scored in a round", low=5, high=4096)
    elites: int = option(6, "motions that the next round is fitted to", low=2, high=512)
    rounds: int = option(2, "rounds of propose, score, refit", low=1, high=10)
    spread: float = option(
        0.5, "first standard deviation as a share of the action bounds", low=0.01, high=2.0
    )
    min_spread: float = option(
        0.02, "smallest standard deviation as a share of the bounds", low=0.0, high=0.5
    )
    start: str = option(
        PRIOR, "what the first round also looks near: nothing, the prior, the last motion chosen",
        choices=(REST, PRIOR, LAST),
    )  # fmt: skip
    prior: tuple[float, float, float, float] = option(
        [0.0, 0.0, -0.5, 0.0], "motion x, y, z, yaw as shares of the bounds that is often good",
        low=-1.0, high=1.0,
    )  # fmt: skip
    near_share: float = option(
        0.5, "share of the first round's motions drawn near the start", low=0.0, high=1.0
    )
    near_spread: float = option(
        0.35, "standard deviation of those as a share of the bounds", low=0.01, high=2.0
    )


@dataclass(frozen=True, eq=False)
class Belief:
    """Where good motions are thought to be: mean and standard deviation of (x, y, z, yaw).

    Each is (4,), or (M, 4) where each of a round's M motions is drawn from its own place.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Proposal:
    """A round's samples: motions (N, 4) in m and rad, gripper (N,), terminate (N,)."""

    motions: NDArray[np.float64]
    gripper: NDArray[np.int64]
    terminate: NDArray[np.bool_]

    @property
    def continuous(self) -> NDArray[np.bool_]:
        """Which samples are motions, (N,)."""
        kept: NDArray[np.bool_] = self.gripper == Gripper.KEEP
        return kept & ~self.terminate

    def encoded(self, bounds: ActionBounds) -> Numbers:
        """The samples as networks read them, (N, 8)."""
        return encode_actions(self.motions, self.gripper, self.terminate, bounds)

    def action(self, index: int) -> Action:
        """One sample as an action."""
        x, y, z, yaw = (float(value) for value in self.motions[index])
        terminate = bool(self.terminate[index])
        return Action((x, y, z), yaw, Gripper(int(self.gripper[index])), terminate)


@dataclass(frozen=True, eq=False)
class Round:
    """What a round proposed and what it was worth; kept for whoever wants to look."""

    proposal: Proposal
    q: NDArray[np.floating]
    elites: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Choice:
    """The best action found, its value, and the rounds that led to it.

    `novelty` is that of the image it was chosen on, NaN where nobody measured it.
    """

    action: Action
    q: float
    rounds: tuple[Round, ...]
    novelty: float = math.nan


def first_belief(bounds: ActionBounds, config: CemConfig, last: Action | None = None) -> Belief:
    """Where the first round looks: over the bounds around rest, and near the start.

    `last` is the motion chosen a step ago; where it is wanted and there is none, the prior stands
    in for it. What was good a step ago often goes on: down, and down again.
    """
    motions = config.samples - len(_COMMANDS)
    near = 0 if config.start == REST else round(config.near_share * motions)
    start = np.asarray(config.prior) * bounds.high
    if config.start == LAST and last is not None and last.moves:
        start = np.clip([*last.delta_m, last.yaw_rad], -bounds.high, bounds.high)
    mean, std = np.zeros((motions, 4)), np.tile(config.spread * bounds.high, (motions, 1))
    mean[:near], std[:near] = start, config.near_spread * bounds.high
    return Belief(mean, std)


def propose(
    belief: Belief, bounds: ActionBounds, config: CemConfig, rng: np.random.Generator
) -> Proposal:
    """Samples of one round: each pure command once, motions from the belief for the rest."""
    count, commands = config.samples, len(_COMMANDS)
    motions = np.zeros((count, 4))
    drawn = rng.normal(belief.mean, belief.std, size=(count - commands, 4))
    motions[commands:] = np.clip(drawn, -bounds.high, bounds.high)
    gripper = np.full(count, int(Gripper.KEEP), dtype=np.int64)
    terminate = np.zeros(count, dtype=np.bool_)
    for row, (command, ends) in enumerate(_COMMANDS):
        gripper[row], terminate[row] = int(command), ends
    return Proposal(motions, gripper, terminate)


def refit(
    proposal: Proposal, q: NDArray[np.floating], bounds: ActionBounds, config: CemConfig
) -> tuple[Belief, NDArray[np.int64]]:
    """The belief after a round, and the indices of the motions that it was fitted to."""
    motions = np.flatnonzero(proposal.continuous)
    elites = motions[np.argsort(-q[motions], kind="stable")[: config.elites]]
    best = proposal.motions[elites]
    floor = config.min_spread * bounds.high
    return Belief(best.mean(axis=0), np.maximum(best.std(axis=0), floor)), elites


def choose_many(
    score: Score,
    bounds: ActionBounds,
    config: CemConfig,
    rngs: Sequence[np.random.Generator],
    starts: Sequence[Belief],
) -> list[Choice]:
    """The best action for each of B cells, which share each round's one call of `score`.

    `score` maps encoded actions (B, N, 8) to values (B, N). A cell's choice depends on its own
    generator and start alone. Raises CoreError where a value is NaN, since no action is best
    then.
    """
    beliefs = list(starts)
    rounds: list[list[Round]] = [[] for _ in rngs]
    for _ in range(config.rounds):
        proposals = [
            propose(belief, bounds, config, rng) for belief, rng in zip(beliefs, rngs, strict=True)
        ]
        values = _values(score, np.stack([each.encoded(bounds) for each in proposals]))
        for cell, (proposal, q) in enumerate(zip(proposals, values, strict=True)):
            beliefs[cell], elites = refit(proposal, q, bounds, config)
            rounds[cell].append(Round(proposal, q, elites))
    return [_best(tuple(each)) for each in rounds]


def choose(
    score: Score,
    bounds: ActionBounds,
    config: CemConfig,
    rng: np.random.Generator,
    start: Belief | None = None,
) -> Choice:
    """The best action for one cell under `score`, which maps rows (N, 8) to values (N,).

    Raises CoreError as `choose_many` does.
    """

    def score_one(rows: Numbers) -> NDArray[np.floating]:
        return np.asarray(score(rows[0]))[np.newaxis]

    starts = [start or first_belief(bounds, config)]
    return choose_many(score_one, bounds, config, [rng], starts)[0]


def _best(rounds: tuple[Round, ...]) -> Choice:
    best = max(rounds, key=lambda turn: float(turn.q.max()))
    index = int(best.q.argmax())
    return Choice(best.proposal.action(index), float(best.q[index]), rounds)


def _values(score: Score, rows: Numbers) -> NDArray[np.floating]:
    q = np.asarray(score(rows))
    if q.shape != rows.shape[:2] or np.any(np.isnan(q)):
        told = f"{int(np.isnan(q).sum())} of them NaN"
        raise CoreError(f"scores must be {rows.shape[:2]} numbers, are {q.shape}, {told}")
    return q
