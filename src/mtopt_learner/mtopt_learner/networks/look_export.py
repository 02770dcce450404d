"""The network that looks, as the two graphs of a model bundle, batch norms folded away."""

from __future__ import annotations

import dataclasses

import numpy as np
from onnx import TensorProto
from torch import Tensor, nn

from mtopt_core.encoding import ACTION_LAYOUT, POSED_LAYOUT

from .export import blocks
from .folding import FoldedConv, array_of, folded_convs, folded_last, over_blocks
from .layers import Layers
from .look_config import STRIDE
from .look_network import PLACE_SCALE, POOL, LookHead, LookNetwork
from .onnx_graph import Graph
from .q_network import BRIGHTEST
from .task_input import TaskLinear


def look_encoder_graph(network: LookNetwork) -> bytes:
    """encoder.onnx: image (B, H, W, 3) uint8 to features (B, C, h, w)."""
    graph, encoder, config = Graph("encoder"), network.encoder, network.config
    layers = Layers(graph, integer=False)
    image = graph.input("image", ["B", *config.size_px, 3], TensorProto.UINT8)
    stem = _folded(encoder.stem)
    stem = dataclasses.replace(stem, weight=stem.weight / np.float32(BRIGHTEST))
    stem, side = over_blocks(stem, config.size_px)
    seen = layers.conv_relu(blocks(graph, image, config.size_px, side), stem)
    seen = layers.conv_relu(layers.pool(seen, 2), _folded(encoder.entry))
    for block in encoder.fine:
        seen = graph.node("Add", seen, layers.conv_relu(seen, _folded(block)))
    far = layers.conv_relu(layers.pool(seen, 2), _folded(encoder.down))
    for block in encoder.coarse:
        far = graph.node("Add", far, layers.conv_relu(far, _folded(block)))
    far = layers.conv_relu(far, _folded(encoder.up))
    seen = graph.node("Add", seen, _doubled(graph, far, config.channels, config.features_px))
    seen = layers.conv_relu(seen, _folded(encoder.last))
    graph.output("features", seen, ["B", config.channels, *config.features_px])
    return graph.to_bytes()


def look_head_graph(network: LookNetwork) -> bytes:
    """head.onnx: features (B, C, h, w), state (B, 8), task (B, T), actions (B, N, 8): q (B, N)."""
    graph, head, config = Graph("head"), network.head, network.config
    features = graph.input("features", ["B", config.channels, *config.features_px])
    state = graph.input("state", ["B", len(POSED_LAYOUT)])
    task = graph.input("task", ["B", network.tasks])
    actions = graph.input("actions", ["B", "N", len(ACTION_LAYOUT)])
    look = _Look(graph, head, features)
    ways = look.ways(state, actions)
    there = look.read(look.around(ways, actions))
    there = graph.node("Reshape", there, look.shape_of_actions(actions, -1))
    drawn = look.columns(state, 6, 8, 1)
    below = graph.node("Concat", graph.node("Mul", drawn, graph.constant(0.0)), drawn, axis=1)
    below = graph.node("Reshape", below, graph.constant([0, 2, 2]))
    here = graph.node("Reshape", look.read(below), graph.constant([0, -1]))
    whole = graph.node("AveragePool", features, kernel_shape=[POOL] * 2, strides=[POOL] * 2)
    whole = graph.node("Reshape", whole, graph.constant([0, -1]))
    scaled = graph.node("Mul", state, graph.constant(array_of(head.scale)))
    known = graph.node("Add", look.dense(scaled, head.state), look.dense(here, head.here))
    known = graph.node("Add", known, look.dense(whole, head.all))
    known = graph.node("Unsqueeze", known, graph.constant([1]))
    far = graph.node("Mul", ways, graph.constant(np.float32(PLACE_SCALE)))
    moved = graph.node("Concat", actions, far, axis=2)
    hidden = graph.node("Add", look.dense(there, head.there), look.dense(moved, head.action))
    hidden = graph.node("Add", hidden, known)
    repeated = graph.node("Unsqueeze", scaled, graph.constant([1]))
    repeated = graph.node("Expand", repeated, look.shape_of_actions(actions, len(POSED_LAYOUT)))
    own = look.dense(graph.node("Concat", moved, repeated, axis=2), head.own)
    hidden = graph.node("Add", hidden, look.dense(graph.node("Relu", own), head.own_out))
    hidden = look.tuned(hidden, task, head.gain, head.shift)
    hidden = look.last(hidden, task, head.middle)
    hidden = look.tuned(hidden, task, head.gain_2, head.shift_2)
    logits = look.last(hidden, task, head.value)
    logits = graph.node("Reshape", logits, graph.node("Shape", actions, start=0, end=2))
    graph.output("q", graph.node("Sigmoid", logits), ["B", "N"])
    return graph.to_bytes()


class _Look:
    """The head's steps as nodes; shapes as in LookHead."""

    def __init__(self, graph: Graph, head: LookHead, features: str) -> None:
        self.graph, self.head = graph, head
        flat = graph.node("Reshape", features, graph.constant([0, 0, -1]))
        self.one = graph.constant(np.float32(1.0))
        self.flat = graph.node("Transpose", flat, perm=[0, 2, 1])

    def columns(self, rows: str, first: int, end: int, axis: int) -> str:
        """Some numbers of each row."""
        where = (self.graph.constant([number]) for number in (first, end, axis))
        return self.graph.node("Slice", rows, *where)

    def shape_of_actions(self, actions: str, last: int) -> str:
        """(B, N, last)."""
        ahead = self.graph.node("Shape", actions, start=0, end=2)
        return self.graph.node("Concat", ahead, self.graph.constant([last]), axis=0)

    def dense(self, seen: str, layer: nn.Linear) -> str:
        """A linear layer."""
        product = self.graph.node("MatMul", seen, self.graph.constant(array_of(layer.weight).T))
        bias = layer._parameters["bias"]
        return product if bias is None else self._plus(product, bias)

    def _plus(self, seen: str, bias: Tensor) -> str:
        return self.graph.node("Add", seen, self.graph.constant(array_of(bias)))

    def last(self, hidden: str, task: str, layer: nn.Module) -> str:
        """A last layer: the tasks', or the own one of the task of each state."""
        return Layers(self.graph, integer=False).last(hidden, task, folded_last(layer))

    def told(self, task: str, layer: TaskLinear) -> str:
        """What a layer makes of the tasks' one-hots."""
        return self.graph.node("MatMul", task, self.graph.constant(array_of(layer.by_task).T))

    def tuned(self, hidden: str, task: str, gain: TaskLinear, shift: TaskLinear) -> str:
        """What the task makes of it, ReLU."""
        graph, one = self.graph, self.one
        scale = graph.node("Unsqueeze", self.told(task, gain), graph.constant([1]))
        moved = graph.node("Unsqueeze", self.told(task, shift), graph.constant([1]))
        hidden = graph.node("Mul", hidden, graph.node("Add", scale, one))
        return graph.node("Relu", graph.node("Add", hidden, moved))

    def ways(self, state: str, actions: str) -> str:
        """(B, N, 3): ahead, beside, height."""
        graph = self.graph
        bound = graph.constant(array_of(self.head.bound))
        delta = graph.node("Mul", self.columns(actions, 0, 3, 2), bound)
        x, y, z = (self.columns(delta, i, i + 1, 2) for i in range(3))
        sin, cos, height = (
            graph.node("Unsqueeze", self.columns(state, i, i + 1, 1), graph.constant([1]))
            for i in (4, 5, 1)
        )
        ahead = graph.node("Add", graph.node("Mul", cos, x), graph.node("Mul", sin, y))
        beside = graph.node("Sub", graph.node("Mul", cos, y), graph.node("Mul", sin, x))
        return graph.node("Concat", ahead, beside, graph.node("Add", height, z), axis=2)

    def around(self, ways: str, actions: str) -> str:
        """(B, N * P, 2): places around where actions lead."""
        graph = self.graph
        around = array_of(self.head.around)
        along, across = graph.constant(around[:, 0].copy()), graph.constant(around[:, 1].copy())
        sin, cos = self.columns(actions, 3, 4, 2), self.columns(actions, 4, 5, 2)
        ahead = graph.node("Sub", graph.node("Mul", cos, along), graph.node("Mul", sin, across))
        beside = graph.node("Add", graph.node("Mul", sin, along), graph.node("Mul", cos, across))
        ahead = graph.node("Add", ahead, self.columns(ways, 0, 1, 2))
        beside = graph.node("Add", beside, self.columns(ways, 1, 2, 2))
        last = graph.constant([3])
        both = [graph.node("Unsqueeze", each, last) for each in (ahead, beside)]
        places = graph.node("Concat", *both, axis=3)
        return graph.node("Reshape", places, graph.constant([0, -1, 2]))

    def read(self, places: str) -> str:
        """The features at places (B, M, 2): (B, M, C)."""
        graph, head = self.graph, self.head
        spread = []
        for axis, side in enumerate(head.config.features_px):
            at = self.columns(places, axis, axis + 1, 2)
            at = graph.node("Mul", at, graph.constant(np.float32(1.0 / (head.m_per_px * STRIDE))))
            at = graph.node("Add", at, graph.constant(np.float32((side - 1) / 2.0)))
            ends = graph.constant(np.float32(0.0)), graph.constant(np.float32(side - 1))
            off = graph.node("Sub", graph.node("Clip", at, *ends),
                             graph.constant(np.arange(side, dtype=np.float32)))  # fmt: skip
            hat = graph.node("Sub", self.one, graph.node("Abs", off))
            spread.append(graph.node("Relu", hat))
        rows = graph.node("Unsqueeze", spread[0], graph.constant([3]))
        columns = graph.node("Unsqueeze", spread[1], graph.constant([2]))
        weights = graph.node("Mul", rows, columns)
        count = head.config.features_px[0] * head.config.features_px[1]
        weights = graph.node("Reshape", weights, graph.constant([0, -1, count]))
        return graph.node("MatMul", weights, self.flat)


def _doubled(graph: Graph, seen: str, channels: int, size_px: tuple[int, int]) -> str:
    """Each place as four: (B, C, h / 2, w / 2) to (B, C, h, w)."""
    rows, columns = size_px[0] // 2, size_px[1] // 2
    split = graph.node("Reshape", seen, graph.constant([0, channels, rows, 1, columns, 1]))
    fourfold = graph.constant(np.array([1, 1, 1, 2, 1, 2]))
    spread = graph.node("Tile", split, fourfold)
    return graph.node("Reshape", spread, graph.constant([0, channels, *size_px]))


def _folded(block: nn.Module) -> FoldedConv:
    (conv,) = folded_convs([block], {})
    return conv
