"""The network is the paper's, and its sizes are those that the config promises."""

from __future__ import annotations

import pytest
import torch

from fakes.small_network import SCENES, SMALL, TASKS, small_network
from mtopt_learner.errors import NetworkInvalid
from mtopt_learner.networks.config import NetworkConfig
from mtopt_learner.networks.q_network import QNetwork, parameter_count, useful_flops

PAPER = NetworkConfig()


def test_the_papers_network_has_its_sizes_and_its_number_of_parameters() -> None:
    assert (PAPER.stem_px, PAPER.body_px) == ((236, 236), (78, 78))
    assert (PAPER.features_px, PAPER.tail_px) == ((26, 26), (7, 7))
    count = parameter_count(QNetwork(PAPER, tasks=12))
    assert round(count / 1e6, 2) == 1.18


def test_the_papers_work_is_mostly_in_the_head() -> None:
    encoder, head = useful_flops(PAPER)
    assert encoder == pytest.approx(8.25e9, rel=0.01)
    assert head == pytest.approx(0.318e9, rel=0.01)


def test_shapes_are_those_of_cells_and_actions() -> None:
    network, (images, state, task, actions) = small_network(), SCENES.batch(1, 2, 5)
    features = network.encoder(images)
    assert features.shape == (2, SMALL.channels, *SMALL.features_px)
    assert network.head(features, state, task, actions).shape == (2, 5)


def test_an_action_is_valued_the_same_alone_and_among_others() -> None:
    network, batch = small_network(), SCENES.batch(2, 2, 6)
    together = network(*batch)
    for cell in range(2):
        for index in range(6):
            images, state, task, actions = (each[cell : cell + 1] for each in batch)
            alone = network(images, state, task, actions[:, index : index + 1])
            assert alone.item() == pytest.approx(together[cell, index].item(), abs=1e-4)


def test_everything_that_is_asked_for_matters() -> None:
    network, batch = small_network(), list(SCENES.batch(3, 1, 8))
    before = network(*batch)
    other = [
        255 - batch[0],
        batch[1] + 1.0,
        torch.roll(batch[2], 1, dims=1),
        batch[3] + 0.5,
    ]
    for index, value in enumerate(other):
        changed = [*batch[:index], value, *batch[index + 1 :]]
        assert not torch.allclose(network(*changed), before, atol=1e-4), index


def test_every_parameter_is_trained() -> None:
    network = small_network().train()
    network(*SCENES.batch(4, 2, 4)).sum().backward()
    idle = [name for name, each in network.named_parameters() if not each.grad.abs().sum() > 0]
    assert idle == []


@pytest.mark.parametrize(
    "settings",
    [
        {"size_px": (32, 472)},
        {"size_px": (100, 100)},
        {"body_kernel": 4},
        {"head_kernel": 2},
        {"tail_convs": 8},
    ],
)
def test_sizes_that_make_no_network_are_refused(settings: dict) -> None:
    with pytest.raises(NetworkInvalid, match=r"size|must be odd|image of"):
        NetworkConfig(**settings)


def test_a_network_for_so_many_tasks_takes_no_others() -> None:
    images, state, _, actions = SCENES.batch(5, 1, 8)
    with pytest.raises(RuntimeError):
        small_network()(images, state, torch.ones(1, len(TASKS) + 1), actions)
