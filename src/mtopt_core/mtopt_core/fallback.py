"""What a step does where the Q-function does not know: hold, follow the script, ask a person."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .action import HOLD
from .config import option
from .errors import CoreError
from .observation import Observation
from .policy import Decision, Policy
from .tasks import Task

OFF, HOLDING, SCRIPT, ASK = "off", "hold", "scripted", "ask"
GO_ON = "go_on"  # a person's leave to do what the policy wanted
ANSWERS = (GO_ON, HOLDING, SCRIPT)
SOURCE = "fallback"


@dataclass(frozen=True)
class FallbackConfig:
    """What happens past the limits that a bundle was calibrated to."""

    mode: str = option(
        HOLDING,
        "past the limits: do it all the same, hold, act by the script, ask a person",
        choices=(OFF, HOLDING, SCRIPT, ASK),
    )
    ask_wait_s: float = option(
        1.5,
        "longest wait for a person's answer in one step; it then holds, the question stays open",
        unit="s", low=0.0, high=3600,
    )  # fmt: skip


class Interventions:
    """How often the fallback stepped in, by what was done and by the limit passed.

    Safe for threads: several cells may be decided at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = 0
        self._kinds: Counter[str] = Counter()

    def count(self, source: str, past: tuple[str, ...]) -> None:
        """One more: the source of the step that was done, the limits that were passed."""
        with self._lock:
            self._total += 1
            self._kinds.update((source, *past))

    def __str__(self) -> str:
        with self._lock:
            told = ", ".join(f"{name} {count}" for name, count in self._kinds.items())
            return f"{self._total} ({told})" if told else "0"


class Fallback:
    """What acts in place of a policy that does not know. Begun with every episode."""

    def __init__(self, scripts: Mapping[str, Policy]) -> None:
        """`scripts` by skill; a skill without one holds."""
        self._scripts = dict(scripts)

    def begin(self, task: Task, seed: int) -> None:
        """Prepare the episode's script, which may be wanted at any step of it."""
        if task.skill in self._scripts:
            self._scripts[task.skill].begin(task, seed)

    def act(self, answer: str, wanted: Decision, observation: Observation, task: Task) -> Decision:
        """What is done in place of `wanted`: its scores stay, its source says what stepped in.

        `answer` is one of ANSWERS; CoreError for another.
        """
        if answer not in ANSWERS:
            raise CoreError(f"answer {answer!r}: must be one of {', '.join(ANSWERS)}")
        if answer == GO_ON:
            return replace(wanted, source=f"{SOURCE}:{GO_ON}")
        if answer == SCRIPT and task.skill in self._scripts:
            action = self._scripts[task.skill](observation, task).action
            return replace(wanted, action=action, source=f"{SOURCE}:{SCRIPT}", q=float("nan"))
        return replace(wanted, action=HOLD, source=f"{SOURCE}:{HOLDING}", q=float("nan"))
