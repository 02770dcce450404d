"""A trained Q-network as the two graphs of a model bundle."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from mtopt_core.encoding import ACTION_LAYOUT, STATE_LAYOUT

from .folding import FoldedConv, FoldedDense, FoldedQ
from .onnx_graph import Graph


def encoder_graph(weights: FoldedQ, size_px: tuple[int, int]) -> bytes:
    """encoder.onnx: image (B, H, W, 3) uint8 to features (B, C, h, w).

    The features are those behind the linear part of the head's first convolution.
    """
    graph = Graph("encoder")
    image = graph.input("image", ["B", *size_px, 3], TensorProto.UINT8)
    seen = graph.node("Cast", image, to=TensorProto.FLOAT)
    seen = graph.node("Transpose", seen, perm=[0, 3, 1, 2])
    stem, *body = weights.encoder
    seen = _pool(graph, _relu(graph, _conv(graph, seen, stem)), weights.stem_pool)
    for conv in body:
        seen = _relu(graph, _conv(graph, seen, conv))
    seen = _conv(graph, _pool(graph, seen, weights.body_pool), weights.first)
    graph.output("features", seen, ["B", *_feature_shape(weights)])
    return graph.to_bytes()


def head_graph(weights: FoldedQ) -> bytes:
    """head.onnx: features (B, C, h, w), state (B, 2), task (B, T), actions (B, N, 8) to q (B, N)."""
    graph = Graph("head")
    features = graph.input("features", ["B", *_feature_shape(weights)])
    state = graph.input("state", ["B", len(STATE_LAYOUT)])
    task = graph.input("task", ["B", weights.task.shape[0]])
    actions = graph.input("actions", ["B", "N", len(ACTION_LAYOUT)])
    merged = _merged(graph, weights, state, task, actions)
    seen = _acted(graph, weights, features, merged)
    for conv in weights.head:
        seen = _relu(graph, _conv(graph, seen, conv))
    seen = _pool(graph, seen, weights.head_pool)
    for conv in weights.tail:
        seen = _relu(graph, _conv(graph, seen, conv))
    seen = graph.node("Flatten", seen)
    *hidden, last = weights.dense
    for layer in hidden:
        seen = _relu(graph, _dense(graph, seen, layer))
    shape = graph.node("Shape", actions, start=0, end=2)
    q = graph.node("Sigmoid", graph.node("Reshape", _dense(graph, seen, last), shape))
    graph.output("q", q, ["B", "N"])
    return graph.to_bytes()


def _merged(graph: Graph, weights: FoldedQ, state: str, task: str, actions: str) -> str:
    """The action's share for each set of taps: (B, N, K * C)."""
    known = graph.node(
        "Add",
        graph.node("MatMul", state, graph.constant(weights.state)),
        graph.node("MatMul", task, graph.constant(weights.task)),
    )
    known = graph.node("Add", known, graph.constant(weights.merged))
    known = graph.node("Unsqueeze", known, graph.constant([1]))
    acted = graph.node("MatMul", actions, graph.constant(weights.action))
    summed = _relu(graph, graph.node("Add", acted, known))
    return _dense(graph, summed, weights.cases)


def _acted(graph: Graph, weights: FoldedQ, features: str, merged: str) -> str:
    """The head's first layer, (B * N, C, h, w): the features' share and the action's, ReLU."""
    channels, (rows, columns) = weights.first.weight.shape[0], weights.features_px
    cases = int(weights.places.max()) + 1
    shares = graph.node("Reshape", merged, graph.constant([0, 0, cases, channels]))
    spread = np.eye(cases, dtype=np.float32)[weights.places]
    acted = graph.node("MatMul", graph.constant(spread), shares)
    acted = graph.node("Transpose", acted, perm=[0, 1, 3, 2])
    flat = graph.node("Reshape", features, graph.constant([0, 1, channels, rows * columns]))
    seen = _relu(graph, graph.node("Add", acted, flat))
    return graph.node("Reshape", seen, graph.constant([-1, channels, rows, columns]))


def _feature_shape(weights: FoldedQ) -> tuple[int, int, int]:
    return (weights.first.weight.shape[0], *weights.features_px)


def _conv(graph: Graph, seen: str, conv: FoldedConv) -> str:
    kernel = list(conv.weight.shape[2:])
    return graph.node(
        "Conv", seen, graph.constant(conv.weight), graph.constant(conv.bias),
        kernel_shape=kernel, strides=[conv.stride] * 2, pads=[conv.padding] * 4,
    )  # fmt: skip


def _dense(graph: Graph, seen: str, layer: FoldedDense) -> str:
    product = graph.node("MatMul", seen, graph.constant(layer.weight))
    return graph.node("Add", product, graph.constant(layer.bias))


def _relu(graph: Graph, seen: str) -> str:
    return graph.node("Relu", seen)


def _pool(graph: Graph, seen: str, side: int) -> str:
    if side == 1:
        return seen
    return graph.node("MaxPool", seen, kernel_shape=[side] * 2, strides=[side] * 2)
