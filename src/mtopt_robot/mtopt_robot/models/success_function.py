"""The success detector's network: three views in, a logit for every task out.

Graph (B outcomes, T tasks; B is free, each view has its own size):
    success.onnx  overhead, left, right (B, H, W, 3) uint8 -> logits (B, T) float;
                  normalisation is inside
"""

from __future__ import annotations

from mtopt_core.encoding import Numbers
from mtopt_core.observation import Image

from .engine import FLOAT, UINT8, InferenceConfig, Port
from .errors import GraphInvalid
from .onnx_engine import OnnxEngine
from .q_function import check_ports

_FREE = None
_Size = tuple[int, int]


class SuccessFunction:
    """Logits of every task for the three views of an outcome."""

    def __init__(
        self,
        network: bytes,
        sizes_px: tuple[_Size, ...],
        tasks: int,
        config: InferenceConfig = InferenceConfig(),
    ) -> None:
        """Load the network and hold it against the agreed inputs and outputs.

        `sizes_px` are the (height, width) of overhead, left and right, `tasks` the number of
        logits. Raises GraphInvalid.
        """
        self._network = OnnxEngine(threads=config.threads).load("success", network)
        views = {
            name: Port(UINT8, (_FREE, *size_px, 3))
            for name, size_px in zip(("overhead", "left", "right"), sizes_px, strict=True)
        }
        check_ports("success input", self._network.inputs, views)
        logits = {"logits": Port(FLOAT, (_FREE, tasks))}
        check_ports("success output", self._network.outputs, logits)
        self._tasks = tasks

    def logits(self, overhead: Image, left: Image, right: Image) -> Numbers:
        """Logits (B, T) of B outcomes, each view (B, H, W, 3) uint8 RGB. Raises GraphInvalid."""
        views = {"overhead": overhead, "left": left, "right": right}
        found = self._network.run(views)
        if found.shape != (len(overhead), self._tasks):
            raise GraphInvalid(f"success gave logits {found.shape} for {len(overhead)} outcomes")
        return found
