"""Task impersonation: for which tasks an episode is used, and whether it is a success of each.

An episode was collected for one task, and graded for all. To *lend* it to another task is to
train that task on it, with that task's own outcome as reward. What is not lent is not lost: the
next run may lend it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mtopt_core.tasks import Task, TaskRegistry

ORIG, ALL, SKILL = "orig", "all", "skill"


@dataclass(frozen=True)
class Graded:
    """What impersonation has to know of an episode.

    `success` is by task name; a task that the episode was not graded for is not in it.
    """

    episode_id: str
    task: str
    success: Mapping[str, bool]


@dataclass(frozen=True)
class Lent:
    """An episode as an example of a task."""

    task: str
    success: bool


Impersonation = Callable[[Graded], tuple[Lent, ...]]


def orig() -> Impersonation:
    """Lend nothing: an episode serves the task that it was collected for."""
    return lambda episode: _expand(episode, (episode.task,))


def share_all(tasks: TaskRegistry) -> Impersonation:
    """Lend every episode to every task."""
    return lambda episode: _expand(episode, tasks.names)


def skill(
    tasks: TaskRegistry, success_share: float = 1.0, failure_share: float = 1.0
) -> Impersonation:
    """Lend an episode to the siblings within its skill.

    Of what would be lent, successes are kept with probability `success_share` and failures with
    `failure_share`; the episode's own task always has it. Raises UnknownTask, when called, for
    an episode of a task that the registry lacks.
    """

    def keeps(episode: Graded, task: Task) -> bool:
        if task.name == episode.task:
            return True
        share = success_share if episode.success.get(task.name) else failure_share
        return coin(episode.episode_id, task.name) < share

    def lend(episode: Graded) -> tuple[Lent, ...]:
        siblings = tasks.of_skill(tasks[episode.task].skill)
        return _expand(episode, tuple(task.name for task in siblings if keeps(episode, task)))

    return lend


def coin(episode_id: str, task: str) -> float:
    """A number in [0, 1) that is always the same for an episode and a task.

    Drawn from their names, so that a replay in another order, or after a restart, lends alike.
    """
    digest = hashlib.blake2b(f"{episode_id}\n{task}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _expand(episode: Graded, names: tuple[str, ...]) -> tuple[Lent, ...]:
    """Algorithm 1 of the paper: the episode once for each task, with that task's reward."""
    return tuple(
        Lent(name, bool(episode.success[name])) for name in names if name in episode.success
    )
