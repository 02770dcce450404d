"""The Bellman updater: a small world solved by hand, and the two lagged networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_learner.batches import Transitions
from mtopt_learner.bellman import BellmanConfig, outlook
from mtopt_learner.updater import BellmanUpdater, LaggedNetworks, TargetConfig

BOUNDS = ActionBounds()
CEM = CemConfig(samples=8, elites=2)
STATES, KINDS = 4, 4  # kinds of action: close, open, terminate, any motion


class Table(nn.Module):
    """Q by state and kind of action: the state is the first pixel, kinds are those of CEM."""

    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Parameter(torch.full((STATES, KINDS), 0.5, dtype=torch.float64))
        self.encoder, self.head = _Pixel(), _Look(self)

    def set(self, state: int, kind: int, value: float) -> None:
        with torch.no_grad():
            self.q[state, kind] = value


class _Pixel(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images[:, 0, 0, :1].long()


class _Look(nn.Module):
    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = [table]

    def forward(self, seen: Tensor, states: Tensor, tasks: Tensor, actions: Tensor) -> Tensor:
        table = self._table[0]
        kinds = torch.full(actions.shape[:2], 3)
        for kind, column in enumerate((5, 6, 7)):
            kinds[actions[..., column] > 0.5] = kind
        return torch.logit(table.q[seen.expand(kinds.shape), kinds].clamp(1e-9, 1 - 1e-9)).float()


def updater(table: Table, bellman: BellmanConfig) -> BellmanUpdater:
    networks = LaggedNetworks(table, TargetConfig(decay=0.0, lag=1, returns_first=0))
    for network in (networks.first, networks.second):
        network.head = _Look(network)
    return BellmanUpdater(networks, BOUNDS, bellman, CEM)


def world() -> tuple[Transitions, list[tuple[int, int]]]:
    """States 0 -> 1 -> 2 -> 3 by a motion; closing in 3 succeeds, anything else in 3 and stopping
    anywhere fails; opening stays where it is."""
    known = []
    for state in range(STATES):
        moved = (state + 1, False, False) if state < 3 else (state, True, False)
        known += [
            (state, 0, state, state == 3, state == 3),
            (state, 1, state, state == 3, False),
            (state, 2, state, True, False),
            (state, 3, *moved),
        ]
    rows = np.array(known)
    actions = np.zeros((len(rows), 8), dtype=np.float32)
    for row, kind in enumerate(rows[:, 1]):
        actions[row, (5, 6, 7, 0)[kind]] = 1.0
    # An episode that goes on has two steps here, one that is over is at its last.
    left = np.where(rows[:, 3], 0, 1)

    def seen(states: np.ndarray) -> np.ndarray:
        return np.tile(states[:, None, None, None], (1, 2, 2, 3)).astype(np.uint8)

    batch = Transitions(
        seen(rows[:, 0]), np.zeros((len(rows), 2), np.float32), np.ones((len(rows), 1), np.float32),
        actions, seen(rows[:, 2]), np.zeros((len(rows), 2), np.float32),
        outlook(left, rows[:, 4].astype(bool), BellmanConfig()),
    )  # fmt: skip
    return batch, [(int(state), int(kind)) for state, kind in rows[:, :2]]


def test_a_world_solved_by_hand_to_a_millionth() -> None:
    """By hand: 1 for closing in state 3; a motion in state s is worth 0.9 ** (3 - s); closing and
    opening where they change nothing cost a step; all else is worth nothing."""
    bellman = BellmanConfig(discount=0.9, steps=1, monte_carlo=False)
    table, (batch, pairs) = Table(), world()
    for sweep in range(60):
        made = updater(table, bellman).label(batch, np.random.default_rng(sweep))
        for (state, kind), value in zip(pairs, made.targets.tolist(), strict=True):
            table.set(state, kind, value)
    wanted = {(3, 0): 1.0}
    for state in range(3):
        best = 0.9 ** (3 - state)
        wanted |= {(state, 3): best, (state, 0): 0.9 * best, (state, 1): 0.9 * best}
    for pair, value in zip(pairs, made.targets.tolist(), strict=True):
        assert value == pytest.approx(wanted.get(pair, 0.0), abs=1e-6), pair


def test_the_second_network_bounds_the_first() -> None:
    table, (batch, pairs) = Table(), world()
    made = updater(table, BellmanConfig(monte_carlo=False))
    with torch.no_grad():
        made.networks.first.q[:] = torch.tensor([0.1, 0.2, 0.3, 0.9])
        made.networks.second.q[:] = torch.tensor([0.8, 0.8, 0.8, 0.4])
    targets = made.label(batch, np.random.default_rng(0)).targets.tolist()
    # The first would move, worth 0.9; the second says that moving is worth 0.4.
    assert targets[pairs.index((0, 3))] == pytest.approx(0.9 * 0.4, abs=1e-6)
    with torch.no_grad():
        made.networks.second.q[:] = 0.95
    targets = made.label(batch, np.random.default_rng(0)).targets.tolist()
    assert targets[pairs.index((0, 3))] == pytest.approx(0.9 * 0.9, abs=1e-6)


def test_first_come_what_episodes_came_to() -> None:
    table, (batch, _) = Table(), world()
    networks = LaggedNetworks(table, TargetConfig(returns_first=1))
    networks.first.head = networks.second.head = _Raises()
    made = BellmanUpdater(networks, BOUNDS, BellmanConfig(), CEM)
    found = made.label(batch, np.random.default_rng(0))
    assert torch.equal(found.targets, found.returns)
    networks.follow(table)
    with pytest.raises(ZeroDivisionError):
        made.label(batch, np.random.default_rng(0))


class _Raises(nn.Module):
    def forward(self, *_: Tensor) -> Tensor:
        raise ZeroDivisionError


def test_the_mean_follows_and_the_copy_lags() -> None:
    network = nn.Linear(1, 1, bias=False)
    lagged = LaggedNetworks(network, TargetConfig(decay=0.5, lag=3))
    first, second = lagged.first.weight, lagged.second.weight
    with torch.no_grad():
        network.weight.fill_(0.0)
        first.fill_(1.0), second.fill_(1.0)
    means = []
    for _ in range(4):
        lagged.follow(network)
        means.append((first.item(), second.item()))
    early = [1 / 11, 1 / 11 * 2 / 12, 1 / 11 * 2 / 12 * 3 / 13]
    assert [mean for mean, _ in means[:3]] == pytest.approx(early)
    assert [copy for _, copy in means] == pytest.approx([1.0, 1.0, early[2], early[2]])


def test_counts_of_a_norm_are_copied_and_its_statistics_averaged() -> None:
    network = nn.BatchNorm1d(1)
    lagged = LaggedNetworks(network, TargetConfig(decay=0.0))
    network(torch.ones(4, 1) * 3.0)
    lagged.follow(network)
    assert lagged.first.num_batches_tracked == 1
    assert lagged.first.running_mean.item() == pytest.approx(network.running_mean.item())
