"""A workcell as the episode loop sees it, and the ways in which one fails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .action import Action
from .errors import CoreError
from .geometry import Transform
from .observation import Observation, OutcomeImages
from .tasks import Task


class EndReason(StrEnum):
    """Why an episode ended. The first two are ordinary; every other one is a fault."""

    TERMINATED = "terminated"
    STEP_LIMIT = "step_limit"
    STOPPED = "stopped"
    CAMERA_FAULT = "camera_fault"
    JOINT_STATES_STALE = "joint_states_stale"
    TRACKING_ERROR = "tracking_error"
    CONTACT = "contact"
    COMMAND_REFUSED = "command_refused"
    POLICY_TIMEOUT = "policy_timeout"
    EMERGENCY_STOP = "emergency_stop"
    BIN_JAM = "bin_jam"
    RECORDER_LOST = "recorder_lost"
    GRADER_LOST = "grader_lost"
    NODE_LOST = "node_lost"

    @property
    def ordinary(self) -> bool:
        """Whether the episode ran to its own end."""
        return self in (EndReason.TERMINATED, EndReason.STEP_LIMIT)


class CellFault(CoreError):
    """Something in the cell ended the episode; `reason` is what will be recorded."""

    def __init__(self, reason: EndReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class PolicyLate(CoreError):
    """No decision came before its deadline; the step is held and counted."""


@dataclass(frozen=True, eq=False)
class ActionTaken:
    """What the arm really did: the action that passed the guard, and where the tool ended."""

    sent: Action
    T_base_tool: Transform
    started_ns: int
    ended_ns: int


class Cell(Protocol):
    """An arm over its bins. Every method but `hold` may raise CellFault; `hold` never fails."""

    def reset(self, seed: int) -> None:
        """Bring everything back into the right bin and the arm home."""
        ...

    def begin(self, task: Task, seed: int) -> None:
        """Go to where an episode of the task starts."""
        ...

    def observe(self) -> Observation:
        """The first complete observation after the last motion ended."""
        ...

    def act(self, action: Action) -> ActionTaken:
        """Do one step and wait for its end."""
        ...

    def outcome_images(self) -> OutcomeImages:
        """The three views of the scene as the episode left it."""
        ...

    def hold(self) -> None:
        """Stop where the arm is."""
        ...
