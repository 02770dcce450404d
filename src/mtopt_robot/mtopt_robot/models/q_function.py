"""The Q-function as two ONNX networks: an encoder that looks once, a head that values actions.

Graphs (B cells, N actions, T tasks; B and N are free):
    encoder.onnx  image (B, H, W, 3) uint8 -> features (B, ...) float; normalisation is inside
    head.onnx     features (B, ...), state (B, 2), task (B, T) one-hot, actions (B, N, 8)
                  -> q (B, N), all float
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import onnxruntime

from mtopt_core.config import option
from mtopt_core.encoding import ACTION_LAYOUT, STATE_LAYOUT, Numbers
from mtopt_core.observation import Image

from .errors import GraphInvalid

_UINT8, _FLOAT = "tensor(uint8)", "tensor(float)"
_FREE = None
_QUIET = 4  # ONNX Runtime's "fatal": what goes wrong is raised, not written to stderr
Port = tuple[str, tuple[int | None, ...]]


@dataclass(frozen=True)
class InferenceConfig:
    """How networks are run."""

    threads: int = option(
        0, "threads of one network run; 0 lets the runtime take all cores", low=0, high=256
    )


class QFunction:
    """Values of encoded actions for an image, a gripper state and a task."""

    def __init__(
        self,
        encoder: bytes,
        head: bytes,
        size_px: tuple[int, int],
        tasks: int,
        config: InferenceConfig = InferenceConfig(),
    ) -> None:
        """Load both networks and hold them against the agreed inputs and outputs.

        `size_px` is the image's (height, width), `tasks` the length of the one-hot. Raises
        GraphInvalid.
        """
        self._encoder = open_session("encoder", encoder, config)
        self._head = open_session("head", head, config)
        features = _feature_shape(self._encoder)
        image = (_UINT8, (_FREE, *size_px, 3))
        check_ports("encoder input", self._encoder.get_inputs(), {"image": image})
        wanted: dict[str, Port] = {
            "features": (_FLOAT, (_FREE, *features)),
            "state": (_FLOAT, (_FREE, len(STATE_LAYOUT))),
            "task": (_FLOAT, (_FREE, tasks)),
            "actions": (_FLOAT, (_FREE, _FREE, len(ACTION_LAYOUT))),
        }
        check_ports("head input", self._head.get_inputs(), wanted)
        check_ports("head output", self._head.get_outputs(), {"q": (_FLOAT, (_FREE, _FREE))})

    def features(self, images: Image) -> Numbers:
        """What the encoder sees in B images, (B, H, W, 3) uint8 RGB: (B, ...). Once a decision."""
        return run_session("encoder", self._encoder, {"image": images})

    def score(self, features: Numbers, state: Numbers, task: Numbers, actions: Numbers) -> Numbers:
        """Values (B, N) of encoded actions (B, N, 8) for B cells, once a round.

        `features` (B, ...) are the encoder's, `state` (B, 2), `task` (B, T) one-hot.
        """
        inputs = {"features": features, "state": state, "task": task, "actions": actions}
        q = run_session("head", self._head, inputs)
        if q.shape != actions.shape[:2]:
            raise GraphInvalid(f"head gave values {q.shape} for actions {actions.shape[:2]}")
        return q


def open_session(name: str, data: bytes, config: InferenceConfig) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = config.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors have no root of their own
        raise GraphInvalid(f"{name} cannot be loaded: {error}") from error


def run_session(name: str, session: Any, inputs: dict[str, Any]) -> Numbers:
    try:
        output: Numbers = session.run(None, inputs)[0]
    except Exception as error:  # the runtime's errors have no root of their own
        raise GraphInvalid(f"{name} cannot be run: {error}") from error
    return output


def _feature_shape(encoder: Any) -> tuple[int, ...]:
    """The fixed shape of the features behind the batch."""
    outputs = encoder.get_outputs()
    shape = tuple(outputs[0].shape)[1:] if len(outputs) == 1 else ()
    if not shape or not all(isinstance(size, int) for size in shape):
        told = [(port.name, port.shape) for port in outputs]
        raise GraphInvalid(f"encoder output must be features of one fixed shape, is {told}")
    wanted = {"features": (_FLOAT, (_FREE, *shape))}
    check_ports("encoder output", outputs, wanted)
    return shape


def check_ports(label: str, ports: Any, wanted: dict[str, Port]) -> None:
    """Raises GraphInvalid unless names, types and shapes are as wanted."""
    found = {port.name: port for port in ports}
    if set(found) != set(wanted):
        raise GraphInvalid(f"{label}: must be {', '.join(wanted)}; is {', '.join(found)}")
    for name, (type_, shape) in wanted.items():
        port = found[name]
        if port.type != type_ or not _fits(port.shape, shape):
            raise GraphInvalid(
                f"{label} {name}: must be {type_} {_spoken(shape)}, "
                f"is {port.type} {_spoken(port.shape)}"
            )


def _fits(found: Any, wanted: tuple[int | None, ...]) -> bool:
    """Whether fixed sizes are equal and free ones really free."""
    if len(found) != len(wanted):
        return False
    return all(
        not isinstance(is_, int) if asked is _FREE else is_ == asked
        for is_, asked in zip(found, wanted, strict=True)
    )


def _spoken(shape: Any) -> str:
    return "(" + ", ".join(str(s) if isinstance(s, int) else "free" for s in shape) + ")"
