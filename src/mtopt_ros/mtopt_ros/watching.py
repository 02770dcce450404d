"""The warden's judgement: who is gone, who must be brought up next. No ROS, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

NOT_UP = "not up yet"


class Order(StrEnum):
    """What a node can be told, as lifecycle transitions are called."""

    CONFIGURE = "configure"
    ACTIVATE = "activate"


@dataclass
class Attention:
    """Time in which somebody looked and could have heard. Who was kept from looking for longer than
    `most_s`, by a busy machine or by others in the same process, was deaf for the rest."""

    most_s: float = 0.5
    _looked_s: float | None = None
    _attended_s: float = 0.0

    def now_s(self, steady_s: float) -> float:
        """Seconds of attention up to a look at this time of a steady clock."""
        if self._looked_s is not None:
            self._attended_s += min(max(steady_s - self._looked_s, 0.0), self.most_s)
        self._looked_s = steady_s
        return self._attended_s


@dataclass
class Watched:
    """What is known of one node, times as the watch is told them."""

    state: str = ""
    heard_s: float | None = None
    fault: str = ""
    asked_s: float = field(default=-1e9)


@dataclass
class Watch:
    """All nodes of a cell in their order of bring-up.

    `needs` are nodes elsewhere: their silence and faults are the cell's, too, but others bring
    them up.
    """

    names: Sequence[str]
    silent_after_s: float
    retry_after_s: float = 1.0
    needs: Sequence[str] = ()
    nodes: dict[str, Watched] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = {name: Watched() for name in (*self.names, *self.needs)}

    def heard(self, name: str, state: str, fault: str, now_s: float) -> None:
        """A heartbeat; strangers are ignored."""
        known = self.nodes.get(name)
        if known is None:
            return
        if known.state != state:
            known.asked_s = -1e9  # the next order need not wait
        known.state, known.fault, known.heard_s = state, fault, now_s

    def fault(self, name: str) -> str:
        """What a node said last that is wrong with it; empty for a stranger."""
        known = self.nodes.get(name)
        return known.fault if known is not None else ""

    def gone(self, now_s: float) -> list[str]:
        """Nodes that were heard once and are silent now."""
        return [
            name
            for name, known in self.nodes.items()
            if known.heard_s is not None and now_s - known.heard_s > self.silent_after_s
        ]

    def lost(self, now_s: float) -> dict[str, str]:
        """Nodes that are silent, and the fault that this is. One that is not up yet may be busy
        with coming up, as a recorder that has much to recover."""
        told = f"node_lost: silent for over {self.silent_after_s:g} s"
        return {
            name: told if self.nodes[name].state == "active" else f"{told}, {NOT_UP}"
            for name in self.gone(now_s)
        }

    def missing(self) -> list[str]:
        """Nodes that were never heard."""
        return [name for name, known in self.nodes.items() if known.heard_s is None]

    def all_active(self, now_s: float) -> bool:
        """Whether the cell is up."""
        silent = self.gone(now_s)
        return all(k.state == "active" and n not in silent for n, k in self.nodes.items())

    def next_order(self, now_s: float) -> tuple[str, Order] | None:
        """The one order to give now: nodes are brought up strictly in their sequence."""
        silent = self.gone(now_s)
        for name in self.names:
            known = self.nodes[name]
            if known.heard_s is None or name in silent:
                return None
            if known.state == "active":
                continue
            if now_s - known.asked_s < self.retry_after_s:
                return None
            known.asked_s = now_s
            configured = known.state == "inactive"
            return name, Order.ACTIVATE if configured else Order.CONFIGURE
        return None

    def faults(self, now_s: float) -> list[str]:
        """ "node: fault" of everything that is wrong now."""
        silent = self.gone(now_s)
        found = [f"{name}: {why}" for name, why in self.lost(now_s).items()]
        found += [
            f"{name}: {known.fault}"
            for name, known in self.nodes.items()
            if known.fault and name not in silent
        ]
        return found
