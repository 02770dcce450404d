"""From a trained network to a bundle: exported, tried in every number format, written."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from mtopt_robot.models import openvino_engine
from mtopt_robot.models.bundle import write_bundle
from mtopt_robot.models.comparison import Comparison, Scene, compare
from mtopt_robot.models.engine import BF16, CPU, FP32, INT8, OPENVINO, InferenceConfig
from mtopt_robot.models.golden import Golden
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.q_function import QFunction
from mtopt_robot.models.runtime import Graphs, engine_of

from .calibration import Batch, calibrated
from .export import encoder_graph, head_graph
from .folding import fold
from .look_export import look_encoder_graph, look_head_graph
from .look_network import LookNetwork
from .q_network import QNetwork

Exportable = QNetwork | LookNetwork
LEAST_AGREEMENT, MOST_REGRET = 0.95, 0.01


def release(
    store: Path,
    manifest: Manifest,
    network: Exportable,
    examples: Sequence[Batch],
    golden: Batch,
    trials: Sequence[Scene],
) -> Path:
    """Write a version; its folder. Raises as `write_bundle` does.

    Integers are fitted to `examples`; `golden` holds a scene of every task; over `trials` each
    format is held against fp32. The manifest's precisions are found here, and what each costs is
    added to its record of the training.
    """
    graphs = exported(network, examples)
    costs = precision_costs(graphs, manifest, trials)
    good = tuple(name for name, cost in costs.items() if is_good(cost))
    record = {name: dataclasses.asdict(cost) for name, cost in costs.items()}
    stated = dataclasses.replace(
        manifest,
        precisions=(FP32, *good),
        training={**manifest.training, "precisions": record},
    )
    integers = graphs.integers if INT8 in good else None
    made = golden_of(network, golden, manifest.tasks)
    return write_bundle(store, stated, graphs.encoder, graphs.head, made, integers=integers)


def exported(network: Exportable, examples: Sequence[Batch]) -> Graphs:
    """The network's graphs, in floats; the paper's also in integers fitted to examples."""
    if isinstance(network, LookNetwork):
        return Graphs(look_encoder_graph(network), look_head_graph(network))
    weights, size_px = fold(network, calibrated(network, examples)), network.config.size_px
    integers = encoder_graph(weights, size_px, True), head_graph(weights, True)
    return Graphs(encoder_graph(weights, size_px), head_graph(weights), integers)


def precision_costs(
    graphs: Graphs, manifest: Manifest, trials: Sequence[Scene]
) -> dict[str, Comparison]:
    """What each number format that this machine can run costs against fp32."""

    def loaded(provider: str, precision: str) -> QFunction:
        engine = engine_of(provider, precision, InferenceConfig())
        size_px, tasks = manifest.image.size_px, len(manifest.tasks)
        posed = manifest.image.posed
        return QFunction(*graphs.of(precision), size_px, tasks, engine=engine, posed=posed)

    kept = (BF16, INT8) if graphs.integers else (BF16,)
    plain, able = loaded(CPU, FP32), [(CPU, name) for name in kept if name == INT8]
    if openvino_engine.installed():
        there = openvino_engine.precisions()
        able = [(OPENVINO, name) for name in kept if name in there] or able
    return {
        precision: compare(plain, loaded(provider, precision), trials, manifest.bounds)
        for provider, precision in able
    }


def is_good(cost: Comparison) -> bool:
    """Whether a format may be stated: the order is kept, and hardly any Q is lost."""
    return cost.agreement >= LEAST_AGREEMENT and cost.regret <= MOST_REGRET


def golden_of(network: Exportable, batch: Batch, tasks: tuple[str, ...]) -> Golden:
    """Golden examples as PyTorch values them in fp32."""
    images, states, codes, actions = batch
    network.eval()
    with torch.inference_mode():
        q = torch.cat([
            torch.sigmoid(network(*(each[i : i + 1] for each in batch)))
            for i in range(len(images))
        ])  # fmt: skip
    names = tuple(tasks[int(code.argmax())] for code in codes)
    return Golden(images.numpy(), states.numpy(), names, actions.numpy(), q.numpy())
