"""OpenVINO: bfloat16 and 8-bit integers on CPUs that have units for them (AMX, AVX-512, VNNI).

A graph is compiled for one cell and a block of actions, since fixed sizes run fastest and cells
gain nothing by sharing a run that fills the cores already. Whatever is asked goes in such blocks,
so that a choice does not depend on who else waits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine import BF16, FLOAT, FP32, INT8, OPENVINO, UINT8, Arrays, Port
from .errors import GraphInvalid

_TYPES = {"u8": UINT8, "f32": FLOAT}
_CELL, _BLOCK = 0, 1  # the dimensions that may be free: cells, and their actions


def installed() -> bool:
    """Whether OpenVINO can be imported."""
    return find_spec("openvino") is not None


def precisions() -> tuple[str, ...]:
    """The number formats that this CPU has units for; fp32 always."""
    able = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return (FP32, *(name for name in (BF16, INT8) if name.upper() in able))


@cache
def _core() -> Any:
    from openvino import Core

    return Core()


@dataclass(frozen=True)
class OpenVinoEngine:
    """OpenVINO on the CPU. `threads` 0 takes all cores; `block` actions are valued at once."""

    precision: str = BF16
    threads: int = 0
    block: int = 64
    provider: str = OPENVINO

    def load(self, name: str, data: bytes) -> OpenVinoNetwork:
        """A graph, compiled; raises GraphInvalid."""
        try:
            model = _core().read_model(data)
            inputs, outputs = _ports(model.inputs), _ports(model.outputs)
            sizes = {port: _fixed(known.shape, self.block) for port, known in inputs.items()}
            model.reshape(sizes)
            compiled = _core().compile_model(model, "CPU", self._settings())
            return OpenVinoNetwork(name, compiled, inputs, outputs, self.block)
        except (RuntimeError, TypeError, ValueError) as error:
            raise GraphInvalid(f"{name} cannot be loaded: {_first_line(error)}") from error

    def _settings(self) -> dict[str, Any]:
        """One run at a time, as fast as it goes. What is no integer layer stays a float one."""
        hint = "f32" if self.precision == FP32 else "bf16"
        able = BF16 in precisions()
        return {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": hint if able else "f32",
        }


class OpenVinoNetwork:
    """A compiled graph with one request, whose buffers are used again and again."""

    def __init__(
        self,
        name: str,
        compiled: Any,
        inputs: dict[str, Port],
        outputs: dict[str, Port],
        block: int,
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._name, self._block = name, block
        self._request = compiled.create_infer_request()
        self._buffers = {port: self._request.get_tensor(port).data for port in inputs}
        self._lock = threading.Lock()

    def run(self, inputs: Arrays) -> NDArray[np.float32]:
        """The output, for any number of cells and actions; raises GraphInvalid."""
        cells, actions = self._asked(inputs)
        starts = range(0, actions, self._block)
        with self._lock:
            rows = [
                np.concatenate([self._run_block(inputs, cell, at) for at in starts], axis=-1)
                if self._blocked
                else self._run_block(inputs, cell, 0)
                for cell in range(cells)
            ]
        output = np.concatenate(rows)
        return output[:, :actions] if self._blocked else output

    def _run_block(self, inputs: Arrays, cell: int, start: int) -> NDArray[np.float32]:
        """The output (1, ...) for one cell and a block of its actions, whose rest is padding."""
        for name, buffer in self._buffers.items():
            row = inputs[name][cell]
            if _free(self.inputs[name], _BLOCK):
                row = row[start : start + self._block]
                buffer[0, len(row) :] = 0
                buffer[0, : len(row)] = row
            else:
                buffer[0] = row
        try:
            self._request.infer()
        except RuntimeError as error:
            raise self._refused(_first_line(error)) from error
        found: NDArray[np.float32] = self._request.get_output_tensor().data.copy()
        return found

    def _asked(self, inputs: Arrays) -> tuple[int, int]:
        """How many cells and actions; raises GraphInvalid unless all inputs are as agreed."""
        if set(inputs) != set(self.inputs):
            raise self._refused(f"inputs must be {', '.join(self.inputs)}; are {', '.join(inputs)}")
        free: dict[int, int] = {}
        for name, port in self.inputs.items():
            found = inputs[name]
            # A free size is that of the first input that has it.
            wanted = tuple(
                free.setdefault(axis, has) if size is None else size
                for axis, (size, has) in enumerate(zip(port.shape, found.shape, strict=False))
            )
            if found.shape != wanted or found.ndim != len(port.shape) or found.dtype != port.dtype:
                raise self._refused(f"{name} must be {port}, is {found.dtype} {found.shape}")
        return free.get(_CELL, 1), free.get(_BLOCK, 1)

    @property
    def _blocked(self) -> bool:
        """Whether the output has a value for every action."""
        return any(_free(port, _BLOCK) for port in self.outputs.values())

    def _refused(self, reason: str) -> GraphInvalid:
        return GraphInvalid(f"{self._name} cannot be run: {reason}")


def _free(port: Port, axis: int) -> bool:
    return len(port.shape) > axis and port.shape[axis] is None


def _fixed(shape: tuple[int | None, ...], block: int) -> list[int]:
    """A shape with its free sizes filled in: one cell, a block of actions."""
    filled = {_CELL: 1, _BLOCK: block}
    return [filled[axis] if size is None else size for axis, size in enumerate(shape)]


def _ports(ports: Sequence[Any]) -> dict[str, Port]:
    return {
        port.any_name: Port(
            _TYPES.get(port.element_type.to_string(), port.element_type.to_string()),
            tuple(size.get_length() if size.is_static else None for size in port.partial_shape),
        )
        for port in ports
    }


def _first_line(error: Exception) -> str:
    """The runtime's own words, without the places in its sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (told or lines or [type(error).__name__])[0]
