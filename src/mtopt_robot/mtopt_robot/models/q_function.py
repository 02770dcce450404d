"""The Q-function as two ONNX networks: an encoder that looks once, a head that values actions.

Graphs (B cells, N actions, T tasks; B and N are free):
    encoder.onnx  image (B, H, W, 3) uint8 -> features (B, ...) float; normalisation is inside
    head.onnx     features (B, ...), state (B, S), task (B, T) one-hot, actions (B, N, 8)
                  -> q (B, N), all float
S is 2, or 8 where the network looks around the tool and its state has the tool's pose.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtopt_core.encoding import ACTION_LAYOUT, Numbers, state_layout
from mtopt_core.observation import Image

from .engine import FLOAT, UINT8, Engine, InferenceConfig, Network, Port
from .errors import GraphInvalid
from .onnx_engine import OnnxEngine

_FREE = None


class QFunction:
    """Values of encoded actions for an image, a gripper state and a task."""

    def __init__(
        self,
        encoder: bytes,
        head: bytes,
        size_px: tuple[int, int],
        tasks: int,
        config: InferenceConfig = InferenceConfig(),
        engine: Engine | None = None,
        posed: bool = False,
    ) -> None:
        """Load both networks and hold them against the agreed inputs and outputs.

        `size_px` is the image's (height, width), `tasks` the length of the one-hot, `posed` says
        that the state has the tool's pose; without an `engine` the networks run as they are on
        the CPU. Raises GraphInvalid.
        """
        engine = engine or OnnxEngine(threads=config.threads)
        self._encoder = engine.load("encoder", encoder)
        self._head = engine.load("head", head)
        features = _feature_shape(self._encoder)
        image = Port(UINT8, (_FREE, *size_px, 3))
        check_ports("encoder input", self._encoder.inputs, {"image": image})
        wanted = {
            "features": Port(FLOAT, (_FREE, *features)),
            "state": Port(FLOAT, (_FREE, len(state_layout(posed)))),
            "task": Port(FLOAT, (_FREE, tasks)),
            "actions": Port(FLOAT, (_FREE, _FREE, len(ACTION_LAYOUT))),
        }
        check_ports("head input", self._head.inputs, wanted)
        check_ports("head output", self._head.outputs, {"q": Port(FLOAT, (_FREE, _FREE))})

    def features(self, images: Image) -> Numbers:
        """What the encoder sees in B images, (B, H, W, 3) uint8 RGB: (B, ...). Once a decision."""
        return self._encoder.run({"image": images})

    def score(self, features: Numbers, state: Numbers, task: Numbers, actions: Numbers) -> Numbers:
        """Values (B, N) of encoded actions (B, N, 8) for B cells, once a round.

        `features` (B, ...) are the encoder's, `state` (B, S), `task` (B, T) one-hot.
        """
        inputs = {"features": features, "state": state, "task": task, "actions": actions}
        q = self._head.run(inputs)
        if q.shape != actions.shape[:2]:
            raise GraphInvalid(f"head gave values {q.shape} for actions {actions.shape[:2]}")
        return q


def _feature_shape(encoder: Network) -> tuple[int | None, ...]:
    """The fixed shape of the features behind the batch."""
    ports = tuple(encoder.outputs.values())
    shape = ports[0].shape[1:] if len(ports) == 1 else ()
    if not shape or None in shape:
        told = ", ".join(f"{name} {port}" for name, port in encoder.outputs.items())
        raise GraphInvalid(f"encoder output must be features of one fixed shape, is {told}")
    check_ports("encoder output", encoder.outputs, {"features": Port(FLOAT, (_FREE, *shape))})
    return shape


def check_ports(label: str, found: Mapping[str, Port], wanted: Mapping[str, Port]) -> None:
    """Raises GraphInvalid unless names, types and sizes are as wanted, free ones really free."""
    if set(found) != set(wanted):
        raise GraphInvalid(f"{label}: must be {', '.join(wanted)}; is {', '.join(found)}")
    for name, port in wanted.items():
        if found[name] != port:
            raise GraphInvalid(f"{label} {name}: must be {port}, is {found[name]}")
