"""A comparison as it is declared in config/compare/<question>.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtopt_core.config import from_mapping, option, section
from mtopt_core.errors import ConfigError
from mtopt_core.tasks import TaskRegistry
from mtopt_data.yamlfile import read_yaml
from mtopt_learner.config import LearnConfig
from mtopt_learner.impersonation import coin
from mtopt_learner.replay.cache import Kept

FOLDER = "compare"
_FIGURES = ("mean", "low_data_mean", "min")


@dataclass(frozen=True)
class Variant:
    """One column: what it does otherwise than the learner's settings, and what it learns from."""

    name: str = option("", "short, of letters, digits and hyphens")
    text: str = option("", "what it is, in a sentence")
    learn: dict = section(dict, "settings of config/learn.yaml that it has otherwise")
    tasks: tuple[str, ...] = option([], "tasks that it learns, in the registry's order; all")
    collected: tuple[str, ...] = option(
        [], "tasks whose episodes it learns from; all of them, whatever it learns"
    )
    succeeded: tuple[str, ...] = option(
        [], "beside those, all episodes that succeeded at one of these"
    )
    most: dict = section(dict, "by task, how many of the episodes that were collected for it")
    begin: str = option("", "variant whose trained weights it begins with")
    share: float = option(1.0, "of the comparison's steps", low=0.01, high=1.0)
    paper: dict = section(dict, "the paper's shares by task, and figures over its tasks")

    def learned(self, registry: TaskRegistry) -> TaskRegistry:
        """The tasks that it learns, with places of their own; raises UnknownTask."""
        chosen = registry.only(self.tasks)
        return TaskRegistry(tuple(replace(task, index=i) for i, task in enumerate(chosen)))

    def chosen(self, episodes: Iterable[Kept]) -> list[Kept]:
        """The episodes that it learns from, in their order.

        Where it takes but some of a task's, which ones follows from their names: more of them
        are the same and others.
        """
        there = [
            each
            for each in episodes
            if not self.collected
            or each.task in self.collected
            or any(each.success.get(task) for task in self.succeeded)
        ]
        left_out: set[str] = set()
        for task, count in self.most.items():
            own = [each.episode_id for each in there if each.task == task]
            left_out |= set(sorted(own, key=lambda name: coin(name, task))[count:])
        return [each for each in there if each.episode_id not in left_out]


@dataclass(frozen=True)
class Comparison:
    """A question of the paper, asked of variants that have the same data and steps."""

    title: str = option("", "what is compared")
    text: str = option("", "what is asked, and what the paper found")
    source: str = option("", "where the paper's figures are from, if it gives any")
    registry: str = option("tasks.yaml", "file of config/ with the tasks")
    scene: str = option("standard", "scene of config/scenes.yaml that variants are evaluated in")
    tasks: tuple[str, ...] = option([], "tasks that are evaluated, as far as a variant knows them")
    steps: int = option(4000, "of training, each variant", low=1)
    attempts: int = option(50, "at each task", low=1, high=100_000)
    seeds: tuple[int, ...] = option([1], "trainings of each variant", low=0)
    variants: tuple[Variant, ...] = option([], "what is compared, in the order of the columns")

    def __getitem__(self, name: str) -> Variant:
        """A variant by name; raises ConfigError."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        names = ", ".join(variant.name for variant in self.variants)
        raise ConfigError("mtopt compare", "variants", name, f"must be among {names}")

    def steps_of(self, variant: Variant) -> int:
        """Steps that a variant is trained; with those that it begins with, as many as any other."""
        return max(1, round(self.steps * variant.share))


def questions(folder: Path) -> list[str]:
    """The names of the comparisons in a folder of configuration."""
    return sorted(path.stem for path in (folder / FOLDER).glob("*.yaml"))


def read_comparison(path: Path, registry_of: Any) -> tuple[Comparison, TaskRegistry]:
    """A comparison and its tasks, which `registry_of` reads by the file's name.

    Raises ConfigError, YamlInvalid, UnknownTask.
    """
    made = from_mapping(Comparison, read_yaml(path), str(path))
    registry: TaskRegistry = registry_of(made.registry)
    names = [variant.name for variant in made.variants]
    for variant in made.variants:
        if names.count(variant.name) > 1 or not variant.name.replace("-", "").isalnum():
            raise ConfigError(str(path), "name", variant.name, "must be a short name, and once")
        if variant.begin and variant.begin not in names[: names.index(variant.name)]:
            raise ConfigError(str(path), "begin", variant.begin, "must be a variant before it")
        for key in variant.paper:
            if key not in _FIGURES:
                registry[key]
        for task, count in variant.most.items():
            if not isinstance(count, int) or count < 0:
                raise ConfigError(str(path), f"most.{registry[task].name}", count, "is a number")
        registry.only(variant.collected + variant.succeeded)
        variant.learned(registry)
    if not names:
        raise ConfigError(str(path), "variants", [], "must be some")
    registry.only(made.tasks)
    return made, registry


def settings_of(variant: Variant, base: Mapping[str, Any], source: str, seed: int) -> LearnConfig:
    """The learner's settings with what a variant has otherwise; raises ConfigError."""
    values = {**laid_over(base, variant.learn), "seed": seed}
    return from_mapping(LearnConfig, values, f"{source}: {variant.name}")


def laid_over(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with another's values in place of its own, sections field by field."""
    made = dict(base)
    for key, value in other.items():
        before = made.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping)
        made[key] = laid_over(before, value) if both else value  # type: ignore[arg-type]
    return made
