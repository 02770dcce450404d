"""How much of what is collected follows the network, and how much explores."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .action import Action, ActionBounds, Gripper
from .config import from_mapping, option
from .errors import ConfigError, CoreError
from .observation import Observation
from .policy import Decision, Policy
from .tasks import Task

SCRIPTED, EPSILON, POLICY = "scripted", "epsilon", "policy"


def random_action(bounds: ActionBounds, rng: np.random.Generator) -> Action:
    """An action drawn evenly: mostly a motion, now and then a gripper command, never an end."""
    kind = rng.random()
    if kind < 0.1:
        return Action(gripper=Gripper.CLOSE)
    if kind < 0.2:
        return Action(gripper=Gripper.OPEN)
    x, y, z, yaw = (float(value) for value in rng.uniform(-bounds.high, bounds.high))
    return Action((x, y, z), yaw)


class EpsilonGreedy:
    """Another policy, but every step is random with a probability."""

    def __init__(self, greedy: Policy, bounds: ActionBounds, epsilon: float) -> None:
        self._greedy, self._bounds, self._epsilon = greedy, bounds, epsilon
        self._rng = np.random.default_rng(0)

    def begin(self, task: Task, seed: int) -> None:
        """Draw this episode's dice from its seed."""
        self._rng = np.random.default_rng((seed, task.index, 1))
        self._greedy.begin(task, seed)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The greedy decision, or a random one marked as such, for which nobody else is asked."""
        if self._rng.random() >= self._epsilon:
            return self._greedy(observation, task)
        action = random_action(self._bounds, self._rng)
        return Decision(action, EPSILON, image_stamp_ns=observation.stamp_ns)


@dataclass(frozen=True)
class MixConfig:
    """Shares of the exploration mix, drawn anew for every episode; they need not sum to one."""

    scripted: float = option(1.0, "weight of the scripted policies", low=0.0, high=1e6)
    epsilon_greedy: float = option(0.0, "weight of epsilon-greedy episodes", low=0.0, high=1e6)
    on_policy: float = option(0.0, "weight of purely greedy episodes", low=0.0, high=1e6)
    epsilon: float = option(0.2, "share of random steps in such an episode", low=0.0, high=1.0)
    by_task: tuple[str, ...] = option([], "tasks whose shares differ, as lift-can=0,1,1")


def mix_of(words: str, source: str) -> MixConfig:
    """The mix of "SCRIPTED,EPSILON,POLICY[,EPSILON RATE][;TASK=MIX...]"; raises ConfigError."""
    shares, *by_task = words.split(";")
    return replace(_shares_of(shares, source), by_task=tuple(by_task))


def words_of(mix: MixConfig) -> str:
    """A mix in the words that `mix_of` reads."""
    shares = f"{mix.scripted},{mix.epsilon_greedy},{mix.on_policy},{mix.epsilon}"
    return ";".join((shares, *mix.by_task))


def task_mixes(mix: MixConfig, source: str, tasks: Container[str]) -> dict[str, MixConfig]:
    """The mixes of the tasks whose shares differ; raises ConfigError, also for unknown tasks."""
    found = {}
    for words in mix.by_task:
        task, _, shares = words.partition("=")
        if task not in tasks:
            raise ConfigError(source, "by_task", words, "must be TASK=SHARES of a known task")
        found[task] = _shares_of(shares, f"{source}: {task}")
    return found


def _shares_of(words: str, source: str) -> MixConfig:
    fields = ("scripted", "epsilon_greedy", "on_policy", "epsilon")
    try:
        numbers = [float(word) for word in words.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (3, 4):
        allowed = "must be three shares with commas, and after them the epsilon if it differs"
        raise ConfigError(source, "mix", words, allowed)
    mix = from_mapping(MixConfig, dict(zip(fields, numbers, strict=False)), f"{source}: mix")
    if mix.scripted + mix.epsilon_greedy + mix.on_policy <= 0.0:
        raise ConfigError(source, "mix", words, "must be shares of 0 or more, not all 0")
    return mix


class ExplorationMix:
    """Draws, per episode, which kind of policy acts. Without a network only scripts act."""

    def __init__(
        self,
        scripts: Mapping[str, Policy],
        greedy: Policy | None,
        bounds: ActionBounds,
        config: MixConfig = MixConfig(),
        by_task: Mapping[str, MixConfig] | None = None,
    ) -> None:
        self._scripts, self._config, self._by_task = dict(scripts), config, dict(by_task or {})
        self._bounds, self._greedy = bounds, greedy
        self._acting: Policy | None = None  # drawn by begin()

    def begin(self, task: Task, seed: int) -> None:
        """Draw this episode's policy from its seed; CoreError for a skill without a script."""
        if task.skill not in self._scripts:
            known = ", ".join(self._scripts)
            raise CoreError(f"no scripted policy for skill {task.skill!r} of {task.name}: {known}")
        self._acting = self._draw(task, np.random.default_rng((seed, task.index, 2)))
        self._acting.begin(task, seed)

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The decision of the policy that was drawn."""
        if self._acting is None:
            raise CoreError("begin() must open an episode before the first decision")
        return self._acting(observation, task)

    def _draw(self, task: Task, rng: np.random.Generator) -> Policy:
        config = self._by_task.get(task.name, self._config)
        weights = {
            SCRIPTED: config.scripted,
            EPSILON: config.epsilon_greedy,
            POLICY: config.on_policy,
        }
        total = sum(weights.values())
        if self._greedy is None or total <= 0.0:
            return self._scripts[task.skill]
        kinds = list(weights)
        kind = kinds[int(rng.choice(len(kinds), p=[weights[k] / total for k in kinds]))]
        if kind == EPSILON:
            return EpsilonGreedy(self._greedy, self._bounds, config.epsilon)
        return self._scripts[task.skill] if kind == SCRIPTED else self._greedy
