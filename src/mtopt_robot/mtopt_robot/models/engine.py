"""What runs networks: an engine loads graphs, a loaded graph takes arrays and gives one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mtopt_core.config import option

AUTO = "auto"
CPU, OPENVINO, CUDA, TENSORRT = "cpu", "openvino", "cuda", "tensorrt"
FP32, BF16, FP16, INT8 = "fp32", "bf16", "fp16", "int8"
PROVIDERS = (CPU, OPENVINO, CUDA, TENSORRT)
PRECISIONS = (FP32, BF16, FP16, INT8)

UINT8, FLOAT = "uint8", "float32"
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class InferenceConfig:
    """How networks are run."""

    threads: int = option(
        0, "threads of one network run; 0 lets the runtime take all cores", low=0, high=256
    )
    provider: str = option(
        AUTO, "what runs the networks; auto takes the fastest that passes its self-test",
        choices=(AUTO, *PROVIDERS),
    )  # fmt: skip
    precision: str = option(
        AUTO, "number format; auto takes any that the model says it is good for",
        choices=(AUTO, *PRECISIONS),
    )  # fmt: skip
    block: int = option(
        64, "actions of a cell that OpenVINO values at once; others go in blocks of these",
        low=1, high=4096,
    )  # fmt: skip


@dataclass(frozen=True)
class Port:
    """An input or output: its element type in NumPy's words, its shape, None where it is free."""

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("free" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} ({sizes})"


class Network(Protocol):
    """A loaded graph with one output."""

    @property
    def inputs(self) -> Mapping[str, Port]:
        """The inputs by name."""
        ...

    @property
    def outputs(self) -> Mapping[str, Port]:
        """The outputs by name."""
        ...

    def run(self, inputs: Arrays) -> NDArray[np.float32]:
        """The output for these inputs; raises GraphInvalid where they do not fit."""
        ...


class Engine(Protocol):
    """Something that runs graphs, on some hardware and in some number format."""

    @property
    def provider(self) -> str:
        """One of PROVIDERS."""
        ...

    @property
    def precision(self) -> str:
        """One of PRECISIONS."""
        ...

    def load(self, name: str, data: bytes) -> Network:
        """A graph from the bytes of an ONNX file; `name` is for messages. Raises GraphInvalid."""
        ...
