"""One head or many, one-hots or texts: what is trained is what is served, and who is told what."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fakes.small_learner import BOUNDS, CONFIG, LOOKING
from fakes.small_network import SCENES, SMALL, small_network
from mtopt_core.encoding import layout_hash
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_learner.config import LearnConfig, ValueNetwork
from mtopt_learner.errors import SettingsInvalid
from mtopt_learner.networks.calibration import Batch, calibrated
from mtopt_learner.networks.export import encoder_graph, head_graph
from mtopt_learner.networks.folding import fold
from mtopt_learner.networks.look_network import LookNetwork
from mtopt_learner.networks.release import exported, release
from mtopt_learner.networks.task_input import TaskHeads, TaskInputConfig, tasks_own, text_code
from mtopt_learner.training.weights import carry_over
from mtopt_robot.models import openvino_engine
from mtopt_robot.models.bundle import check_bundle
from mtopt_robot.models.comparison import Scene
from mtopt_robot.models.engine import CPU, FP32, OPENVINO, InferenceConfig
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.q_function import QFunction
from mtopt_robot.models.runtime import engine_of

CONFIGS = Path(__file__).resolve().parents[3] / "config"
TASKS = TaskRegistry(config_files.tasks(CONFIGS / "tasks.yaml").tasks[:3])
WAYS = [("multi", "one-hot"), ("single", "text"), ("multi", "text")]
BOTH = pytest.mark.parametrize("config", [CONFIG, LOOKING], ids=["paper", "look"])


def untrained(config: LearnConfig, heads: str, code: str, tasks: TaskRegistry = TASKS):
    """A network whose values differ with the task, and whose norms have seen something."""
    torch.manual_seed(4)
    told = TaskInputConfig(heads, code, 16)
    network = dataclasses.replace(config, task=told).made_network(tasks, BOUNDS)
    network(*batch(config, 6, 3, 1, len(tasks)))
    with torch.no_grad():
        for weights in network.head.parameters():
            weights.mul_(3.0)
        network.head.value.bias.zero_()  # else all are worth next to nothing
        for layer in network.head.modules():
            if isinstance(layer, nn.Linear) and hasattr(layer, "codes"):
                layer.weight.normal_()
    return network.eval()


def batch(
    config: LearnConfig, states: int, actions: int, seed: int, tasks: int = len(TASKS)
) -> Batch:
    rng = np.random.default_rng(seed)
    width = 8 if config.view.posed else 2
    given = (
        rng.integers(0, 256, (states, 24, 24, 3), dtype=np.uint8),
        rng.uniform(-0.1, 0.1, (states, width)).astype(np.float32),
        np.eye(tasks, dtype=np.float32)[np.arange(states) % tasks],
        rng.uniform(-1, 1, (states, actions, 8)).astype(np.float32),
    )
    image, state, code, rows = (torch.from_numpy(each) for each in given)
    return image, state, code, rows


def served(network: ValueNetwork, examples: Batch, provider: str = CPU) -> QFunction:
    engine = engine_of(provider, FP32, InferenceConfig(threads=1))
    graphs = exported(network, [examples])
    posed = isinstance(network, LookNetwork)
    return QFunction(*graphs.of(FP32), (24, 24), network.tasks, engine=engine, posed=posed)


@BOTH
@pytest.mark.parametrize(("heads", "code"), WAYS)
def test_pytorch_and_onnx_agree(config: LearnConfig, heads: str, code: str) -> None:
    network, given = untrained(config, heads, code), batch(config, 5, 7, 2)
    with torch.no_grad():
        wanted = torch.sigmoid(network(*given)).numpy()
    assert np.ptp(wanted) > 0.1, "values that are all alike prove nothing"
    images, state, task, actions = (each.numpy() for each in given)
    for provider in (CPU, OPENVINO) if openvino_engine.installed() else (CPU,):
        asked = served(network, given, provider)
        found = asked.score(asked.features(images), state, task, actions)
        assert found == pytest.approx(wanted, abs=1e-4)


@BOTH
@pytest.mark.parametrize(("heads", "code"), WAYS)
def test_several_tasks_at_once_are_each_alone(config: LearnConfig, heads: str, code: str) -> None:
    network, (image, state, _, actions) = untrained(config, heads, code), batch(config, 2, 1, 3)
    codes = torch.eye(len(TASKS))
    with torch.no_grad():
        seen = network.encoder(image)
        many = network.head(seen, state, codes.expand(2, -1, -1), actions)
        alone = [
            network.head(seen, state, each.expand(2, -1), actions)[:, 0] for each in codes
        ]  # fmt: skip
    assert torch.allclose(many, torch.stack(alone, dim=1), atol=1e-5)
    assert many.std(dim=1).min() > 1e-3, "all tasks alike prove nothing"


@BOTH
def test_a_head_serves_and_learns_its_own_task_alone(config: LearnConfig) -> None:
    network, given = untrained(config, "multi", "one-hot"), batch(config, 3, 4, 4)
    before = network(*given)
    before[1].sum().backward()
    heads = [layer for layer in network.modules() if isinstance(layer, TaskHeads)]
    assert len(heads) == (2 if config is LOOKING else len(config.network.dense) + 1)
    for layer in heads:
        assert [bool(part.any()) for part in layer.weight.grad] == [False, True, False]
        assert layer.weight[0].std() > 0 and not torch.equal(layer.weight[0], layer.weight[2])
    with torch.no_grad():
        heads[-1].bias[1] += 1.0
        assert torch.allclose(network(*given) - before, torch.tensor([[0.0], [1.0], [0.0]]))


def test_what_is_a_tasks_own() -> None:
    for heads, code, layers in (("single", "one-hot", 4), ("multi", "one-hot", 8),
                                ("single", "text", 0), ("multi", "text", 4)):  # fmt: skip
        assert len(tasks_own(untrained(LOOKING, heads, code))) == layers


@BOTH
def test_a_task_added_by_its_text_leaves_the_others_as_they_were(config: LearnConfig) -> None:
    first = untrained(config, "single", "text", TaskRegistry(TASKS.tasks[:2]))
    later, given = untrained(config, "single", "text"), batch(config, 2, 4, 5)
    carry_over(later, first.state_dict(), TASKS.names[:2], TASKS.names)
    served = [name for name in first.state_dict() if name.startswith(("encoder", "head"))]
    assert all(torch.equal(later.state_dict()[name], first.state_dict()[name]) for name in served)
    with torch.no_grad():
        old = first(*batch(config, 2, 4, 5, tasks=2))
        assert torch.allclose(later(*given), old, atol=1e-6)
        new = later(given[0], given[1], torch.eye(3)[[2, 2]], given[3])
    assert (new - old).abs().min() > 1e-4


def test_a_text_has_one_code_everywhere() -> None:
    code = text_code("Find the can, lift it", 8)
    assert np.linalg.norm(code) == pytest.approx(1.0)
    assert np.array_equal(code, text_code("find THE can; lift it!", 8))
    assert np.array_equal(text_code("", 8), np.zeros(8))
    near, far = (text_code(f"Find the {name} and lift it.", 64) for name in ("can", "box"))
    place = text_code("Put the lifted object anywhere on the plate.", 64)
    assert 0.5 < near @ far < 0.9 and near @ place < 0.4


def test_texts_that_say_the_same_are_refused() -> None:
    twin = dataclasses.replace(
        TASKS.tasks[1], name="lift-yellow", text="find the banana and LIFT it"
    )
    tasks = TaskRegistry((*TASKS.tasks, twin))
    with pytest.raises(SettingsInvalid, match="lift-banana and lift-yellow"):
        TaskInputConfig(code="text").made(tasks)
    TaskInputConfig().made(tasks)


def test_heads_keep_to_the_network_in_integers() -> None:
    told = TaskInputConfig("multi", "text", 16).made(TASKS)
    network, examples = small_network(1, told=told), [SCENES.batch(seed) for seed in (1, 2)]
    weights = fold(network, calibrated(network, examples))
    graphs = encoder_graph(weights, SMALL.size_px, True), head_graph(weights, True)
    images, state, task, actions = (each.numpy() for each in SCENES.batch(8, 3, 6))
    asked = QFunction(*graphs, SMALL.size_px, len(TASKS))
    found = asked.score(asked.features(images), state, task, actions)
    with torch.no_grad():
        wanted = torch.sigmoid(network(*SCENES.batch(8, 3, 6))).numpy()
    assert found == pytest.approx(wanted, abs=0.15)


@BOTH
def test_a_cell_takes_the_bundle(config: LearnConfig, tmp_path: Path) -> None:
    network, golden = untrained(config, "multi", "text"), batch(config, 3, 4, 7)
    image = config.view.image_format()
    manifest = Manifest(
        kind="q", name="many", version="1", tasks=TASKS.names, bounds=BOUNDS, image=image,
        action_layout=layout_hash(BOUNDS, image.posed), training={"steps": 0},
    )  # fmt: skip
    trials = [Scene(*(each[i].numpy() for each in golden[:3])) for i in range(2)]
    folder = release(tmp_path, manifest, network, [golden], golden, trials)
    check_bundle(folder, Expected(BOUNDS, TASKS.names), InferenceConfig(1, CPU, FP32))
