"""A Q-function small enough to know: its best action stands in the picture.

The encoder's features are the mean red, green and blue of the image in 0..1. The head's best
motion is, in shares of the bounds, twice those less one, plus TASK_SHIFT along x for each place
that the task stands back in the one-hot. Commands are worth little, except that a closed
gripper makes ending worth ENDING.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_robot.models.bundle import write_bundle
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.golden import Golden
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import Manifest

FAKE_CELL_IMAGE = ImageFormat(camera_px=(8, 10), crop_px=(8, 8), size_px=(4, 4))
TASK_SHIFT = 0.02
ENDING = 3.0
ONE_THREAD = InferenceConfig(threads=1, provider="cpu")
_OPSET, _IR = 17, 8


@dataclass(frozen=True)
class Flaw:
    """How a graph differs from a good one."""

    features: int = 3
    actions: int = 8
    image_type: int = TensorProto.UINT8
    q_name: str = "q"
    batch: int | str = "B"
    bright_is_nan: bool = False
    samples_mix: bool = False


def onnx_model(
    name: str, nodes: Sequence, inputs: Sequence, outputs: Sequence, **constants: object
) -> bytes:
    """A checked ONNX model with these constants."""
    stored = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(list(nodes), name, list(inputs), list(outputs), stored)
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR)
    checker.check_model(model)
    return model.SerializeToString()


def encoder_bytes(size_px: tuple[int, int], flaw: Flaw = Flaw()) -> bytes:
    """encoder.onnx for images of (height, width)."""
    node, port = helper.make_node, helper.make_tensor_value_info
    # Nothing is added, except to a white image: the logarithm of less than nothing.
    nothing = [
        node("Sub", ["almost", "mean"], ["rest"]),
        node("Log", ["rest"], ["log"]),
        node("Mul", ["log", "zero"], ["nothing"]),
        node("Add", ["mean", "nothing"], ["all"]),
    ]
    last = nothing if flaw.bright_is_nan else [node("Identity", ["mean"], ["all"])]
    nodes = [
        node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
        node("Mul", ["cast", "scale"], ["bright"]),
        node("ReduceMean", ["bright"], ["mean"], axes=[1, 2], keepdims=0),
        *last,
        node("Slice", ["all", "from", "to", "along"], ["features"]),
    ]
    return onnx_model(
        "encoder",
        nodes,
        [port("image", flaw.image_type, [flaw.batch, *size_px, 3])],
        [port("features", TensorProto.FLOAT, [flaw.batch, flaw.features])],
        scale=np.float32(1 / 255),
        almost=np.float32(0.999),
        zero=np.float32(0),
        **{"from": np.array([0]), "to": np.array([flaw.features]), "along": np.array([1])},
    )


def head_bytes(tasks: int, flaw: Flaw = Flaw()) -> bytes:
    """head.onnx for so many tasks."""
    node, port = helper.make_node, helper.make_tensor_value_info
    shift = np.zeros((tasks, 3), dtype=np.float32)
    shift[:, 0] = TASK_SHIFT * np.arange(tasks)
    nodes = [
        node("Mul", ["features", "two"], ["doubled"]),
        node("Sub", ["doubled", "one"], ["seen"]),
        node("MatMul", ["task", "shift"], ["shifted"]),
        node("Add", ["seen", "shifted"], ["goal"]),
        node("Unsqueeze", ["goal", "middle"], ["goals"]),
        node("Split", ["actions", "parts"], ["motion", "turn", "command"], axis=2),
        node("Sub", ["motion", "goals"], ["off"]),
        node("Mul", ["off", "off"], ["squared"]),
        node("ReduceSum", ["squared", "last"], ["distance"], keepdims=0),
        node("Mul", ["command", "price"], ["priced"]),
        node("ReduceSum", ["priced", "last"], ["cost"], keepdims=0),
        node("MatMul", ["state", "is_closed"], ["closed"]),
        node("MatMul", ["command", "is_end"], ["end_column"]),
        node("Squeeze", ["end_column", "last"], ["ends"]),
        node("Mul", ["ends", "closed"], ["bonus"]),
        node("Sub", ["one", "distance"], ["near"]),
        node("Sub", ["near", "cost"], ["dear"]),
        node("Add", ["dear", "bonus"], ["value"]),
        *_last_of_head(flaw),
    ]
    return onnx_model(
        "head",
        nodes,
        [
            port("features", TensorProto.FLOAT, [flaw.batch, flaw.features]),
            port("state", TensorProto.FLOAT, [flaw.batch, 2]),
            port("task", TensorProto.FLOAT, [flaw.batch, tasks]),
            port("actions", TensorProto.FLOAT, [flaw.batch, "N", flaw.actions]),
        ],
        [port(flaw.q_name, TensorProto.FLOAT, [flaw.batch, "N"])],
        two=np.float32(2),
        one=np.float32(1),
        shift=shift,
        middle=np.array([1]),
        last=np.array([-1]),
        parts=np.array([3, 2, flaw.actions - 5]),
        price=np.full(flaw.actions - 5, 4.0, dtype=np.float32),
        is_closed=np.array([[1.0], [0.0]], dtype=np.float32),
        is_end=np.eye(flaw.actions - 5, 1, -2, dtype=np.float32) * (ENDING + 8.0),
    )


def _last_of_head(flaw: Flaw) -> list:
    if not flaw.samples_mix:
        return [helper.make_node("Identity", ["value"], [flaw.q_name])]
    return [
        helper.make_node("ReduceMean", ["value"], ["average"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["value", "average"], [flaw.q_name]),
    ]


def best_motion(image: np.ndarray, task_index: int) -> np.ndarray:
    """The best (x, y, z) in shares of the bounds, for an image at the network's size."""
    best = 2.0 * image.reshape(-1, 3).mean(axis=0) / 255.0 - 1.0
    best[0] += TASK_SHIFT * task_index
    return best


def expected_q(image: np.ndarray, task_index: int, state: np.ndarray, actions: np.ndarray):
    """What the head must say, computed without it; (N,)."""
    distance = ((actions[:, :3] - best_motion(image, task_index)) ** 2).sum(axis=1)
    ending = state[0] * actions[:, 7] * (ENDING + 8.0)
    return (1.0 - distance - 4.0 * actions[:, 5:].sum(axis=1) + ending).astype(np.float32)


def golden_examples(tasks: tuple[str, ...], size_px: tuple[int, int], seed: int = 0) -> Golden:
    """An example of every task, valued by the formula and not by the networks."""
    rng, count, samples = np.random.default_rng(seed), len(tasks), 9
    images = rng.integers(0, 256, size=(count, *size_px, 3), dtype=np.uint8)
    states = rng.uniform(0.0, 0.3, size=(count, 2)).astype(np.float32)
    actions = rng.uniform(-1.0, 1.0, size=(count, samples, 8)).astype(np.float32)
    q = np.stack([expected_q(images[i], i, states[i], actions[i]) for i in range(count)])
    return Golden(images, states, tasks, actions, q)


def manifest_of(
    tasks: tuple[str, ...],
    bounds: ActionBounds,
    name: str = "fake",
    version: str = "1",
    image: ImageFormat = FAKE_CELL_IMAGE,
) -> Manifest:
    """The manifest of a fake model."""
    return Manifest(
        kind="q",
        name=name,
        version=version,
        tasks=tasks,
        bounds=bounds,
        action_layout=layout_hash(bounds),
        image=image,
        training={"steps": 0, "made_by": "hand"},
    )


def write_fake(store: Path, manifest: Manifest) -> Path:
    """A good bundle of the fake model in a store."""
    size_px, tasks = manifest.image.size_px, manifest.tasks
    golden = golden_examples(tasks, size_px)
    return write_bundle(store, manifest, encoder_bytes(size_px), head_bytes(len(tasks)), golden)
