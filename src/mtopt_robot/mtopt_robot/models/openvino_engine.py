"""OpenVINO: bfloat16 and 8-bit integers on CPUs that have units for them (AMX, AVX-512, VNNI).

A graph is compiled for one cell and a block of actions, since fixed sizes run fastest and cells
gain nothing by sharing a run that fills the cores already. Whatever is asked goes in such blocks,
so that a choice does not depend on who else waits.
"""

from __future__ import annotations

import itertools
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
        output = next(iter(self.outputs.values()))
        blocked = len(output.shape) > _BLOCK and output.shape[_BLOCK] is None
        starts = range(0, actions, self._block)
        with self._lock:
            parts = [
                self._run_block(inputs, each) for each in itertools.product(range(cells), starts)
            ]
        if not blocked:
            return np.concatenate(parts[:: len(starts)])
        rows = [np.concatenate(each, axis=_BLOCK) for each in _grouped(parts, len(starts))]
        return np.concatenate(rows)[:, :actions]

    def _asked(self, inputs: Arrays) -> tuple[int, int]:
        """How many cells and actions; raises GraphInvalid unless all inputs fit together."""
        if set(inputs) != set(self.inputs):
            raise self._refused(f"inputs must be {', '.join(self.inputs)}; are {', '.join(inputs)}")
        free: dict[int, int] = {_BLOCK: 1}
        for name, port in self.inputs.items():
            found = inputs[name]
            for axis, size in enumerate(port.shape):
                has = found.shape[axis] if axis < found.ndim else -1
                if has != (free.setdefault(axis, has) if size is None and axis != _BLOCK else size):
                    if not (size is None and axis == _BLOCK):
                        raise self._refused(f"{name} must be {port}, is {found.shape}")
                    free[_BLOCK] = has
            if found.ndim != len(port.shape) or str(found.dtype) != port.dtype:
                raise self._refused(f"{name} must be {port}, is {found.dtype} {found.shape}")
        return free[_CELL], free[_BLOCK]
