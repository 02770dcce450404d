"""Policies that do what a test tells them."""

from __future__ import annotations

from collections.abc import Iterable

from mtopt_core.action import TERMINATE, Action
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.tasks import Task


class Playback:
    """Plays a list of actions, then terminates; an exception in the list is raised."""

    def __init__(self, actions: Iterable[Action | Exception] = (), source: str = "policy") -> None:
        self._actions, self._source = tuple(actions), source
        self._at = 0

    def begin(self, task: Task, seed: int) -> None:
        """From the start of the list."""
        self._at = 0

    def __call__(self, observation: Observation, task: Task) -> Decision:
        """The next entry."""
        entry = self._actions[self._at] if self._at < len(self._actions) else TERMINATE
        self._at += 1
        if isinstance(entry, Exception):
            raise entry
        return Decision(entry, self._source, q=0.5, image_stamp_ns=observation.stamp_ns)
