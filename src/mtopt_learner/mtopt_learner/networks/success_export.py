"""A trained success detector as the graph of a model bundle, and as the bundle itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import TensorProto

from mtopt_robot.models.bundle import write_success_bundle
from mtopt_robot.models.manifest import SuccessManifest
from mtopt_robot.models.success_golden import SuccessGolden

from .folding import array_of, folded_convs, folded_dense
from .layers import Layers
from .onnx_graph import Graph
from .q_network import BRIGHTEST
from .success_network import VIEWS, SuccessNetwork

Views = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def success_graph(network: SuccessNetwork) -> bytes:
    """success.onnx: overhead, left, right (B, H, W, 3) uint8 to logits (B, T)."""
    config = network.config
    graph = Graph("success")
    layers = Layers(graph, integer=False)
    names = ("overhead", "left", "right")
    views = [graph.input(name, ["B", *config.size_px, 3], TensorProto.UINT8) for name in names]
    seen = graph.node("Concat", *views, axis=0)
    seen = graph.node("Cast", seen, to=TensorProto.FLOAT)
    seen = graph.node("Mul", seen, graph.constant(1.0 / BRIGHTEST))
    seen = graph.node("Transpose", seen, perm=[0, 3, 1, 2])
    for conv in folded_convs(network.trunk, {}):
        seen = layers.conv_relu(seen, conv)
    seen = layers.pool(seen, config.pool)
    width = config.view_features
    seen = graph.node("Reshape", seen, graph.constant([VIEWS, -1, width]))
    seen = graph.node("Transpose", seen, perm=[1, 0, 2])
    seen = graph.node("Reshape", seen, graph.constant([-1, VIEWS * width]))
    merged = layers.relu(layers.dense(seen, folded_dense(network.merge, network.norm)))
    graph.output("logits", layers.dense(merged, folded_dense(network.out)), ["B", network.tasks])
    return graph.to_bytes()


def logits_of(network: SuccessNetwork, views: Views) -> NDArray[np.float32]:
    """Logits (B, T) of views (B, H, W, 3), by PyTorch, in evaluation."""
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            return array_of(network(*(torch.from_numpy(view) for view in views)))
    finally:
        network.train(was_training)


def release_success(
    store: Path, network: SuccessNetwork, manifest: SuccessManifest, examples: Views
) -> Path:
    """Write the network as a new version of a model, its `examples` as the golden ones.

    Raises what write_success_bundle does: BundleRefused, BundleExists, ManifestInvalid.
    """
    golden = SuccessGolden(*examples, manifest.tasks, logits_of(network, examples))
    return write_success_bundle(store, manifest, success_graph(network), golden)
