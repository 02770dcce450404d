"""The success detector in PyTorch: three views looked at by one trunk, a logit for every task.

Shapes: views (B, H, W, 3) uint8, all of one size; logits (B, T), whose sigmoid, once calibrated,
is the probability of success. All tasks come out of one run, which costs next to nothing beside
the views. Unlike the Q-network it is not told a task: a row of its last layer for each learns at
once what a single head that is told has to find out first, which took it hundreds of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtopt_core.config import option

from ..errors import NetworkInvalid
from .q_network import BRIGHTEST, NORM_EPS, ConvBlock

VIEWS = 3


@dataclass(frozen=True)
class SuccessConfig:
    """The sizes of the network.

    The first convolution shrinks its image by `stem_stride`, each of `channels` behind it by two,
    with `repeats` more that leave the size alone; the pool keeps where.
    """

    size_px: tuple[int, int] = option([472, 472], "height and width of a view", unit="px", low=8)
    channels: tuple[int, ...] = option(
        [32, 48, 64, 64, 64], "channels of each convolution", low=1, high=1024
    )
    kernel: int = option(3, "side of the filters, odd", low=1, high=9)
    stem_kernel: int = option(3, "side of the first filters, odd", low=1, high=15)
    stem_stride: int = option(2, "step of the first filters", low=1, high=8)
    repeats: int = option(
        0, "convolutions that leave the size alone, behind each but the first", low=0, high=8
    )
    pool: int = option(3, "side and step of the last pool", low=1, high=8)
    hidden: int = option(128, "width in which the views are summed", low=1, high=4096)
    dropout: float = option(
        0.2, "share of the pooled features left out in training", low=0.0, high=0.9
    )
    norm_momentum: float = option(
        0.01, "share of a batch in the running mean and variance", low=1e-5, high=1.0
    )

    def __post_init__(self) -> None:
        for name in ("kernel", "stem_kernel"):
            if getattr(self, name) % 2 == 0:
                raise NetworkInvalid(f"{name} = {getattr(self, name)}: must be odd")
        if not self.channels or min(self.pooled_px) < 1:
            raise NetworkInvalid(
                f"views of {self.size_px} px leave nothing behind {len(self.channels)} "
                f"convolutions and a pool of {self.pool}: take larger views or fewer of them"
            )

    @property
    def convs(self) -> list[tuple[int, int, int]]:
        """Channels, kernel and stride of each convolution."""
        listed = [(self.channels[0], self.stem_kernel, self.stem_stride)] if self.channels else []
        for channels in self.channels[1:]:
            listed.append((channels, self.kernel, 2))
            listed += [(channels, self.kernel, 1)] * self.repeats
        return listed

    @property
    def pooled_px(self) -> tuple[int, int]:
        """Size of what is left of a view."""
        rows, columns = self.size_px
        for _, _, stride in self.convs:
            rows, columns = -(-rows // stride), -(-columns // stride)
        return rows // self.pool, columns // self.pool

    @property
    def view_features(self) -> int:
        """How many numbers a view comes to."""
        return self.channels[-1] * self.pooled_px[0] * self.pooled_px[1]


FULL = SuccessConfig()
SMALL = SuccessConfig(size_px=(96, 96), channels=(16, 32, 32), hidden=64)


class SuccessNetwork(nn.Module):
    """Logits of every task for three views of an outcome."""

    def __init__(self, config: SuccessConfig, tasks: int) -> None:
        super().__init__()
        self.config, self.tasks = config, tasks
        inputs = [3, *(channels for channels, _, _ in config.convs)]
        self.trunk = nn.ModuleList(
            ConvBlock(seen, channels, kernel, config.norm_momentum, kernel // 2, stride)
            for seen, (channels, kernel, stride) in zip(inputs, config.convs, strict=False)
        )
        self.merge = nn.Linear(VIEWS * config.view_features, config.hidden)
        self.norm = nn.BatchNorm1d(config.hidden, NORM_EPS, config.norm_momentum)
        self.out = nn.Linear(config.hidden, tasks)

    def forward(self, overhead: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """Logits (B, T)."""
        views = torch.cat([overhead, left, right])
        seen = views.permute(0, 3, 1, 2).to(self.merge.weight.dtype) / BRIGHTEST
        for block in self.trunk:
            seen = block(seen)
        seen = functional.max_pool2d(seen, self.config.pool).flatten(1)
        together = seen.unflatten(0, (VIEWS, len(overhead))).transpose(0, 1).flatten(1)
        together = functional.dropout(together, self.config.dropout, self.training)
        logits: Tensor = self.out(functional.relu(self.norm(self.merge(together))))
        return logits


def success_loss(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy over the labels that are known; all three (B, T), `known` of 0 and 1.

    People label an outcome for the tasks that they looked for; a feasible grade fills in more.
    """
    each = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    loss: Tensor = (each * known).sum() / known.sum().clamp(min=1.0)
    return loss
