"""How a network is told its task: by its place in the registry or by its text; by one head or many.

Everything outside a network names a task by its one-hot. What becomes of it is settled here, and is
part of the exported graph, so a cell serves any of these networks alike.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mtopt_core.config import option
from mtopt_core.tasks import TaskRegistry

from ..errors import SettingsInvalid

SINGLE, MULTI = "single", "multi"
ONE_HOT, TEXT = "one-hot", "text"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, eq=False)
class TaskInput:
    """Whether each task has a head of its own, and the tasks' `codes` (T, D), None for one-hots."""

    many_heads: bool = False
    codes: NDArray[np.float32] | None = None


ONE_HEAD = TaskInput()


@dataclass(frozen=True)
class TaskInputConfig:
    """How the network is told its task."""

    heads: str = option(
        SINGLE, "one head that is told the task, or last layers of its own for each as well",
        choices=(SINGLE, MULTI),
    )  # fmt: skip
    code: str = option(
        ONE_HOT, "what it is told of a task: its place, or the words of its text",
        choices=(ONE_HOT, TEXT),
    )  # fmt: skip
    width: int = option(64, "numbers of a text's code", low=8, high=4096)

    def made(self, tasks: TaskRegistry) -> TaskInput:
        """For a registry's tasks; raises SettingsInvalid where two texts have the same code."""
        if self.code == ONE_HOT:
            return TaskInput(self.heads == MULTI)
        codes = np.stack([text_code(task.text, self.width) for task in tasks])
        alike = np.triu(codes @ codes.T > 1.0 - 1e-6, k=1)
        for one, other in np.argwhere(alike):
            names = f"{tasks.names[one]} and {tasks.names[other]}"
            raise SettingsInvalid(
                f"task.code = {TEXT!r}: the texts of {names} have one code; say them otherwise"
            )
        return TaskInput(self.heads == MULTI, codes)


def text_code(text: str, width: int) -> NDArray[np.float32]:
    """A text as `width` numbers of length one: its words and pairs of words, hashed.

    Each adds or takes one at a place that follows from its letters alone, so a text has the same
    code on every machine, whatever other tasks there are, and texts that share words are near.
    """
    words = _WORD.findall(text.lower())
    code = np.zeros(width)
    for part in [*words, *(" ".join(pair) for pair in itertools.pairwise(words))]:
        number = int.from_bytes(hashlib.blake2b(part.encode(), digest_size=8).digest())
        code[(number >> 1) % width] += 1.0 if number & 1 else -1.0
    length = float(np.linalg.norm(code))
    return (code / length if length else code).astype(np.float32)


class TaskLinear(nn.Linear):
    """A matrix on tasks: on their one-hots, or on their codes."""

    codes: Tensor | None

    def __init__(self, tasks: int, outputs: int, told: TaskInput) -> None:
        super().__init__(tasks if told.codes is None else told.codes.shape[1], outputs, bias=False)
        codes = None if told.codes is None else torch.from_numpy(told.codes)
        self.register_buffer("codes", codes, persistent=False)

    def forward(self, task: Tensor) -> Tensor:
        """One-hots (..., T) to (..., outputs)."""
        return super().forward(task if self.codes is None else task @ self.codes)

    @property
    def by_task(self) -> Tensor:
        """The matrix on one-hots that it comes to, (outputs, T)."""
        return self.weight if self.codes is None else self.weight @ self.codes.T


class TaskHeads(nn.Module):
    """A linear layer for each of T tasks; the one-hot picks whose is used."""

    def __init__(self, tasks: int, inputs: int, outputs: int) -> None:
        super().__init__()
        each = [nn.Linear(inputs, outputs) for _ in range(tasks)]
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in each]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in each]))

    def forward(self, hidden: Tensor, task: Tensor) -> Tensor:
        """Rows (B, N, inputs) for tasks (B, T), or (B, N, T) where each row has its own."""
        whose = task.argmax(dim=-1)
        rows = (whose.unsqueeze(1) if task.dim() == 2 else whose).expand(hidden.shape[:2]).flatten()
        order = torch.argsort(rows, stable=True)
        counts = torch.bincount(rows, minlength=len(self.weight)).tolist()
        parts = zip(hidden.flatten(0, 1)[order].split(counts), self.weight, self.bias, strict=True)
        found = torch.cat([functional.linear(*part) for part in parts])
        return found[torch.argsort(order)].unflatten(0, hidden.shape[:2])


def dense(tasks: int, inputs: int, outputs: int, told: TaskInput) -> nn.Linear | TaskHeads:
    """One of the last layers: the tasks', or each task's own."""
    return TaskHeads(tasks, inputs, outputs) if told.many_heads else nn.Linear(inputs, outputs)


def through(layer: nn.Module, hidden: Tensor, task: Tensor) -> Tensor:
    """Rows (B, N, inputs) through such a layer."""
    found: Tensor = layer(hidden, task) if isinstance(layer, TaskHeads) else layer(hidden)
    return found


def tasks_own(network: nn.Module) -> list[nn.Parameter]:
    """The weights of which every task has its own part, that no other task reads."""
    found: list[nn.Parameter] = []
    for layer in network.modules():
        if isinstance(layer, TaskHeads) or (isinstance(layer, TaskLinear) and layer.codes is None):
            found += layer.parameters()
    return found
