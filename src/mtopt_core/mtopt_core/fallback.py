"""What a step does where the Q-function does not know: hold, follow the script, ask a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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


@dataclass
class Interventions:
    """How often the fallback stepped in, by what the step did and by the limit passed."""

    total: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def count(self, source: str, past: tuple[str, ...]) -> None:
        """One more."""
        self.total += 1
        self.kinds.update((source, *past))

    def __str__(self) -> str:
        told = ", ".join(f"{name} {count}" for name, count in self.kinds.items())
        return f"{self.total} ({told})" if told else "0"


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


class CarefulPolicy:
    """Another policy, but a decision that it doubts is replaced. Asks nobody: it holds."""

    def __init__(self, policy: Policy, fallback: Fallback, config: FallbackConfig) -> None:
        self._policy, self._fallback, self._mode = policy, fallback, config.mode
        self.interventions = Interventions()

    def begin(self, task: Task, seed: int) -> None:
        """Open an episode for both."""
        self._policy.begin(task, seed)
        self._fallback.begin(task, seed)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The policy's decision, or what stands in for it."""
        wanted = self._policy(observation, task)
        if wanted.doubt is None or self._mode == OFF:
            return wanted
        answer = SCRIPT if self._mode == SCRIPT else HOLDING
        done = self._fallback.act(answer, wanted, observation, task)
        self.interventions.count(done.source, wanted.doubt.past)
        return done
