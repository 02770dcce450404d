"""A small Q-network for an image drawn to scale around the tool: it looks where the action goes.

Convolutions are spent on the image alone, once. An action is a place in that image, since a metre
is as many pixels everywhere: its value is worked out of the features there, a little around it in
the directions of the fingers, below the tool, and where the camera shows the tool itself.

Shapes: images (B, H, W, 3) uint8; features (B, C, h, w); state (B, 8); task (B, T) one-hot;
actions (B, N, 8) encoded; logits (B, N), whose sigmoid is Q. Places are (ahead, beside) the tool
in metres: rows and columns of the image. While training, several tasks may be asked about one
action: task (B, K, T), actions (B, 1, 8), logits (B, K). A foreteller, which only training has,
tells from the features at one place what comes of moving the fingers there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import ACTION_LAYOUT, POSED_LAYOUT

from .look_config import STRIDE, LookConfig
from .q_network import BRIGHTEST, ConvBlock

# About one in size, whatever the unit.
STATE_SCALE = (1.0, 5.0, 5.0, 5.0, 1.0, 1.0, 10.0, 10.0)
AROUND = ((0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))  # times the reach
POOL = 6  # places of the features a side that are averaged to one
PLACE_SCALE = 10.0
WAYS = 3  # numbers that an action gets beside its own: ahead, beside, height it leads to


class LookEncoder(nn.Module):
    """What does not depend on the action: image to features."""

    def __init__(self, config: LookConfig) -> None:
        super().__init__()
        momentum, wide, half = config.norm_momentum, config.channels, config.coarse_channels
        self.stem = ConvBlock(3, config.stem, 6, momentum, 2, 2)
        self.entry = ConvBlock(config.stem, wide, 3, momentum, 1)
        self.fine = nn.ModuleList(ConvBlock(wide, wide, 3, momentum, 1) for _ in range(config.fine))
        self.down = ConvBlock(wide, half, 3, momentum, 1)
        self.coarse = nn.ModuleList(
            ConvBlock(half, half, 3, momentum, 1) for _ in range(config.coarse)
        )
        self.up = ConvBlock(half, wide, 1, momentum, 0)
        self.last = ConvBlock(wide, wide, 3, momentum, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Features of images in 0..255."""
        seen = images.permute(0, 3, 1, 2).to(self.stem.conv.weight.dtype) / BRIGHTEST
        seen = self.entry(functional.max_pool2d(self.stem(seen), 2))
        for block in self.fine:
            seen = seen + block(seen)
        far = self.down(functional.max_pool2d(seen, 2))
        for block in self.coarse:
            far = far + block(far)
        far = functional.interpolate(self.up(far), scale_factor=2.0, mode="nearest")
        features: Tensor = self.last(seen + far)
        return features


class LookHead(nn.Module):
    """The value of every action, given the features."""

    bound: Tensor
    scale: Tensor
    around: Tensor

    def __init__(
        self, config: LookConfig, tasks: int, bounds: ActionBounds, m_per_px: float
    ) -> None:
        super().__init__()
        self.config, self.m_per_px = config, m_per_px
        seen, width = config.channels, config.width
        rows, columns = config.features_px
        self.there = nn.Linear(len(AROUND) * seen, width, bias=False)
        self.action = nn.Linear(len(ACTION_LAYOUT) + WAYS, width, bias=False)
        self.here = nn.Linear(2 * seen, width, bias=False)
        self.all = nn.Linear(seen * (rows // POOL) * (columns // POOL), width, bias=False)
        self.state = nn.Linear(len(POSED_LAYOUT), width)
        numbers = len(ACTION_LAYOUT) + WAYS + len(POSED_LAYOUT)
        self.own = nn.Linear(numbers, config.own_width)
        self.own_out = nn.Linear(config.own_width, width, bias=False)
        self.gain = nn.Linear(tasks, width, bias=False)
        self.shift = nn.Linear(tasks, width, bias=False)
        self.middle = nn.Linear(width, width)
        self.gain_2 = nn.Linear(tasks, width, bias=False)
        self.shift_2 = nn.Linear(tasks, width, bias=False)
        self.value = nn.Linear(width, 1)
        for layer in (self.gain, self.gain_2, self.own_out):
            nn.init.zeros_(layer.weight)
        nn.init.constant_(self.value.bias, -1.5)  # most of what can be done comes to nothing
        self.register_buffer("bound", torch.tensor(bounds.delta_m), persistent=False)
        self.register_buffer("scale", torch.tensor(STATE_SCALE), persistent=False)
        around = torch.tensor(AROUND) * config.reach_m
        self.register_buffer("around", around, persistent=False)

    def forward(self, features: Tensor, state: Tensor, task: Tensor, actions: Tensor) -> Tensor:
        """Logits (B, N)."""
        ways = self._ways(state, actions)
        there = self.read(features, self._places(ways, actions).flatten(1, 2))
        there = there.unflatten(1, (actions.shape[1], len(AROUND))).flatten(2)
        below = torch.stack([torch.zeros_like(state[:, 6:8]), state[:, 6:8]], dim=1)
        here = self.read(features, below).flatten(1)
        whole = functional.avg_pool2d(features, POOL).flatten(1)
        scaled = state * self.scale
        known = self.here(here) + self.all(whole) + self.state(scaled)
        moved = torch.cat([actions, ways * PLACE_SCALE], dim=2)
        own = torch.cat([moved, scaled.unsqueeze(1).expand(-1, moved.shape[1], -1)], dim=2)
        hidden = self.there(there) + self.action(moved) + known.unsqueeze(1)
        hidden = hidden + self.own_out(functional.relu(self.own(own)))
        hidden = functional.relu(self._tuned(hidden, self.gain(task), self.shift(task)))
        hidden = self.middle(hidden)
        hidden = functional.relu(self._tuned(hidden, self.gain_2(task), self.shift_2(task)))
        logits: Tensor = self.value(hidden)[..., 0]
        return logits

    def _tuned(self, hidden: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        if gain.dim() == 2:
            gain, shift = gain.unsqueeze(1), shift.unsqueeze(1)
        return hidden * (1.0 + gain) + shift

    def _ways(self, state: Tensor, actions: Tensor) -> Tensor:
        """Where actions bring the tool: ahead, beside, and its height then, (B, N, 3) metres."""
        delta = actions[..., :3] * self.bound
        sin, cos = state[:, 4:5], state[:, 5:6]
        ahead = cos * delta[..., 0] + sin * delta[..., 1]
        beside = cos * delta[..., 1] - sin * delta[..., 0]
        return torch.stack([ahead, beside, state[:, 1:2] + delta[..., 2]], dim=2)

    def _places(self, ways: Tensor, actions: Tensor) -> Tensor:
        """Around each of them in the directions of the turned fingers, (B, N, P, 2)."""
        sin, cos = actions[..., 3:4], actions[..., 4:5]
        along, across = self.around[:, 0], self.around[:, 1]
        turned = torch.stack([cos * along - sin * across, sin * along + cos * across], dim=3)
        return ways[:, :, None, :2] + turned

    def read(self, features: Tensor, places: Tensor) -> Tensor:
        """The features at places (B, M, 2), between the pixels: (B, M, C)."""
        weights = [
            _hats(places[..., axis] / (self.m_per_px * STRIDE) + (side - 1) / 2.0, side)
            for axis, side in enumerate(self.config.features_px)
        ]
        spread = (weights[0].unsqueeze(3) * weights[1].unsqueeze(2)).flatten(2)
        read: Tensor = torch.bmm(spread.to(features.dtype), features.flatten(2).transpose(1, 2))
        return read


def _hats(at: Tensor, side: int) -> Tensor:
    """Weights of `side` pixels at each place (B, M): one at its own, falling to its neighbours."""
    inside = at.clamp(0.0, side - 1.0).unsqueeze(2)
    pixels = torch.arange(side, device=at.device, dtype=at.dtype)
    return functional.relu(1.0 - (inside - pixels).abs())


class LookNetwork(nn.Module):
    """Encoder and head as one, as they are trained."""

    def __init__(
        self, config: LookConfig, tasks: int, bounds: ActionBounds, m_per_px: float
    ) -> None:
        super().__init__()
        self.config, self.tasks = config, tasks
        self.encoder, self.head = LookEncoder(config), LookHead(config, tasks, bounds, m_per_px)
        self.foreteller = nn.Sequential(
            nn.Linear(config.channels, config.own_width),
            nn.ReLU(),
            nn.Linear(config.own_width, tasks),
        )

    def foretold(self, features: Tensor, places: Tensor) -> Tensor:
        """Logits (B, T) of what comes of moving the fingers at places (B, 2), for every task."""
        logits: Tensor = self.foreteller(self.head.read(features, places.unsqueeze(1))[:, 0])
        return logits

    def forward(self, images: Tensor, state: Tensor, task: Tensor, actions: Tensor) -> Tensor:
        """Logits (B, N) of images and actions."""
        logits: Tensor = self.head(self.encoder(images), state, task, actions)
        return logits
