"""ONNX Runtime: plain CPU everywhere, CUDA and TensorRT where its GPU build is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .engine import CPU, CUDA, FLOAT, FP16, FP32, TENSORRT, UINT8, Arrays, Port
from .errors import GraphInvalid

_QUIET = 4  # ONNX Runtime's "fatal": what goes wrong is raised, not written to stderr
_TYPES = {"tensor(uint8)": UINT8, "tensor(float)": FLOAT}
_NAMES = {
    CPU: "CPUExecutionProvider",
    CUDA: "CUDAExecutionProvider",
    TENSORRT: "TensorrtExecutionProvider",
}


@dataclass(frozen=True)
class OnnxEngine:
    """One of ONNX Runtime's providers. `threads` 0 takes all cores."""

    provider: str = CPU
    precision: str = FP32
    threads: int = 0

    def load(self, name: str, data: bytes) -> OnnxNetwork:
        """A graph; raises GraphInvalid, also where the runtime fell back to another provider."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        wanted = _NAMES[self.provider]
        try:
            session = onnxruntime.InferenceSession(data, options, providers=self._providers())
        except Exception as error:  # the runtime's errors have no root of their own
            raise GraphInvalid(f"{name} cannot be loaded: {error}") from error
        if session.get_providers()[0] != wanted:
            used = session.get_providers()[0]
            raise GraphInvalid(f"{name} cannot be loaded: {wanted} was asked for, {used} came")
        return OnnxNetwork(name, session)

    def _providers(self) -> list[Any]:
        name = _NAMES[self.provider]
        if self.provider == TENSORRT:
            return [(name, {"trt_fp16_enable": self.precision == FP16}), _NAMES[CPU]]
        return [name] if self.provider == CPU else [name, _NAMES[CPU]]


class OnnxNetwork:
    """A session."""

    def __init__(self, name: str, session: Any) -> None:
        self._name, self._session = name, session
        self.inputs = _ports(session.get_inputs())
        self.outputs = _ports(session.get_outputs())

    def run(self, inputs: Arrays) -> NDArray[np.float32]:
        """The first output."""
        try:
            output: NDArray[np.float32] = self._session.run(None, dict(inputs))[0]
        except Exception as error:  # the runtime's errors have no root of their own
            raise GraphInvalid(f"{self._name} cannot be run: {error}") from error
        return output


def installed() -> tuple[str, ...]:
    """The providers that this build of ONNX Runtime knows, whether or not they work here."""
    there = onnxruntime.get_available_providers()
    return tuple(provider for provider, name in _NAMES.items() if name in there)


def _ports(ports: Sequence[Any]) -> dict[str, Port]:
    return {
        port.name: Port(
            _TYPES.get(port.type, port.type),
            tuple(size if isinstance(size, int) else None for size in port.shape),
        )
        for port in ports
    }
