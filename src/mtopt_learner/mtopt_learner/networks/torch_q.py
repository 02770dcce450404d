"""A network as it stands in PyTorch, asked like any Q-function: arrays in, values out."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from mtopt_core.encoding import Numbers
from mtopt_core.observation import Image

from .look_network import LookNetwork
from .q_network import QNetwork


class TorchQ:
    """Features once, then values of all actions: the split network."""

    def __init__(self, network: QNetwork | LookNetwork, dtype: torch.dtype = torch.float32) -> None:
        """Works on a copy, in evaluation."""
        self._network = copy.deepcopy(network).eval().to(dtype)
        self._network = self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._dtype = dtype

    def features(self, images: Image) -> Numbers:
        """Features (B, C, h, w) of images (B, H, W, 3)."""
        with torch.inference_mode():
            return _array(self._network.encoder(torch.from_numpy(images)))

    def score(self, features: Numbers, state: Numbers, task: Numbers, actions: Numbers) -> Numbers:
        """Values (B, N)."""
        with torch.inference_mode():
            given = (self._tensor(each) for each in (features, state, task, actions))
            return _array(torch.sigmoid(self._network.head(*given)))

    def _tensor(self, values: Numbers) -> Tensor:
        return torch.from_numpy(values).to(self._dtype)


class UnsplitQ:
    """The whole network on a copy of the image for every action: what a split saves."""

    def __init__(self, network: QNetwork) -> None:
        self._network = copy.deepcopy(network).eval()

    def features(self, images: Image) -> Numbers:
        """The images themselves: nothing is done beforehand."""
        return images  # type: ignore[return-value]

    def score(self, features: Numbers, state: Numbers, task: Numbers, actions: Numbers) -> Numbers:
        """Values (B, N)."""
        count = actions.shape[1]
        copies = [
            torch.from_numpy(np.repeat(each, count, axis=0)) for each in (features, state, task)
        ]
        rows = torch.from_numpy(actions.reshape(-1, 1, actions.shape[2]))
        with torch.inference_mode():
            logits = self._network(*copies, rows)
        return _array(torch.sigmoid(logits)).reshape(actions.shape[:2])


def _array(values: Tensor) -> Numbers:
    found: Numbers = values.float().numpy()
    return found
