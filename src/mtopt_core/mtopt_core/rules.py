"""When a task has succeeded: rules that a machine can check on the true scene.

The same rules grade simulated episodes, label training images and say in the documents
what a task means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .config import from_mapping, option
from .errors import ConfigError
from .scene import SceneTruth, Section
from .workspace import Workspace

ANY = "any"
CATEGORIES = ("banana", "bottle", "sausage", "milk", "box", "can", "carrot")


@dataclass(frozen=True)
class Lifted:
    """Exactly one object, of the category, is in the gripper at a height above the bin floor."""

    category: str = option(ANY, "what must be lifted")
    height_m: float = option(0.10, "height of its centre above the floor", unit="m", low=0, high=1)

    def succeeded(self, scene: SceneTruth, workspace: Workspace) -> bool:
        """Whether the scene fulfils the rule."""
        if len(scene.held) != 1:
            return False
        thing = scene.held[0]
        height_m = thing.position_m[2] - workspace.bins.floor_z_m
        return self.category in (ANY, thing.category) and height_m >= self.height_m


@dataclass(frozen=True)
class Placed:
    """An object has been let go of and rests on the plate, in the section where one is named."""

    section: str = option(
        ANY, "which part of the plate", choices=(ANY, *(s.value for s in Section))
    )
    height_m: float = option(
        0.06, "most its centre may be above the plate", unit="m", low=0, high=1
    )

    def succeeded(self, scene: SceneTruth, workspace: Workspace) -> bool:
        """Whether the scene fulfils the rule."""
        plate = scene.plate
        if plate is None or scene.held:
            return False
        for thing in scene.objects:
            section = plate.section_at(thing.position_m)
            resting = 0.0 <= plate.height_over(thing.position_m) <= self.height_m
            if section is not None and resting and self.section in (ANY, section.value):
                return True
        return False


@dataclass(frozen=True)
class Covered:
    """A cloth has been let go of and hides an object, of the category, from above."""

    category: str = option(ANY, "what must lie under the cloth")
    share: float = option(0.7, "least share of it that the cloth hides", low=0, high=1)

    def succeeded(self, scene: SceneTruth, workspace: Workspace) -> bool:
        """Whether the scene fulfils the rule."""
        return not scene.held and any(
            self.category in (ANY, thing.category) and thing.covered >= self.share
            for thing in scene.objects
        )


Rule = Lifted | Placed | Covered
RULES: dict[str, type[Lifted] | type[Placed] | type[Covered]] = {
    "lifted": Lifted,
    "placed": Placed,
    "covered": Covered,
}


def rule_from_mapping(values: Any, source: str, categories: tuple[str, ...] = CATEGORIES) -> Rule:
    """A rule of a task's `success` entry: `{rule: lifted, category: carrot}`.

    `categories` are those that a rule may name beside "any". Raises ConfigError.
    """
    if not isinstance(values, Mapping) or values.get("rule") not in tuple(RULES):
        allowed = f"needs a rule, one of {', '.join(RULES)}"
        raise ConfigError(source, "success", values, allowed)
    settings = {key: value for key, value in values.items() if key != "rule"}
    category = settings.get("category", ANY)
    if category not in (ANY, *categories):
        allowed = f"must be one of {', '.join((ANY, *categories))}"
        raise ConfigError(f"{source}: success", "category", category, allowed)
    return from_mapping(RULES[values["rule"]], settings, f"{source}: success")
