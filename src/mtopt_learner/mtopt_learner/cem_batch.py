"""The cross-entropy method of `mtopt_core.cem` for a whole batch in tensors.

The same proposals, refits and choice as `choose_many`, which a test holds it to; that one keeps a
generator and a belief for each cell, which a Bellman batch of hundreds would wait for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mtopt_core.action import ActionBounds
from mtopt_core.cem import Belief, CemConfig, first_belief, propose
from mtopt_core.encoding import ACTION_LAYOUT

Score = Callable[[Tensor], Tensor]


class BatchCem:
    """Answers for B states at once; `device` is where its numbers live."""

    def __init__(self, bounds: ActionBounds, config: CemConfig, device: str = "cpu") -> None:
        self.config = config
        start = first_belief(bounds, config)
        rest = propose(
            Belief(np.zeros(4), np.zeros(4)), bounds, config, np.random.default_rng(0)
        ).encoded(bounds)
        self.motions = len(start.mean)
        self._commands = torch.from_numpy(rest[: len(rest) - self.motions]).to(device)
        self._mean, self._std, self._high = (
            torch.from_numpy(np.asarray(a)).to(device) for a in (start.mean, start.std, bounds.high)
        )
        self._floor = config.min_spread * self._high
        self._device = device

    def noise(self, count: int, rng: np.random.Generator) -> Tensor:
        """What a search for `count` states draws: (rounds, count, motions, 4), standard normal."""
        shape = (self.config.rounds, count, self.motions, 4)
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(self._device)

    def proposals(self, noise: Tensor) -> Tensor:
        """What a first round looks at, (B, N, 8), of the noise of one round."""
        mean, std, high = (part.to(noise.dtype) for part in (self._mean, self._std, self._high))
        return self._rows(torch.clamp(mean + std * noise, -high, high))

    def best(self, score: Score, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The best of all samples: actions (B, 8) as networks read them, and values (B,).

        `score` maps actions (B, N, 8) to values (B, N).
        """
        count = noise.shape[1]
        mean = self._mean.to(noise.dtype).expand(count, -1, -1)
        std = self._std.to(noise.dtype).expand(count, -1, -1)
        found: list[tuple[Tensor, Tensor]] = []
        for drawn in noise:
            high = self._high.to(noise.dtype)
            motions = torch.clamp(mean + std * drawn, -high, high)
            rows = self._rows(motions)
            q = score(rows)
            found.append(_best(rows, q))
            mean, std = self._refit(motions, q[:, len(self._commands) :])
        values = torch.stack([q for _, q in found])
        winner = values.argmax(dim=0)
        actions = torch.stack([rows for rows, _ in found])
        place = torch.arange(count, device=noise.device)
        return actions[winner, place], values[winner, place]

    def _rows(self, motions: Tensor) -> Tensor:
        """Commands and motions (B, M, 4) as networks read them, (B, N, 8)."""
        count, number, _ = motions.shape
        rows = motions.new_zeros((count, number, len(ACTION_LAYOUT))).float()
        rows[..., :3] = motions[..., :3] / self._high[:3].to(motions.dtype)
        rows[..., 3], rows[..., 4] = torch.sin(motions[..., 3]), torch.cos(motions[..., 3])
        return torch.cat([self._commands.expand(count, -1, -1), rows], dim=1)

    def _refit(self, motions: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        order = torch.sort(q, dim=1, descending=True, stable=True).indices
        elites = order[:, : self.config.elites, None].expand(-1, -1, 4)
        best = torch.gather(motions, 1, elites)
        std = torch.maximum(best.std(dim=1, correction=0), self._floor.to(motions.dtype))
        return best.mean(dim=1, keepdim=True), std.unsqueeze(1)


def _best(rows: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """The best of each row, the first where several are."""
    index = q.argmax(dim=1)
    place = torch.arange(len(q), device=q.device)
    return rows[place, index], q[place, index]
