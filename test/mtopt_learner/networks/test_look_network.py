"""The network that looks where an action goes: what it reads, and that its graphs say the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mtopt_core.action import ActionBounds
from mtopt_learner.errors import NetworkInvalid
from mtopt_learner.networks.look_config import LookConfig
from mtopt_learner.networks.look_export import look_encoder_graph, look_head_graph
from mtopt_learner.networks.look_network import LookNetwork
from mtopt_robot.models import openvino_engine
from mtopt_robot.models.engine import CPU, FP32, OPENVINO, InferenceConfig
from mtopt_robot.models.q_function import QFunction
from mtopt_robot.models.runtime import engine_of

CONFIG = LookConfig((48, 72), stem=6, channels=8, fine=1, coarse_channels=10, coarse=1, width=16)
M_PER_PX, TASKS = 0.004, 3


@pytest.fixture(scope="module")
def network() -> LookNetwork:
    torch.manual_seed(3)
    made = LookNetwork(CONFIG, TASKS, ActionBounds(), M_PER_PX)
    for _ in range(5):  # norms that have seen something
        made(*batch(8, 4, 1))
    with torch.no_grad():
        for weights in made.head.parameters():
            weights.mul_(2.5)
        for gain in (made.head.gain, made.head.gain_2):
            gain.weight.normal_()
    return made.eval()


def batch(states: int, actions: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (states, *CONFIG.size_px, 3), dtype=np.uint8)
    state = rng.uniform(-0.1, 0.1, (states, 8)).astype(np.float32)
    yaw, turn = rng.uniform(-3, 3, states), rng.uniform(-1.5, 1.5, (states, actions))
    state[:, 4], state[:, 5] = np.sin(yaw), np.cos(yaw)
    rows = rng.uniform(-1, 1, (states, actions, 8)).astype(np.float32)
    rows[..., 3], rows[..., 4] = np.sin(turn), np.cos(turn)
    code = np.eye(TASKS, dtype=np.float32)[rng.integers(TASKS, size=states)]
    image_, state_, code_, rows_ = (torch.from_numpy(a) for a in (image, state, code, rows))
    return image_, state_, code_, rows_


@pytest.mark.parametrize("provider", [CPU, OPENVINO])
def test_pytorch_and_onnx_agree(network: LookNetwork, provider: str) -> None:
    if provider == OPENVINO and not openvino_engine.installed():
        pytest.skip("OpenVINO is not installed")
    given = batch(3, 7, 5)
    with torch.no_grad():
        wanted = torch.sigmoid(network(*given)).numpy()
    assert np.ptp(wanted) > 0.2, "values that are all alike prove nothing"
    graphs = look_encoder_graph(network), look_head_graph(network)
    engine = engine_of(provider, FP32, InferenceConfig(threads=1))
    served = QFunction(*graphs, CONFIG.size_px, TASKS, engine=engine, posed=True)
    images, state, task, actions = (each.numpy() for each in given)
    found = served.score(served.features(images), state, task, actions)
    assert found == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("yaw", [0.0, 1.1])
def test_it_reads_the_image_where_the_action_leads(network: LookNetwork, yaw: float) -> None:
    """Features that are their own row and column: what is read there is where the action leads."""
    rows, columns = CONFIG.features_px
    place = torch.stack(torch.meshgrid(
        torch.arange(rows) - (rows - 1) / 2, torch.arange(columns) - (columns - 1) / 2,
        indexing="ij",
    )).float()[None] * M_PER_PX * 4  # fmt: skip
    delta = torch.tensor([0.03, -0.02])
    action = torch.zeros(1, 1, 8)
    action[..., :2], action[..., 4] = delta / 0.1, 1.0
    state = torch.zeros(1, 8)
    state[0, 4], state[0, 5] = np.sin(yaw), np.cos(yaw)
    head = network.head
    places = head._places(head._ways(state, action), action)
    read = head.read(place, places.flatten(1, 2))[0]
    c, s = np.cos(yaw), np.sin(yaw)
    ahead, beside = c * 0.03 - s * 0.02, -s * 0.03 - c * 0.02
    assert read[0].tolist() == pytest.approx([ahead, beside], abs=1e-5)
    assert read[1].tolist() == pytest.approx([ahead + CONFIG.reach_m, beside], abs=1e-5)
    assert read[3].tolist() == pytest.approx([ahead, beside + CONFIG.reach_m], abs=1e-5)


def test_several_tasks_at_once_are_each_alone(network: LookNetwork) -> None:
    image, state, _, actions = batch(2, 1, 8)
    codes = torch.eye(TASKS)
    with torch.no_grad():
        seen = network.encoder(image)
        many = network.head(seen, state, codes.expand(2, -1, -1), actions)
        for index in range(TASKS):
            one = network.head(seen, state, codes[index].expand(2, -1), actions)
            assert torch.allclose(one[:, 0], many[:, index], atol=1e-5)


def test_sizes_that_do_not_divide_are_refused() -> None:
    with pytest.raises(NetworkInvalid, match="size_px"):
        LookConfig((100, 96))
