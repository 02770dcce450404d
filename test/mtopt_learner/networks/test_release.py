"""A network goes out as a bundle that a cell takes, with the number formats it is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fakes.small_network import BOUNDS, SCENES, SMALL, TASKS, small_network
from mtopt_core.encoding import layout_hash
from mtopt_learner.networks.release import golden_of, is_good, release
from mtopt_learner.networks.stand_in import SPREAD, stand_in
from mtopt_robot.models.bundle import check_bundle
from mtopt_robot.models.comparison import Comparison, Scene
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import Manifest

IMAGE = ImageFormat((50, 60), SMALL.size_px, SMALL.size_px)


def manifest() -> Manifest:
    return Manifest(
        kind="q", name="small", version="1", tasks=TASKS, bounds=BOUNDS,
        action_layout=layout_hash(BOUNDS), image=IMAGE, training={"steps": 0},
    )  # fmt: skip


def test_a_released_network_serves_in_every_format_that_it_states(tmp_path: Path) -> None:
    network = small_network(1)
    images, states, codes, _ = SCENES.batch(3, scenes=2)
    trials = [Scene(i.numpy(), s.numpy(), c.numpy()) for i, s, c in zip(images, states, codes)]  # noqa: B905
    examples = [SCENES.batch(seed) for seed in (1, 2)]
    folder = release(tmp_path, manifest(), network, examples, SCENES.golden(4), trials)
    expected, config = Expected(BOUNDS, TASKS), InferenceConfig(threads=1, provider="cpu")
    bundle = check_bundle(folder, expected, config)
    stated = bundle.manifest.precisions
    assert stated[0] == "fp32"
    assert set(bundle.manifest.training["precisions"]) >= {"int8"}
    assert bundle.manifest.training["steps"] == 0
    batch = SCENES.batch(8, 2, 5)
    with torch.no_grad():
        wanted = torch.sigmoid(network(*batch)).numpy()
    image, state, task, actions = (each.numpy() for each in batch)
    for precision in stated:
        if precision == "bf16":
            continue  # plain CPUs have none
        served = check_bundle(folder, expected, InferenceConfig(1, "cpu", precision))
        assert served.runtime.precision == precision
        q = served.q_function.score(served.q_function.features(image), state, task, actions)
        assert q == pytest.approx(wanted, abs=1e-4 if precision == "fp32" else 0.15)


def test_golden_examples_are_pytorchs_own() -> None:
    network, batch = small_network(2), SCENES.golden(5, actions=6)
    golden = golden_of(network, batch, TASKS)
    assert golden.tasks == TASKS
    with torch.no_grad():
        wanted = torch.sigmoid(network(*batch)).numpy()
    assert golden.q == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    ("agreement", "regret", "good"),
    [(0.99, 0.001, True), (0.94, 0.0, False), (0.99, 0.02, False), (float("nan"), 0.0, False)],
)
def test_a_format_is_good_where_order_and_choice_are_kept(
    agreement: float, regret: float, good: bool
) -> None:
    assert is_good(Comparison(agreement, regret)) is good


def test_a_stand_in_spreads_its_values_and_is_the_same_again() -> None:
    first, again = (stand_in(SMALL, len(TASKS), BOUNDS, seed=7) for _ in range(2))
    batch = SCENES.batch(7)
    with torch.no_grad():
        logits, same = first(*batch), again(*batch)
    assert torch.equal(logits, same)
    assert logits.std(dim=1).mean().item() == pytest.approx(SPREAD, rel=0.05)
    assert np.ptp(torch.sigmoid(logits).numpy()) > 0.5
    assert not torch.equal(logits, stand_in(SMALL, len(TASKS), BOUNDS, seed=8)(*batch))
