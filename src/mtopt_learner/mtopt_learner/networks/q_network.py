"""The Q-network in PyTorch: the encoder looks once, the head values every action.

Shapes: images (B, H, W, 3) uint8; features (B, C, h, w); state (B, 2); task (B, T) one-hot;
actions (B, N, 8) encoded; logits (B, N), whose sigmoid is Q. While training, several tasks may be
asked about one action: task (B, K, T), actions (B, 1, 8), logits (B, K).
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional

from mtopt_core.encoding import ACTION_LAYOUT, STATE_LAYOUT

from .config import NetworkConfig
from .task_input import ONE_HEAD, TaskInput, TaskLinear, dense, through

NORM_EPS = 1e-3
BRIGHTEST = 255.0


class ConvBlock(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, momentum: float, padding: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs, NORM_EPS, momentum)

    def forward(self, seen: Tensor) -> Tensor:
        """(B, inputs, ...) to (B, outputs, ...)."""
        return functional.relu(self.norm(self.conv(seen)))


class Encoder(nn.Module):
    """What does not depend on the action: image to features."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, momentum, kernel = config.channels, config.norm_momentum, config.body_kernel
        stem = config.stem_kernel, momentum, config.stem_padding, config.stem_stride
        self.stem = ConvBlock(3, width, *stem)
        self.body = nn.ModuleList(
            ConvBlock(width, width, kernel, momentum, kernel // 2) for _ in range(config.body_convs)
        )
        self.stem_pool, self.body_pool = config.stem_pool, config.body_pool

    def forward(self, images: Tensor) -> Tensor:
        """Features of images in 0..255."""
        seen = images.permute(0, 3, 1, 2).to(self.stem.conv.weight.dtype) / BRIGHTEST
        seen = functional.max_pool2d(self.stem(seen), self.stem_pool)
        for block in self.body:
            seen = block(seen)
        return functional.max_pool2d(seen, self.body_pool)


class Merge(nn.Module):
    """Action, state and task as one vector of the features' channels."""

    def __init__(self, config: NetworkConfig, tasks: int, told: TaskInput) -> None:
        super().__init__()
        width = config.merge_width
        self.action = nn.Linear(len(ACTION_LAYOUT), width, bias=False)
        self.state = nn.Linear(len(STATE_LAYOUT), width, bias=False)
        self.task = TaskLinear(tasks, width, told)
        self.norm = nn.BatchNorm1d(width, NORM_EPS, config.norm_momentum)
        self.out = nn.Linear(width, config.channels)

    def forward(self, state: Tensor, task: Tensor, actions: Tensor) -> Tensor:
        """(B, N, C)."""
        known = self.task(task) if task.dim() == 3 else self.task(task).unsqueeze(1)
        summed = self.action(actions) + self.state(state).unsqueeze(1) + known
        flat = functional.relu(self.norm(summed.flatten(0, 1)))
        merged: Tensor = self.out(flat).unflatten(0, summed.shape[:2])
        return merged


class Head(nn.Module):
    """The value of every action, given the features."""

    def __init__(self, config: NetworkConfig, tasks: int, told: TaskInput) -> None:
        super().__init__()
        width, momentum = config.channels, config.norm_momentum
        self.merge = Merge(config, tasks, told)
        kernel = config.head_kernel
        self.convs = nn.ModuleList(
            ConvBlock(width, width, kernel, momentum, kernel // 2) for _ in range(config.head_convs)
        )
        self.tail = nn.ModuleList(
            ConvBlock(width, width, config.tail_kernel, momentum, 0)
            for _ in range(config.tail_convs)
        )
        widths = [width * config.tail_px[0] * config.tail_px[1], *config.dense]
        self.dense = nn.ModuleList(
            dense(tasks, inputs, outputs, told) for inputs, outputs in itertools.pairwise(widths)
        )
        self.value = dense(tasks, widths[-1], 1, told)
        self.pool = config.head_pool

    def forward(self, features: Tensor, state: Tensor, task: Tensor, actions: Tensor) -> Tensor:
        """Logits (B, N)."""
        merged = self.merge(state, task, actions)
        seen = (features.unsqueeze(1) + merged[..., None, None]).flatten(0, 1)
        for block in self.convs:
            seen = block(seen)
        seen = functional.max_pool2d(seen, self.pool)
        for block in self.tail:
            seen = block(seen)
        flat = seen.flatten(1).unflatten(0, merged.shape[:2])
        for layer in self.dense:
            flat = functional.relu(through(layer, flat, task))
        return through(self.value, flat, task)[..., 0]


class QNetwork(nn.Module):
    """Encoder and head as one, as they are trained."""

    def __init__(self, config: NetworkConfig, tasks: int, told: TaskInput = ONE_HEAD) -> None:
        super().__init__()
        self.config, self.tasks = config, tasks
        self.encoder, self.head = Encoder(config), Head(config, tasks, told)

    def forward(self, images: Tensor, state: Tensor, task: Tensor, actions: Tensor) -> Tensor:
        """Logits (B, N) of images and actions."""
        logits: Tensor = self.head(self.encoder(images), state, task, actions)
        return logits


def parameter_count(network: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(weights.numel() for weights in network.parameters())


def useful_flops(config: NetworkConfig) -> tuple[int, int]:
    """Multiplications and additions of (encoder, head for one action), convolutions and dense."""
    width = config.channels

    def convolved(px: tuple[int, int], kernel: int, inputs: int = width) -> int:
        return 2 * px[0] * px[1] * kernel * kernel * inputs * width

    encoder = convolved(config.stem_px, config.stem_kernel, 3)
    encoder += config.body_convs * convolved(config.body_px, config.body_kernel)
    head = config.head_convs * convolved(config.features_px, config.head_kernel)
    rows, columns = (side // config.head_pool for side in config.features_px)
    for _ in range(config.tail_convs):
        rows, columns = rows - config.tail_kernel + 1, columns - config.tail_kernel + 1
        head += convolved((rows, columns), config.tail_kernel)
    widths = [width * rows * columns, *config.dense, 1]
    head += sum(2 * a * b for a, b in itertools.pairwise(widths))
    return encoder, head
