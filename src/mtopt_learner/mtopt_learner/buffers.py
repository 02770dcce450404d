"""The per-task buffers: which transitions each task learns from, successes and failures apart.

A transition is named by its frame in the cache, which also holds what came after it; a buffer
holds names alone, so lending an episode to twelve tasks costs next to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import NothingToReplay
from .impersonation import Graded, Impersonation
from .rebalancing import Group, Rebalancing, Sizes, apportion
from .replay.cache import Kept
from .siblings import NOT_LENT

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch of N transitions, each array (N,).

    `frames` in the cache, `tasks` as indexes of the one-hot, `success` of the episode for that
    task, `left` the steps from a transition to the last one of its episode.
    """

    frames: Rows
    tasks: Rows
    success: NDArray[np.bool_]
    left: Rows

    def __len__(self) -> int:
        return len(self.frames)


class TaskBuffers:
    """Buffers of the tasks of a registry's names, in one-hot order.

    Episodes may have been collected for `others` as well, as far as they are lent to these.
    """

    def __init__(
        self,
        tasks: tuple[str, ...],
        impersonation: Impersonation,
        others: tuple[str, ...] = (),
    ) -> None:
        self._index = {name: index for index, name in enumerate(tasks)}
        self._known = {*tasks, *others}
        self._impersonation = impersonation
        self._groups = {
            (name, success): _Transitions() for name in tasks for success in (True, False)
        }
        self.unknown: Counter[str] = Counter()
        self._ends: list[int] = []  # behind the last frame of each episode, in their order
        self._outcomes: list[NDArray[np.int8]] = []

    def file(self, episodes: Iterable[Kept]) -> None:
        """Lend episodes and keep them. Those of tasks that nobody knows are counted by task."""
        for kept in episodes:
            if kept.task not in self._known:
                self.unknown[kept.task] += 1
                continue
            outcomes = np.full(len(self._index), NOT_LENT, dtype=np.int8)
            for lent in self._impersonation(Graded(kept.episode_id, kept.task, kept.success)):
                if lent.task in self._index:
                    self._groups[lent.task, lent.success].add(kept.first, kept.steps)
                    outcomes[self._index[lent.task]] = lent.success
            self._ends.append(kept.first + kept.steps)
            self._outcomes.append(outcomes)

    def outcomes(self, frames: Rows) -> NDArray[np.int8]:
        """What the episodes of frames came to for each task, (N, T): 1, 0, NOT_LENT.

        Episodes must have been filed in the order of their frames.
        """
        which = np.searchsorted(np.array(self._ends), frames, side="right")
        known: NDArray[np.int8] = np.stack(self._outcomes)[which]
        return known

    @property
    def sizes(self) -> Sizes:
        """Transitions in each group."""
        return {group: kept.size for group, kept in self._groups.items()}

    @property
    def episodes(self) -> dict[Group, int]:
        """Episodes in each group."""
        return {group: kept.episodes for group, kept in self._groups.items()}

    def draw(self, count: int, strategy: Rebalancing, rng: np.random.Generator) -> Drawn:
        """A batch with the strategy's shares; each group gives any of its transitions alike.

        Raises NothingToReplay while all groups are empty.
        """
        counts = apportion(strategy(self.sizes), count, rng)
        if not sum(counts.values()):
            raise NothingToReplay("no episode in any buffer: collect some, or look at the skipped")
        frames, left, tasks, success = [], [], [], []
        for (task, succeeded), wanted in counts.items():
            if wanted:
                drawn, ahead = self._groups[task, succeeded].draw(wanted, rng)
                frames.append(drawn)
                left.append(ahead)
                tasks.append(np.full(wanted, self._index[task], dtype=np.int64))
                success.append(np.full(wanted, succeeded))
        return Drawn(*(np.concatenate(part) for part in (frames, tasks, success, left)))


class _Transitions:
    """Runs of frames, an episode each; any transition is found by its number."""

    def __init__(self) -> None:
        self._first = np.zeros(16, dtype=np.int64)
        self._end = np.zeros(16, dtype=np.int64)  # transitions up to the end of each run
        self.episodes = self.size = 0

    def add(self, first: int, steps: int) -> None:
        """Append a run."""
        if self.episodes == len(self._first):
            self._first, self._end = (np.resize(a, 2 * len(a)) for a in (self._first, self._end))
        self.size += steps
        self._first[self.episodes], self._end[self.episodes] = first, self.size
        self.episodes += 1

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Frames of `count` transitions, and how many more steps each episode had then."""
        number = rng.integers(self.size, size=count)
        end = self._end[: self.episodes]
        run = np.searchsorted(end, number, side="right")
        left: Rows = end[run] - 1 - number
        begin = np.where(run > 0, end[run - 1], 0)
        frames: Rows = self._first[run] + number - begin
        return frames, left
