"""A trained Q-network as the two graphs of a model bundle, in floats or in 8-bit integers."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from mtopt_core.encoding import ACTION_LAYOUT, STATE_LAYOUT

from .folding import FoldedHeads, FoldedQ, over_blocks
from .layers import Layers
from .onnx_graph import Graph


def encoder_graph(weights: FoldedQ, size_px: tuple[int, int], integer: bool = False) -> bytes:
    """encoder.onnx: image (B, H, W, 3) uint8 to features (B, C, h, w).

    The features are those behind the linear part of the head's first convolution. With
    `integer`, the convolutions are of 8-bit integers; needs weights with their tops.
    """
    graph = Graph("encoder")
    layers = Layers(graph, integer)
    image = graph.input("image", ["B", *size_px, 3], TensorProto.UINT8)
    stem, *body = weights.encoder
    stem, side = over_blocks(stem, size_px)
    # The first and the last convolution are cheap, and what they lose is lost for all behind them.
    floats = Layers(graph, integer=False)
    seen = floats.conv_relu(blocks(graph, image, size_px, side), stem)
    seen = layers.pool(layers.rounded(seen, stem.top), weights.stem_pool)
    seen = layers.convs(seen, body, stem.top)
    seen = floats.conv(layers.pool(seen, weights.body_pool), weights.first)
    graph.output("features", seen, ["B", *_feature_shape(weights)])
    return graph.to_bytes()


def head_graph(weights: FoldedQ, integer: bool = False) -> bytes:
    """head.onnx: features (B, C, h, w), state (B, 2), task (B, T), actions (B, N, 8) to q (B, N).

    With `integer`, the convolutions are of 8-bit integers; needs weights with their tops.
    """
    graph = Graph("head")
    layers = Layers(graph, integer)
    features = graph.input("features", ["B", *_feature_shape(weights)])
    state = graph.input("state", ["B", len(STATE_LAYOUT)])
    task = graph.input("task", ["B", weights.task.shape[0]])
    actions = graph.input("actions", ["B", "N", len(ACTION_LAYOUT)])
    merged = _merged(layers, weights, state, task, actions)
    seen = _acted(layers, weights, features, merged)
    seen = layers.convs(seen, weights.head, weights.first.top)
    top = (weights.first, *weights.head)[-1].top
    seen = layers.convs(layers.pool(seen, weights.head_pool), weights.tail, top)
    shape = graph.node("Shape", actions, start=0, end=2)
    seen = graph.node("Flatten", seen)
    *hidden, last = weights.dense
    if isinstance(last, FoldedHeads):  # which are a state's, for all of its actions
        each = graph.node("Concat", shape, graph.constant([-1]), axis=0)
        seen = graph.node("Reshape", seen, each)
    for layer in hidden:
        seen = layers.relu(layers.last(seen, task, layer))
    logits = graph.node("Reshape", layers.last(seen, task, last), shape)
    graph.output("q", graph.node("Sigmoid", logits), ["B", "N"])
    return graph.to_bytes()


def blocks(graph: Graph, image: str, size_px: tuple[int, int], side: int) -> str:
    """An image (B, H, W, 3) as blocks of side x side pixels: (B, channels, rows, columns)."""
    rows, columns = (length // side for length in size_px)
    cut = graph.node("Reshape", image, graph.constant([0, rows, side, columns, side, 3]))
    cut = graph.node("Transpose", cut, perm=[0, 2, 4, 5, 1, 3])
    cut = graph.node("Reshape", cut, graph.constant([0, side * side * 3, rows, columns]))
    return graph.node("Cast", cut, to=TensorProto.FLOAT)


def _merged(layers: Layers, weights: FoldedQ, state: str, task: str, actions: str) -> str:
    """The action's share for each set of taps: (B, N, K * C)."""
    graph = layers.graph
    known = graph.node(
        "Add",
        graph.node("MatMul", state, graph.constant(weights.state)),
        graph.node("MatMul", task, graph.constant(weights.task)),
    )
    known = graph.node("Add", known, graph.constant(weights.merged))
    known = graph.node("Unsqueeze", known, graph.constant([1]))
    acted = graph.node("MatMul", actions, graph.constant(weights.action))
    return layers.dense(layers.relu(graph.node("Add", acted, known)), weights.cases)


def _acted(layers: Layers, weights: FoldedQ, features: str, merged: str) -> str:
    """The head's first layer, (B * N, C, h, w): the features' share and the action's, ReLU.

    The action's share is the same in all columns but those at the edges, so it travels as a few
    columns (h, 1), each laid over the places that it holds for. Channels stand last until the
    end, as runtimes lay out what a convolution reads.
    """
    graph = layers.graph
    channels, (rows, columns) = weights.first.weight.shape[0], weights.features_px
    sets = int(weights.places.max()) + 1
    shares = graph.node("Reshape", merged, graph.constant([0, 0, sets, channels]))
    seen = graph.node("Transpose", features, perm=[0, 2, 3, 1])
    seen = graph.node("Unsqueeze", seen, graph.constant([1]))
    kinds, where = np.unique(weights.places.reshape(rows, columns), axis=1, return_inverse=True)
    for kind, column in enumerate(kinds.T):
        share = graph.node("Gather", shares, graph.constant(column.copy()), axis=2)
        share = graph.node("Unsqueeze", share, graph.constant([3]))
        mask = (where.reshape(-1, 1) == kind).astype(np.float32)
        seen = graph.node("Add", seen, graph.node("Mul", share, graph.constant(mask)))
    seen = layers.rounded(layers.relu(seen), weights.first.top)
    seen = graph.node("Reshape", seen, graph.constant([-1, rows, columns, channels]))
    return graph.node("Transpose", seen, perm=[0, 3, 1, 2])


def _feature_shape(weights: FoldedQ) -> tuple[int, int, int]:
    return (weights.first.weight.shape[0], *weights.features_px)
