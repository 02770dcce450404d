"""Writes ONNX graphs node by node; every tensor that a method returns is a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class Graph:
    """A graph that is being written. Free sizes are given by letter."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._stored: list[Any] = []

    def input(self, name: str, shape: Sequence[int | str], dtype: int = TensorProto.FLOAT) -> str:
        """Declare an input."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, list(shape)))
        return name

    def output(self, name: str, tensor: str, shape: Sequence[int | str]) -> None:
        """Declare an output, float."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def constant(self, values: ArrayLike) -> str:
        """Store an array; plain integers become int64, plain floats float32."""
        array = np.asarray(values)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"c{len(self._stored)}"
        self._stored.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation with one result."""
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def to_bytes(self) -> bytes:
        """The checked model."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._stored
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        data: bytes = model.SerializeToString()
        return data
