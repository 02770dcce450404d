"""Layers as ONNX nodes, in floating point or in 8-bit integers.

An integer layer is written in the usual way: its inputs are rounded to 8 bits and back by a pair
of nodes, which every runtime melts into integer arithmetic where the machine has it. What lies
behind a ReLU is never negative and takes all 256 steps up to its `top`; weights take a scale for
each filter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .folding import FoldedConv, FoldedDense, FoldedHeads
from .onnx_graph import Graph

MOST_U8, MOST_I8 = 255, 127


class Layers:
    """The layers of a graph, in integers where `integer` says so."""

    def __init__(self, graph: Graph, integer: bool) -> None:
        self.graph = graph
        self.integer = integer

    def rounded(self, seen: str, top: float) -> str:
        """What lies in 0..top, to 8 bits and back; as it is where floats are kept."""
        if not self.integer:
            return seen
        if not top > 0.0:
            raise ValueError(f"integers need the largest value behind every layer, have {top}")
        scale = self.graph.constant(np.float32(top / MOST_U8))
        zero = self.graph.constant(np.uint8(0))
        stored = self.graph.node("QuantizeLinear", seen, scale, zero)
        return self.graph.node("DequantizeLinear", stored, scale, zero)

    def conv(self, seen: str, conv: FoldedConv, top: float = 0.0) -> str:
        """A convolution; integers need to know that what it reads lies in 0..top."""
        kernel = list(conv.weight.shape[2:])
        weight, bias = self._stored(conv, top / MOST_U8)
        return self.graph.node(
            "Conv", seen, weight, bias,
            kernel_shape=kernel, strides=[conv.stride] * 2, pads=[conv.padding] * 4,
        )  # fmt: skip

    def conv_relu(self, seen: str, conv: FoldedConv, top: float = 0.0) -> str:
        """The same, ReLU, rounded to its own top."""
        return self.rounded(self.relu(self.conv(seen, conv, top)), conv.top)

    def convs(self, seen: str, convs: Sequence[FoldedConv], top: float) -> str:
        """One behind the other."""
        for conv in convs:
            seen, top = self.conv_relu(seen, conv, top), conv.top
        return seen

    def dense(self, seen: str, layer: FoldedDense) -> str:
        """A matrix and a bias, always in floats: they are small."""
        product = self.graph.node("MatMul", seen, self.graph.constant(layer.weight))
        return self.graph.node("Add", product, self.graph.constant(layer.bias))

    def last(self, seen: str, task: str, layer: FoldedDense | FoldedHeads) -> str:
        """The same of (B, N, I); with heads, the one that the one-hot (B, T) picks."""
        if isinstance(layer, FoldedDense):
            return self.dense(seen, layer)
        graph = self.graph
        whose = graph.node("ArgMax", task, axis=1, keepdims=0)
        weight = graph.node("Gather", graph.constant(layer.weight), whose, axis=0)
        bias = graph.node("Gather", graph.constant(layer.bias), whose, axis=0)
        bias = graph.node("Unsqueeze", bias, graph.constant([1]))
        return graph.node("Add", graph.node("MatMul", seen, weight), bias)

    def relu(self, seen: str) -> str:
        """No less than 0."""
        return self.graph.node("Relu", seen)

    def pool(self, seen: str, side: int) -> str:
        """The largest of each square."""
        if side == 1:
            return seen
        return self.graph.node("MaxPool", seen, kernel_shape=[side] * 2, strides=[side] * 2)

    def _stored(self, conv: FoldedConv, step: float) -> tuple[str, str]:
        """Weight and bias as the graph holds them, for inputs in steps of `step`."""
        if not self.integer:
            return self.graph.constant(conv.weight), self.graph.constant(conv.bias)
        scales = filter_scales(conv.weight)
        weight = np.round(conv.weight / scales[:, np.newaxis, np.newaxis, np.newaxis])
        bias = np.round(conv.bias / (scales * step))
        return (
            self._scaled(weight.astype(np.int8), scales),
            self._scaled(bias.astype(np.int32), scales * np.float32(step)),
        )

    def _scaled(self, values: NDArray, scales: NDArray[np.float32]) -> str:
        zeros = self.graph.constant(np.zeros(len(scales), dtype=values.dtype))
        stored, steps = self.graph.constant(values), self.graph.constant(scales)
        return self.graph.node("DequantizeLinear", stored, steps, zeros, axis=0)


def filter_scales(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """The step of each filter's weights (O, ...), such that its largest is 127: (O,)."""
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scales: NDArray[np.float32] = np.maximum(largest, 1e-12).astype(np.float32) / MOST_I8
    return scales
