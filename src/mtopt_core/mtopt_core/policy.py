"""What decides: an observation and a task go in, a decision comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

from .action import Action
from .observation import Observation
from .tasks import Task


@dataclass(frozen=True)
class Decision:
    """A chosen action and where it came from.

    `q` is the value the policy gave it (NaN where there is none), `source` who chose
    ("scripted", "epsilon", "policy", ...), `model` the version of the network, if any.
    `novelty` and `q_spread` say how sure the network may be, NaN where nobody knows.
    """

    action: Action
    source: str
    q: float = field(default=math.nan)
    model: str = ""
    image_stamp_ns: int = 0
    latency_s: float = 0.0
    novelty: float = field(default=math.nan)
    q_spread: float = field(default=math.nan)


class Policy(Protocol):
    """A way of acting. `begin` opens an episode: everything random after it follows the seed."""

    def begin(self, task: Task, seed: int) -> None:
        """Forget the last episode and prepare for this one."""
        ...

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The next action. May raise PolicyLate when no answer came in time."""
        ...
