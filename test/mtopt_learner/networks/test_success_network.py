"""The success detector that is trained is the one that is served, and it can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mtopt_core.platt import TaskGrading
from mtopt_core.tasks import TaskRegistry
from mtopt_learner.errors import NetworkInvalid
from mtopt_learner.networks.success_export import logits_of, release_success, success_graph
from mtopt_learner.networks.success_network import (
    FULL,
    SMALL,
    SuccessConfig,
    SuccessNetwork,
    success_loss,
)
from mtopt_robot.models.bundle import Expected, check_success_bundle
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import SuccessManifest
from mtopt_robot.models.success_function import SuccessFunction

torch.set_num_threads(1)

TINY = SuccessConfig(size_px=(24, 32), channels=(8, 12), pool=2, hidden=16)
COARSE = SuccessConfig((32, 40), (8, 12), stem_kernel=7, stem_stride=4, repeats=1, pool=2)
ONE_THREAD = InferenceConfig(threads=1)


def trained(config: SuccessConfig, tasks: int) -> SuccessNetwork:
    """A network whose norms have seen something."""
    torch.manual_seed(0)
    network = SuccessNetwork(config, tasks)
    for _ in range(3):
        network(*(torch.from_numpy(view) for view in views(config, 4)))
    for block in network.trunk:
        torch.nn.init.normal_(block.norm.bias, 0.1, 0.1)
    torch.nn.init.normal_(network.norm.bias, 0.1, 0.1)
    return network.eval()


def views(config: SuccessConfig, count: int, seed: int = 0) -> tuple:
    rng = np.random.default_rng(seed)
    shape = (count, *config.size_px, 3)
    return tuple(rng.integers(0, 256, size=shape, dtype=np.uint8) for _ in range(3))


@pytest.mark.parametrize("config", [TINY, SMALL, COARSE])
@pytest.mark.parametrize("count", [1, 3])
def test_the_graph_gives_the_logits_of_the_network(config: SuccessConfig, count: int) -> None:
    network = trained(config, 12)
    sizes = (config.size_px,) * 3
    served = SuccessFunction(success_graph(network), sizes, 12, ONE_THREAD)
    seen = views(config, count, seed=5)
    np.testing.assert_allclose(served.logits(*seen), logits_of(network, seen), atol=1e-4)


def test_what_is_released_passes_every_check(tmp_path: Path, registry: TaskRegistry) -> None:
    image = ImageFormat((48, 64), (48, 64), TINY.size_px)
    manifest = SuccessManifest(
        kind="success",
        name="watcher",
        version="1",
        tasks=registry.names,
        overhead=image,
        left=image,
        right=image,
        grading={name: TaskGrading() for name in registry.names},
    )
    network = trained(TINY, len(registry))
    folder = release_success(tmp_path, network, manifest, views(TINY, 3))
    bundle = check_success_bundle(folder, Expected(None, registry.names), ONE_THREAD)
    assert bundle.manifest.id == "watcher/1"


def test_each_view_and_each_task_counts() -> None:
    network, seen = trained(TINY, 5), views(TINY, 2)
    logits = logits_of(network, seen)
    assert len(np.unique(logits.round(5), axis=1)[0]) == 5
    for place in range(3):
        other = tuple(255 - view if at == place else view for at, view in enumerate(seen))
        assert np.abs(logits_of(network, other) - logits).max() > 1e-3


def test_it_learns_which_view_is_bright_where() -> None:
    torch.manual_seed(1)
    sizes = SuccessConfig((16, 16), (8,), pool=4, hidden=32, dropout=0.0, norm_momentum=0.2)
    network = SuccessNetwork(sizes, 6)
    adam = torch.optim.Adam(network.parameters(), lr=0.01)
    for step in range(150):
        batch, labels = bright_spots(32, seed=step)
        network.zero_grad()
        success_loss(network(*batch), labels, torch.ones_like(labels)).backward()
        adam.step()
    batch, labels = bright_spots(200, seed=10_000)
    network.eval()
    right = (network(*batch) > 0) == (labels > 0.5)
    assert float(right.float().mean()) > 0.95


def bright_spots(count: int, seed: int) -> tuple:
    """Task 2 v + s asks whether view v is bright on side s (left, right)."""
    rng = np.random.default_rng(seed)
    labels = rng.random((count, 6)) < 0.5
    seen = rng.integers(0, 60, size=(3, count, 16, 16, 3)).astype(np.uint8)
    for view in range(3):
        for side in range(2):
            on = labels[:, 2 * view + side]
            seen[view, on, 4:12, 8 * side + 2 : 8 * side + 6] += 150
    tensors = tuple(torch.from_numpy(view) for view in seen)
    return tensors, torch.from_numpy(labels.astype(np.float32))


def test_labels_that_nobody_gave_teach_nothing() -> None:
    logits = torch.tensor([[2.0, -1.0]], requires_grad=True)
    labels, known = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])
    success_loss(logits, labels, known).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] > 0.5 and logits.grad[0, 1] == 0.0
    assert success_loss(logits, labels, torch.zeros_like(known)).item() == 0.0


def test_the_papers_size_has_about_the_papers_numbers() -> None:
    assert FULL.pooled_px == (5, 5)
    count = sum(weights.numel() for weights in SuccessNetwork(FULL, 12).parameters())
    assert 0.5e6 < count < 1.5e6


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kernel": 4}, "must be odd"),
        ({"size_px": (16, 16)}, "leave nothing"),
        ({"channels": ()}, "leave nothing"),
    ],
)
def test_sizes_that_make_no_network_are_refused(wrong: dict, said: str) -> None:
    with pytest.raises(NetworkInvalid, match=said):
        SuccessConfig(**wrong)
