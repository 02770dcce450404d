"""The heart: one episode of one task, the same over every cell and every policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from .action import HOLD
from .cell import ActionTaken, Cell, CellFault, EndReason, PolicyLate
from .config import option
from .errors import GuardRefusal, InvalidAction
from .observation import Observation
from .policy import Decision, Policy
from .tasks import Task


@dataclass(frozen=True)
class EpisodeLimits:
    """When an episode ends although the policy has not said so."""

    max_steps: int = option(20, "most steps of an episode", low=1, high=200)
    max_late: int = option(3, "decisions that may be late before the episode ends", low=0, high=50)


@dataclass(frozen=True, eq=False)
class Step:
    """One turn of the loop: what was seen, what was chosen, what was done."""

    index: int
    observation: Observation
    decision: Decision
    taken: ActionTaken


@dataclass(frozen=True, eq=False)
class Episode:
    """What an episode was, without its images: those are the observers' business."""

    task: Task
    seed: int
    steps: tuple[Step, ...]
    reason: EndReason
    message: str = ""
    late: int = 0


class Observer(Protocol):
    """Whoever wants to know of an episode as it runs: recorder, live view, console."""

    def started(self, task: Task, seed: int) -> None:
        """Before the arm moves. May raise CellFault to veto the episode."""
        ...

    def stepped(self, step: Step) -> None:
        """After each step. May raise CellFault to end the episode."""
        ...

    def ended(self, episode: Episode) -> None:
        """After the last step, whatever ended it. Must not raise."""
        ...


def run_episode(
    cell: Cell,
    policy: Policy,
    task: Task,
    observers: Iterable[Observer] = (),
    limits: EpisodeLimits = EpisodeLimits(),
    seed: int = 0,
) -> Episode:
    """Run one episode to its end and tell the observers.

    A fault of the cell, of the policy or of an observer ends the episode by its name with
    the arm held; it never escapes. Nor does a command that is no action or that the guard
    refuses. Any other error is a defect of the software: the arm is held and it escapes.
    """
    observers = tuple(observers)
    running = _Running(cell, policy, task, observers, limits, seed)
    try:
        reason, message = running.play(), ""
    except CellFault as fault:
        cell.hold()
        reason, message = fault.reason, fault.message
    except (GuardRefusal, InvalidAction) as refused:
        cell.hold()
        reason, message = EndReason.COMMAND_REFUSED, str(refused)
    except BaseException:
        cell.hold()
        raise
    episode = Episode(task, seed, tuple(running.steps), reason, message, running.late)
    for observer in observers:
        observer.ended(episode)
    return episode


class _Running:
    """The loop's own state while an episode is under way."""

    def __init__(
        self,
        cell: Cell,
        policy: Policy,
        task: Task,
        observers: tuple[Observer, ...],
        limits: EpisodeLimits,
        seed: int,
    ) -> None:
        self.cell, self.policy, self.task = cell, policy, task
        self.observers, self.limits, self.seed = observers, limits, seed
        self.steps: list[Step] = []
        self.late = 0

    def play(self) -> EndReason:
        for observer in self.observers:
            observer.started(self.task, self.seed)
        self.cell.begin(self.task, self.seed)
        self.policy.begin(self.task, self.seed)
        for index in range(self.limits.max_steps):
            step = self._step(index)
            self.steps.append(step)
            for observer in self.observers:
                observer.stepped(step)
            if step.decision.action.terminate:
                return EndReason.TERMINATED
        return EndReason.STEP_LIMIT

    def _step(self, index: int) -> Step:
        observation = self.cell.observe()
        decision = self._decide(observation)
        if decision.action.terminate:
            now = observation.stamp_ns
            sent = replace(HOLD, terminate=True)
            taken = ActionTaken(sent, observation.T_base_tool, now, now)
        else:
            taken = self.cell.act(decision.action)
        return Step(index, observation, decision, taken)

    def _decide(self, observation: Observation) -> Decision:
        """The policy's decision; one that is late is a hold, and too many are a fault."""
        try:
            return self.policy(observation, self.task)
        except PolicyLate as late:
            self.late += 1
            if self.late > self.limits.max_late:
                message = f"{self.late} decisions were late, at most {self.limits.max_late} may be"
                raise CellFault(EndReason.POLICY_TIMEOUT, f"{message}: {late}") from late
            return Decision(HOLD, source="late", image_stamp_ns=observation.stamp_ns)
