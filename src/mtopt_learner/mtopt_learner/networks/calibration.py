"""The largest value behind every layer, measured over examples: what integers must hold."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from .q_network import ConvBlock, QNetwork

# The rare largest values are cut off, so that the others keep finer steps.
KEPT_SHARE = 0.99999
_MOST_COUNTED = 2_000_000
Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def calibrated(network: QNetwork, batches: Iterable[Batch]) -> dict[nn.Module, float]:
    """The top of each block over batches of (images, state, task, actions), in evaluation."""
    tops: dict[nn.Module, float] = {}

    def note(block: nn.Module, _: object, behind: Tensor) -> None:
        values = behind.flatten()
        values = values[:: max(1, len(values) // _MOST_COUNTED)]
        rank = max(1, round(KEPT_SHARE * len(values)))
        top = float(values.kthvalue(rank).values)
        tops[block] = max(tops.get(block, 0.0), top, 1e-6)

    blocks = [block for block in network.modules() if isinstance(block, ConvBlock)]
    hooks = [block.register_forward_hook(note) for block in blocks]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                network(*batch)
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return tops
