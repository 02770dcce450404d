"""PCGrad: a step for all tasks that no task's own gradient is turned against by another's.

Yu et al., Gradient Surgery for Multi-Task Learning. Each task's gradient, where it opposes
another's, loses the part that points against it; one other after the other, in an order drawn anew
for each. The step is the sum of what is left. Tasks may be dealt into fewer groups, which are then
what opposes: each group is a backward pass through the whole network.

Gradients are compared over all weights that tasks share. A task's own (its head, its place in a
matrix on one-hots) take the plain gradient: nobody else's can oppose it there.
"""

from __future__ import annotations

from itertools import compress

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..networks.task_input import tasks_own


def weights(products: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """How much of each of G gradients the step has, (G,), from their scalar products (G, G).

    All ones where none opposes another. What a projection takes of a gradient is a multiple of
    another, so the products are all that has to be known.
    """
    count = len(products)
    left = np.eye(count)  # row: what is left of a gradient, as a sum of all
    for one in range(count):
        for other in rng.permutation(count):
            along = left[one] @ products[:, other]
            if other != one and along < 0.0 < products[other, other]:
                left[one, other] -= along / products[other, other]
    found: NDArray[np.float64] = left.sum(axis=0)
    return found


def dealt(
    tasks: NDArray[np.int64], groups: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Tasks as at most so many groups of about one size, at random where a group has several."""
    if len(tasks) <= groups:
        return [tasks[i : i + 1] for i in range(len(tasks))]
    return np.array_split(rng.permutation(tasks), groups)


class Surgeon:
    """Works out the gradients of a network for losses by task."""

    def __init__(self, network: nn.Module, groups: int) -> None:
        self._groups = groups
        own = set(map(id, tasks_own(network)))
        self._weights = list(network.parameters())
        self._shared = [id(each) not in own for each in self._weights]

    def backward(self, losses: Tensor, rest: Tensor, rng: np.random.Generator) -> float:
        """Leaves in the weights' `grad` the step for losses by task (T,) and for a `rest` of all.

        Without conflicts it is the gradient of their sum. The share of pairs that were in conflict.
        """
        present = np.flatnonzero(losses.detach().cpu().numpy())
        groups = dealt(present, self._groups, rng)
        found = [self._gradient(losses[torch.from_numpy(each)].sum()) for each in groups]
        flat = torch.stack([torch.cat([each.flatten() for each in compress(one, self._shared)])
                            for one in found])  # fmt: skip
        products = (flat @ flat.T).double().cpu().numpy()
        shares = weights(products, rng)
        others = self._gradient(rest) if rest.requires_grad else None
        for place, (weight, shared) in enumerate(zip(self._weights, self._shared, strict=True)):
            weight.grad = torch.zeros_like(weight) if others is None else others[place]
            for share, one in zip(shares, found, strict=True):
                weight.grad.add_(one[place], alpha=float(share) if shared else 1.0)
        pairs = max(1, len(flat) * (len(flat) - 1))
        return float((products < 0.0).sum()) / pairs

    def _gradient(self, loss: Tensor) -> list[Tensor]:
        found = torch.autograd.grad(loss, self._weights, retain_graph=True, allow_unused=True)
        return [
            torch.zeros_like(weight) if each is None else each
            for weight, each in zip(self._weights, found, strict=True)
        ]
