"""Gradients that oppose each other, against cases worked out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from fakes.small_learner import BOUNDS, CONFIG, LOOKING, TASKS, filled_cache, small_learner
from mtopt_learner.cem_batch import BatchCem
from mtopt_learner.networks.task_input import ONE_HEAD, TaskHeads, TaskLinear
from mtopt_learner.training.pcgrad import Surgeon, dealt, weights
from mtopt_learner.training.trainer import Trainer
from mtopt_learner.updater import Labelled


class Plane(nn.Module):
    """Two shared numbers; a task's loss is their product with its own direction."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Parameter(torch.zeros(2))

    def step(self, directions: list[list[float]], groups: int = 9, seed: int = 0) -> list[float]:
        """The gradient for tasks with these gradients."""
        losses = torch.tensor(directions) @ self.shared
        losses = losses + torch.ones(())  # a loss of nought is a task that is not there
        Surgeon(self, groups).backward(losses, torch.zeros(()), np.random.default_rng(seed))
        assert self.shared.grad is not None
        return self.shared.grad.tolist()


def test_two_tasks_that_oppose_each_other() -> None:
    # (1, 0) less its part against (-1, 1) is (0.5, 0.5); (-1, 1) less its against (1, 0) is (0, 1).
    assert Plane().step([[1.0, 0.0], [-1.0, 1.0]]) == pytest.approx([0.5, 1.5], abs=1e-6)
    assert Plane().step([[1.0, 0.0], [-1.0, 0.0]]) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_without_conflict_it_is_the_sum() -> None:
    assert Plane().step([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]) == pytest.approx([3.0, 2.0], abs=1e-6)


def test_one_group_is_the_sum() -> None:
    assert Plane().step([[1.0, 0.0], [-1.0, 1.0]], groups=1) == pytest.approx([0.0, 1.0], abs=1e-6)


def test_three_tasks_in_both_orders() -> None:
    """The first meets the others one way or the other; what each leaves is worked out by hand."""
    g = np.array([[1.0, 0.0], [-1.0, 1.0], [-1.0, -2.0]])

    def left(one: int, order: tuple[int, ...]) -> np.ndarray:
        kept = g[one]
        for other in order:
            kept = kept - min(0.0, kept @ g[other]) / (g[other] @ g[other]) * g[other]
        return kept

    ways = [[left(one, order) for order in ((a, b), (b, a))]
            for one, a, b in ((0, 1, 2), (1, 0, 2), (2, 0, 1))]  # fmt: skip
    sums = [a + b + c for a in ways[0] for b in ways[1] for c in ways[2]]
    found = [weights(g @ g.T, np.random.default_rng(seed)) @ g for seed in range(20)]
    for each in found:
        assert min(np.abs(each - one).max() for one in sums) < 1e-9
    assert len({tuple(each.round(6)) for each in found}) > 1
    again = weights(g @ g.T, np.random.default_rng(3)) @ g
    assert np.array_equal(again, found[3])


def test_a_task_with_no_gradient_stops_nobody() -> None:
    products = np.array([[1.0, -1.0, 0.0], [-1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    assert np.isfinite(weights(products, np.random.default_rng(0))).all()


def test_tasks_are_dealt_into_groups() -> None:
    rng, tasks = np.random.default_rng(0), np.array([1, 4, 5, 7, 8])
    assert [each.tolist() for each in dealt(tasks, 9, rng)] == [[1], [4], [5], [7], [8]]
    two = [dealt(tasks, 2, rng) for _ in range(5)]
    assert all(sorted(np.concatenate(each)) == tasks.tolist() for each in two)
    assert {len(part) for each in two for part in each} == {2, 3}
    assert len({tuple(each[0]) for each in two}) > 1


def batch(tasks: list[int], looks: bool) -> Labelled:
    """Of two kinds of image, which the second task wants the opposite of."""
    rng, count = np.random.default_rng(0), 16
    good = np.arange(count) % 2 == 0
    which = np.array(tasks)[np.arange(count) // 2 % len(tasks)]
    images = rng.integers(0, 60, (count, 24, 24, 3), dtype=np.uint8)
    images[good, 6:18, 6:18] += np.uint8(150)
    worth = (good ^ (which == 1)).astype(np.float32)
    others = np.stack([good, ~good], axis=1).astype(np.float32)
    made = (
        images, np.zeros((count, 8 if looks else 2), np.float32),
        np.eye(2, dtype=np.float32)[which],
        rng.uniform(-1, 1, (count, 8)).astype(np.float32), worth, worth,
        others, np.zeros_like(others) + (0.5 if looks else 0.0),
    )  # fmt: skip
    return Labelled(*(torch.from_numpy(part) for part in made))


def trained(pcgrad: int, tasks: list[int], looks: bool = False) -> tuple[Trainer, dict[str, float]]:
    """After one step."""
    torch.manual_seed(3)
    config = LOOKING if looks else CONFIG
    training = dataclasses.replace(
        config.training, pcgrad=pcgrad, conservative=0.1, optimizer="sgd", learning_rate=0.1
    )
    made = Trainer(config.made_network(TASKS, BOUNDS), training, BatchCem(BOUNDS, CONFIG.cem))
    torch.nn.init.zeros_(made.network.head.value.bias)  # else all are too low alike
    return made, made.step(batch(tasks, looks), np.random.default_rng(0))


def differences(one: Trainer, other: Trainer) -> dict[str, float]:
    pairs = zip(one.network.state_dict().items(), other.network.state_dict().values(), strict=True)
    return {name: (a - b).abs().max().item() for (name, a), b in pairs if a.dtype.is_floating_point}


def test_a_step_for_one_task_is_the_plain_one() -> None:
    (plain, _), (ours, told) = trained(0, [0]), trained(12, [0])
    assert max(differences(plain, ours).values()) < 1e-6
    assert told["conflicts"] == 0.0


@pytest.mark.parametrize("looks", [False, True], ids=["paper", "look"])
def test_tasks_that_want_the_opposite_are_in_conflict(looks: bool) -> None:
    (plain, _), (ours, told) = trained(0, [0, 1], looks), trained(12, [0, 1], looks)
    assert told["conflicts"] == 1.0
    moved = differences(plain, ours)
    assert max(move for name, move in moved.items() if "encoder" in name) > 1e-6
    assert max(differences(plain, trained(1, [0, 1], looks)[0]).values()) < 1e-6


def test_a_tasks_own_weights_take_the_plain_step() -> None:
    plane = Plane()
    plane.told, plane.heads = TaskLinear(2, 1, ONE_HEAD), TaskHeads(2, 2, 1)
    codes, ones = torch.eye(2), torch.ones(2, 1, 2)
    own = plane.told(codes)[:, 0] + 3.0 * plane.heads(ones, codes)[:, 0, 0]
    losses = torch.tensor([[1.0, 0.0], [-1.0, 1.0]]) @ plane.shared + own
    Surgeon(plane, 2).backward(losses, torch.zeros(()), np.random.default_rng(0))
    assert plane.shared.grad.tolist() == pytest.approx([0.5, 1.5], abs=1e-6)
    assert plane.told.weight.grad.tolist() == [[1.0, 1.0]]
    assert plane.heads.weight.grad.flatten().tolist() == [3.0] * 4


def test_what_is_no_tasks_is_added_as_it_is() -> None:
    plane = Plane()
    losses = torch.tensor([[1.0, 0.0], [-1.0, 1.0]]) @ plane.shared + 1.0
    rest = plane.shared @ torch.tensor([0.0, -10.0])
    Surgeon(plane, 2).backward(losses, rest, np.random.default_rng(0))
    assert plane.shared.grad.tolist() == pytest.approx([0.5, -8.5], abs=1e-6)


def test_it_learns_and_tells_of_conflicts(tmp_path) -> None:
    config = dataclasses.replace(
        LOOKING, training=dataclasses.replace(LOOKING.training, pcgrad=2, conservative=0.1)
    )
    with filled_cache(tmp_path, config=config) as cache:
        first, again = small_learner(cache, config), small_learner(cache, config)
        told = [first.step(cache.frames) for _ in range(8)]
        assert 0.0 <= told[-1]["conflicts"] <= 1.0
        assert [again.step(cache.frames) for _ in range(8)] == told
