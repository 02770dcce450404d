"""What a policy server does for its cells: a policy each, one model for all. No ROS, no clock.

Each cell is asked for by one thread at a time; different cells by different threads, whose
questions meet at the one network.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mtopt_core.cem import CemConfig, Choice
from mtopt_core.exploration import MixConfig
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision, Policy
from mtopt_core.tasks import Task
from mtopt_robot.models.bundle import Bundle
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.errors import TaskNotServed
from mtopt_robot.models.q_policy import Check, QPolicy

MakePolicy = Callable[[Policy | None, MixConfig], Policy]
MakeCheck = Callable[[str], Check | None]

_REMEMBERED = 500  # latencies


@dataclass(frozen=True, eq=False)
class Query:
    """One cell's question. No decision is begun after `until_s`, a time of the monotonic clock."""

    cell: str
    episode_id: str
    step: int
    seed: int
    task: Task
    observation: Observation
    until_s: float = math.inf


@dataclass(eq=False)
class _Served:
    """What the server keeps of one cell: its policy and the episode under way."""

    mix: MixConfig
    policy: Policy
    greedy: QPolicy | None = None
    episode_id: str = ""
    task: Task | None = None  # of the episode under way
    turn: threading.Lock = field(default_factory=threading.Lock)


class Serving:
    """The policies of all cells served. Without a model the scripts act alone."""

    def __init__(
        self,
        mixes: Mapping[str, MixConfig],
        make_policy: MakePolicy,
        cem: CemConfig = CemConfig(),
        make_check: MakeCheck = lambda cell: None,
    ) -> None:
        self._make_policy, self._cem, self._make_check = make_policy, cem, make_check
        self._cells = {cell: _Served(mix, make_policy(None, mix)) for cell, mix in mixes.items()}
        self.decider: Decider | None = None

    @property
    def model(self) -> str:
        """`name/version` of the model in service, empty where there is none."""
        return self.decider.bundle.manifest.id if self.decider else ""

    def decide(self, query: Query) -> Decision:
        """The cell's next action; the first query of an episode opens it.

        Raises PolicyLate, and MtoptError for what the policy cannot decide on.
        """
        served = self._cells[query.cell]
        with served.turn:
            if query.step == 0 or query.episode_id != served.episode_id:
                served.policy.begin(query.task, query.seed)
                served.episode_id, served.task = query.episode_id, query.task
            if served.greedy is not None:
                served.greedy.until_s = query.until_s
            decision = served.policy(query.observation, query.task)
            if decision.action.terminate:
                served.task = None
            return decision

    def considered(self, cell: str) -> Choice | None:
        """What the network went through for its last decision for a cell, if it made one."""
        greedy = self._cells[cell].greedy
        return greedy.last if greedy is not None else None

    def serve(self, bundle: Bundle) -> None:
        """Decide by this model from the next decision on, also within episodes.

        Raises TaskNotServed, and everything goes on as it was, if it lacks the task of an
        episode under way.
        """
        for served in self._cells.values():
            task = served.task
            if task is not None and task.name not in bundle.manifest.tasks:
                raise TaskNotServed(task.name, bundle.manifest.id, bundle.manifest.tasks)
        if self.decider is not None:
            self.decider.swap(bundle)
            return
        self.decider = Decider(bundle, self._cem)
        for cell, served in self._cells.items():
            with served.turn:
                served.greedy = QPolicy(self.decider, self._make_check(cell))
                served.policy = self._make_policy(served.greedy, served.mix)
                served.episode_id = ""  # the next request opens its episode anew


class Tally:
    """Counts of a server's answers, for its diagnostics. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = {"decisions": 0, "late": 0, "not_begun": 0, "refused": 0}
        self._latencies_s: deque[float] = deque(maxlen=_REMEMBERED)

    def decided(self, latency_s: float, deadline_s: float) -> None:
        """A decision was answered so long after it was asked for; late if past its deadline."""
        with self._lock:
            self._counts["decisions"] += 1
            self._counts["late"] += latency_s > deadline_s
            self._latencies_s.append(latency_s)

    def not_begun(self) -> None:
        """A request whose deadline passed before anything was computed for it."""
        with self._lock:
            self._counts["not_begun"] += 1

    def refused(self) -> None:
        """A request that could not be decided, for a reason with a name."""
        with self._lock:
            self._counts["refused"] += 1

    def values(self) -> dict[str, str]:
        """The figures by name, as diagnostics show them."""
        with self._lock:
            told = {name: str(count) for name, count in self._counts.items()}
            latencies_ms = 1e3 * np.array(self._latencies_s)
        if len(latencies_ms):
            p50, p99 = np.percentile(latencies_ms, (50, 99))
            told |= {"latency_p50_ms": f"{p50:.1f}", "latency_p99_ms": f"{p99:.1f}"}
        return told
