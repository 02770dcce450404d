"""A success detector small enough to know: each task reads one colour of one view.

The nine means (red, green, blue of overhead, left, right, in 0..1) stand in a row; task t's
logit is GAIN times (mean number t modulo 9, less a half).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from fakes.fake_model import FAKE_CELL_IMAGE, onnx_model
from mtopt_core.observation import OutcomeImages
from mtopt_core.platt import TaskGrading
from mtopt_robot.models.bundle import write_success_bundle
from mtopt_robot.models.manifest import SuccessManifest
from mtopt_robot.models.success_golden import SuccessGolden

GAIN = 20.0
VIEWS = ("overhead", "left", "right")
SIZE_PX = FAKE_CELL_IMAGE.size_px


@dataclass(frozen=True)
class Flaw:
    """How a graph differs from a good one."""

    tasks: int | None = None
    logits_name: str = "logits"
    batch: int | str = "B"
    left_px: tuple[int, int] = SIZE_PX
    bright_is_nan: bool = False
    company_matters: bool = False


def success_bytes(tasks: int, flaw: Flaw = Flaw()) -> bytes:
    """success.onnx for so many tasks."""
    node, port, told = helper.make_node, helper.make_tensor_value_info, flaw.tasks or tasks
    nodes = []
    for view in VIEWS:
        nodes += [
            node("Cast", [view], [f"{view}_cast"], to=TensorProto.FLOAT),
            node("Mul", [f"{view}_cast", "scale"], [f"{view}_bright"]),
            node("ReduceMean", [f"{view}_bright"], [f"{view}_mean"], axes=[1, 2], keepdims=0),
        ]
    nodes += [
        node("Concat", [f"{view}_mean" for view in VIEWS], ["means"], axis=1),
        node("Sub", ["means", "half"], ["centred"]),
        node("MatMul", ["centred", "weights"], ["good"]),
    ]
    last = "good"
    if flaw.bright_is_nan:
        nodes += [
            node("Sub", ["almost", "good"], ["rest"]),
            node("Log", ["rest"], ["log"]),
            node("Mul", ["log", "zero"], ["nothing"]),
            node("Add", ["good", "nothing"], ["bad"]),
        ]
        last = "bad"
    if flaw.company_matters:
        nodes.append(node("ReduceMean", [last], ["average"], axes=[0], keepdims=1))
        nodes.append(node("Sub", [last, "average"], ["beside"]))  # nothing for one alone
        nodes.append(node("Add", [last, "beside"], ["mixed"]))
        last = "mixed"
    nodes.append(node("Identity", [last], [flaw.logits_name]))
    sizes = {"overhead": SIZE_PX, "left": flaw.left_px, "right": SIZE_PX}
    return onnx_model(
        "success",
        nodes,
        [port(view, TensorProto.UINT8, [flaw.batch, *sizes[view], 3]) for view in VIEWS],
        [port(flaw.logits_name, TensorProto.FLOAT, [flaw.batch, told])],
        scale=np.float32(1 / 255),
        half=np.float32(0.5),
        almost=np.float32(GAIN / 2 * 0.999),
        zero=np.float32(0),
        weights=_weights(told),
    )


def expected_logits(views: list[np.ndarray], tasks: int) -> np.ndarray:
    """What the network must say of views (B, H, W, 3) at its size, computed without it."""
    means = np.concatenate([view.astype(np.float64).mean(axis=(1, 2)) / 255 for view in views], 1)
    return ((means - 0.5) @ _weights(tasks)).astype(np.float32)


def success_golden(tasks: tuple[str, ...], seed: int = 0) -> SuccessGolden:
    """Four examples, valued by the formula and not by the network."""
    rng = np.random.default_rng(seed)
    views = [rng.integers(0, 256, size=(4, *SIZE_PX, 3), dtype=np.uint8) for _ in VIEWS]
    return SuccessGolden(*views, tasks, expected_logits(views, len(tasks)))


def success_manifest(
    tasks: tuple[str, ...], name: str = "watcher", version: str = "1"
) -> SuccessManifest:
    """The manifest of a fake detector."""
    return SuccessManifest(
        kind="success",
        name=name,
        version=version,
        tasks=tasks,
        overhead=FAKE_CELL_IMAGE,
        left=FAKE_CELL_IMAGE,
        right=FAKE_CELL_IMAGE,
        grading={task: TaskGrading(0.6, 1.0, 0.0) for task in tasks},
        training={"made_by": "hand"},
    )


def write_fake_success(store: Path, manifest: SuccessManifest) -> Path:
    """A good bundle of the fake detector in a store."""
    network = success_bytes(len(manifest.tasks))
    return write_success_bundle(store, manifest, network, success_golden(manifest.tasks))


def views_of(*bright: int, stamp_ns: int = 5) -> OutcomeImages:
    """Views of the fake cell's size in which just these of the nine means are high."""
    height, width = FAKE_CELL_IMAGE.camera_px
    images = [np.full((height, width, 3), 20, dtype=np.uint8) for _ in VIEWS]
    for place in bright:
        images[place // 3][..., place % 3] = 235
    return OutcomeImages(*images, stamp_ns)


def _weights(tasks: int) -> np.ndarray:
    return GAIN * (np.arange(9)[:, np.newaxis] == np.arange(tasks) % 9).astype(np.float32)
