"""Weights of a network that knows other tasks, as far as they fit: new tasks join the old."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import CheckpointInvalid


def carry_over(
    network: nn.Module, state: Mapping[str, Tensor], before: tuple[str, ...], now: tuple[str, ...]
) -> None:
    """Take the weights `state` of a network for the tasks `before` into one for the tasks `now`.

    What tasks share is copied. Where each task has its own part, it goes by name; new tasks keep
    what they have. Raises CheckpointInvalid where the networks differ in anything else.
    """
    own = network.state_dict()
    if set(own) != set(state) or (len(before) == len(now) and before != now):
        raise CheckpointInvalid(f"weights of another network, for {', '.join(before)}")
    both = [(before.index(task), now.index(task)) for task in now if task in before]
    theirs, ours = (torch.tensor(each, dtype=torch.long) for each in zip(*both, strict=True))
    for name, weights in own.items():
        given = state[name].to(weights.device)
        if given.shape == weights.shape:
            weights.copy_(given)
            continue
        side = _task_side(name, given, weights, len(before), len(now))
        weights.index_copy_(side, ours, given.index_select(side, theirs))


def _task_side(name: str, given: Tensor, wanted: Tensor, before: int, now: int) -> int:
    """The dimension that counts tasks."""
    pairs = list(zip(given.shape, wanted.shape, strict=False))
    odd = [side for side, (theirs, ours) in enumerate(pairs) if theirs != ours]
    if given.dim() != wanted.dim() or [pairs[side] for side in odd] != [(before, now)]:
        shapes = f"{tuple(given.shape)}, {tuple(wanted.shape)} are wanted"
        raise CheckpointInvalid(f"weights of another network: {name} is {shapes}")
    return odd[0]
