"""The task registry: which tasks exist, in which order, and when each has succeeded.

The order is the one-hot order of every network trained on the registry, so a new task goes
at the end and an old one is never moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ConfigError, UnknownTask
from .rules import ANY, CATEGORIES, Rule, rule_from_mapping


@dataclass(frozen=True)
class Task:
    """One thing that the cell can be asked to do. `index` is its place in the one-hot."""

    name: str
    skill: str
    text: str
    rule: Rule
    index: int


@dataclass(frozen=True)
class TaskRegistry:
    """All tasks in one-hot order; a sequence of Task with look-up by name."""

    tasks: tuple[Task, ...]

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __getitem__(self, name: str) -> Task:
        """The task of a name; raises UnknownTask with the names that exist."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise UnknownTask(name, self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Task names in one-hot order."""
        return tuple(task.name for task in self.tasks)

    @property
    def skills(self) -> tuple[str, ...]:
        """Skill names in order of first use."""
        return tuple(dict.fromkeys(task.skill for task in self.tasks))

    def of_skill(self, skill: str) -> tuple[Task, ...]:
        """The sibling tasks of a skill: those that an episode may be lent to."""
        return tuple(task for task in self.tasks if task.skill == skill)

    def one_hot(self, task: Task) -> NDArray[np.float32]:
        """The task's code, (len(self),) of zeros and a one."""
        code = np.zeros(len(self), dtype=np.float32)
        code[task.index] = 1.0
        return code

    def only(self, names: tuple[str, ...]) -> tuple[Task, ...]:
        """Some tasks by name, in registry order; all of them where no name is given."""
        for name in names:
            self[name]
        return tuple(task for task in self.tasks if not names or task.name in names)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> TaskRegistry:
        """Registry of the parsed config/tasks.yaml; raises ConfigError.

        `categories`, where the file has them, join those that every registry knows.
        """
        _only_keys(values, ("categories", "tasks"), source, "")
        categories = (*CATEGORIES, *_new_categories(values.get("categories", []), source))
        entries = values.get("tasks")
        if not isinstance(entries, list) or not entries:
            raise ConfigError(source, "tasks", entries, "must be a list of at least one task")
        tasks = tuple(
            _task(entry, index, source, categories) for index, entry in enumerate(entries)
        )
        names = [task.name for task in tasks]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(source, "tasks", name, "stands in the list twice")
        return cls(tasks)


_TASK_KEYS = ("name", "skill", "text", "success")


def _new_categories(names: Any, source: str) -> tuple[str, ...]:
    if not isinstance(names, list):
        raise ConfigError(source, "categories", names, "must be a list of names")
    for index, name in enumerate(names):
        known = (ANY, *CATEGORIES, *names[:index])
        if not isinstance(name, str) or not name or name in known:
            raise ConfigError(source, f"categories[{index}]", name, "must be a new name")
    return tuple(names)


def _task(entry: Any, index: int, source: str, categories: tuple[str, ...]) -> Task:
    where = f"tasks[{index}]"
    if not isinstance(entry, Mapping):
        raise ConfigError(source, where, entry, f"must have the fields {', '.join(_TASK_KEYS)}")
    _only_keys(entry, _TASK_KEYS, source, where)
    for key in ("name", "skill", "text"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ConfigError(source, f"{where}.{key}", entry.get(key), "must be a text")
    where = f"{source}: {where} {entry['name']}"
    rule = rule_from_mapping(entry.get("success"), where, categories)
    return Task(entry["name"], entry["skill"], entry["text"], rule, index)


def _only_keys(values: Mapping[str, Any], keys: tuple[str, ...], source: str, where: str) -> None:
    for key in values:
        if key not in keys:
            field = f"{where}.{key}" if where else str(key)
            raise ConfigError(source, field, values[key], f"fields are {', '.join(keys)}")
