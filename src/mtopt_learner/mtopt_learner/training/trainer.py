"""The trainer: one step of the network's weights towards targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mtopt_core.config import option

from ..cem_batch import BatchCem
from ..networks.look_network import LookNetwork
from ..networks.q_network import QNetwork
from ..precision import working_in
from ..updater import Labelled
from .pcgrad import Surgeon

ADAM, SGD = "adam", "sgd"
AUTO, FP32, BF16 = "auto", "fp32", "bf16"
MOMENTUM = 0.9
Trained = QNetwork | LookNetwork


@dataclass(frozen=True)
class TrainConfig:
    """How weights are changed."""

    batch: int = option(64, "examples in a step", low=2, high=65536)
    optimizer: str = option(ADAM, "method; the paper's is sgd, with momentum", choices=(ADAM, SGD))
    learning_rate: float = option(1e-3, "size of a step", low=0.0, high=10.0)
    warm_up: int = option(100, "steps until it has grown to that", low=0)
    half_life: int = option(0, "steps in which it halves from then on; 0: it stays", low=0)
    weight_decay: float = option(7e-5, "pull of the weights towards nought", low=0.0, high=1.0)
    uses: int = option(4, "steps that an example with its target is used for", low=1, high=1000)
    conservative: float = option(
        0.0, "weight of the term that keeps actions nobody tried from looking good", low=0.0
    )
    conservative_actions: int = option(
        4, "such motions for each example, beside every command", low=1, high=256
    )
    foretold: float = option(
        0.0,
        "weight of telling what episodes came to from where they were decided, in earlier images",
        low=0.0,
    )
    foretold_first: int = option(
        0, "steps that do nothing else, before any value is learned", low=0
    )
    pcgrad: int = option(
        0, "groups of tasks whose gradients may not oppose each other, each a backward pass",
        low=0, high=1000,
    )  # fmt: skip
    precision: str = option(
        AUTO, "number format; auto: bf16 where the machine has arithmetic for it",
        choices=(AUTO, FP32, BF16),
    )  # fmt: skip

    def rate(self, steps: int) -> float:
        """The size of the next step after so many."""
        grown = self.learning_rate * min(1.0, (steps + 1) / (self.warm_up + 1))
        later: float = 0.5 ** (
            max(0, steps - self.warm_up) / self.half_life if self.half_life else 0
        )
        return grown * later


def precision_of(config: TrainConfig, device: str) -> torch.dtype | None:
    """The format that layers work in, None for the weights' own."""
    if config.precision == AUTO:
        on_cpu = device == "cpu"
        fit = torch.cpu._is_amx_tile_supported() if on_cpu else torch.cuda.is_bf16_supported()
        return torch.bfloat16 if fit else None
    return torch.bfloat16 if config.precision == BF16 else None


class Trainer:
    """Owns the weights that are trained."""

    def __init__(
        self, network: Trained, config: TrainConfig, search: BatchCem, device: str = "cpu"
    ) -> None:
        self.network = network.to(device).train()
        self.config, self.steps = config, 0
        self._search, self._device = search, device
        self._amp = precision_of(config, device)
        self._optimizer = self._made_optimizer()
        self._surgeon = Surgeon(self.network, config.pcgrad)

    def step(self, batch: Labelled, rng: np.random.Generator) -> dict[str, float]:
        """One step; loss, and the means of Q, targets and returns over the batch."""
        images, states, tasks, actions, target, real, others, weights = (
            part.to(self._device) for part in batch.parts[:8]
        )
        rows = self._with_untried(actions, rng)
        with working_in(self._amp, self._device):
            seen = self.network.encoder(images)
            logits = self.network.head(seen, states, tasks, rows).float()
            beside = self._beside(seen, states, actions, others, weights)
            missed = self._missed(seen, batch)
        error = functional.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="none")
        off = error + self.config.conservative * _conservative(logits)
        losses = off @ tasks / len(tasks) + beside
        descended = self._descend(self.config.foretold * missed, losses, rng)
        q = torch.sigmoid(logits[:, 0].detach())
        told = {"loss": error.mean(), "q": q.mean(), "target": target.mean(), "return": real.mean()}
        told["q_against_return"] = (q - real).abs().mean()
        return {name: value.item() for name, value in told.items()} | descended

    @property
    def foretelling(self) -> bool:
        """Whether the next step is one that values nothing yet."""
        return self.steps < self.config.foretold_first

    def foretell(self, batch: Labelled) -> dict[str, float]:
        """One step of telling what came of deeds, and of nothing else; its loss."""
        with working_in(self._amp, self._device):
            missed = self._missed(self.network.encoder(batch.images.to(self._device)), batch)
        return {"loss": missed.item()} | self._descend(missed)

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "steps": self.steps,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Back to a state."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.steps = int(state["steps"])

    def _made_optimizer(self) -> torch.optim.Optimizer:
        weights, rate = self.network.parameters(), self.config.learning_rate
        decay = self.config.weight_decay
        if self.config.optimizer == SGD:
            return torch.optim.SGD(weights, rate, momentum=MOMENTUM, weight_decay=decay)
        return torch.optim.AdamW(weights, rate, weight_decay=decay)

    def _descend(
        self,
        rest: Tensor,
        losses: Tensor | None = None,
        rng: np.random.Generator | None = None,
    ) -> dict[str, float]:
        """One step down losses by task (T,) and what is no task's; what there is to tell of it."""
        told = {"learning_rate": self.config.rate(self.steps)}
        for group in self._optimizer.param_groups:
            group["lr"] = told["learning_rate"]
        self._optimizer.zero_grad(set_to_none=True)
        if self.config.pcgrad and losses is not None and rng is not None:
            told["conflicts"] = self._surgeon.backward(losses, rest, rng)
        else:
            (rest if losses is None else losses.sum() + rest).backward()
        self._optimizer.step()
        self.steps += 1
        return told

    def _beside(
        self, seen: Tensor, states: Tensor, actions: Tensor, others: Tensor, weights: Tensor
    ) -> Tensor:
        """How far the same actions are from their targets for every task, (T,); () with none."""
        if not bool(weights.any()):
            return torch.zeros((), device=seen.device)
        codes = torch.eye(others.shape[1], device=seen.device).expand(len(seen), -1, -1)
        logits = self.network.head(seen, states, codes, actions.unsqueeze(1)).float()
        error = functional.binary_cross_entropy_with_logits(logits, others, reduction="none")
        return (error * weights).sum(dim=0) / len(seen)

    def _missed(self, seen: Tensor, batch: Labelled) -> Tensor:
        """How far what is foretold of the places of deeds is from what came of them."""
        weights, outcomes, deeds = (part.to(self._device) for part in batch.parts[7:])
        wanted = self.config.foretold > 0.0 or self.foretelling
        if not isinstance(self.network, LookNetwork) or not deeds.shape[1] or not wanted:
            return seen.new_zeros(())
        logits = self.network.foretold(seen, deeds[:, :2]).float()
        error = functional.binary_cross_entropy_with_logits(logits, outcomes, reduction="none")
        return (error * weights * deeds[:, 2:]).sum() / len(seen)

    def _with_untried(self, actions: Tensor, rng: np.random.Generator) -> Tensor:
        """Actions (N, 1, 8); with the conservative term some that nobody tried behind each: every
        command, since a search always looks at those, and some motions."""
        tried = actions.unsqueeze(1)
        if self.config.conservative == 0.0:
            return tried
        drawn = self._search.proposals(self._search.noise(len(actions), rng)[0])
        commands = drawn.shape[1] - self._search.motions
        chosen = rng.integers(
            commands, drawn.shape[1], size=(len(actions), self.config.conservative_actions)
        )
        places = torch.from_numpy(chosen).to(drawn.device)[..., None].expand(-1, -1, drawn.shape[2])
        return torch.cat([tried, drawn[:, :commands], torch.gather(drawn, 1, places)], dim=1)


def _conservative(logits: Tensor) -> Tensor:
    """How far others look better than the action that was tried, (N, 1 + untried) to (N,)."""
    if logits.shape[1] == 1:
        return logits.new_zeros(len(logits))
    return torch.logsumexp(logits, dim=1) - logits[:, 0]
