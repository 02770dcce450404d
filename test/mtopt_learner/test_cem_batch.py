"""The batch's CEM is that of the core: the same samples, refits and choice."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig, choose_many, first_belief
from mtopt_core.encoding import encode_action
from mtopt_learner.cem_batch import BatchCem

BOUNDS = ActionBounds()
CONFIGS = [
    CemConfig(),
    CemConfig(samples=20, elites=3, rounds=4, min_spread=0.1),
    CemConfig(samples=16, rounds=3, start="rest"),
]


def landscape(rows: np.ndarray) -> np.ndarray:
    """Hills and valleys, another one for each cell; float64 as few ties as can be."""
    places = np.arange(len(rows))[:, None, None]
    return np.sin(3.0 * rows.astype(np.float64) + places).sum(axis=-1)


@pytest.mark.parametrize("config", CONFIGS)
def test_it_finds_what_the_core_finds_by_the_same_samples(config: CemConfig) -> None:
    cells = 5
    asked: list[np.ndarray] = []

    def noted(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return landscape(rows)

    start = first_belief(BOUNDS, config)
    rngs = [np.random.default_rng(seed) for seed in range(cells)]
    wanted = choose_many(noted, BOUNDS, config, rngs, [start] * cells)

    ours = BatchCem(BOUNDS, config)
    shape = (config.rounds, ours.motions, 4)
    noise = [np.random.default_rng(seed).standard_normal(shape) for seed in range(cells)]
    seen: list[torch.Tensor] = []

    def scored(rows: torch.Tensor) -> torch.Tensor:
        seen.append(rows)
        return torch.from_numpy(landscape(rows.numpy()))

    actions, q = ours.best(scored, torch.from_numpy(np.stack(noise, axis=1)))
    assert len(seen) == len(asked) == config.rounds
    for rows, theirs in zip(seen, asked, strict=True):
        assert rows.numpy() == pytest.approx(theirs, abs=1e-6)
    assert q.numpy() == pytest.approx([choice.q for choice in wanted], abs=1e-5)
    rows = np.stack([encode_action(choice.action, BOUNDS) for choice in wanted])
    assert actions.numpy() == pytest.approx(rows, abs=1e-6)


def test_a_command_wins_where_it_is_worth_most() -> None:
    ours = BatchCem(BOUNDS, CemConfig())
    noise = ours.noise(3, np.random.default_rng(0))
    actions, q = ours.best(lambda rows: rows[..., 7] - rows[..., 2].abs(), noise)
    assert actions[:, 7].tolist() == [1.0] * 3 and q.tolist() == [1.0] * 3
    assert actions[:, :4].abs().max() == 0.0


def test_the_best_of_an_earlier_round_is_not_forgotten() -> None:
    """Values that fall from round to round."""
    ours, turn = BatchCem(BOUNDS, dataclasses.replace(CemConfig(), rounds=3)), []

    def falling(rows: torch.Tensor) -> torch.Tensor:
        turn.append(rows)
        return rows[..., 0] - 10.0 * len(turn)

    actions, q = ours.best(falling, ours.noise(2, np.random.default_rng(1)))
    assert torch.allclose(actions[:, 0], turn[0][..., 0].max(dim=1).values)
    assert torch.allclose(q, actions[:, 0] - 10.0)
