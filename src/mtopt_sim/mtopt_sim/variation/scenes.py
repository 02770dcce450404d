"""Scenes by name, from config/scenes.yaml; the reserved ones are served to evaluations alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtopt_core.config import from_mapping, option
from mtopt_core.errors import ConfigError, ReservedForEvaluation
from mtopt_core.purpose import Purpose
from mtopt_data.yamlfile import read_yaml

from ..config import EVERY_OBJECT, LATER_OBJECTS, SimConfig
from ..errors import UnknownScene
from .config import GROUPS, LEVELS, VariationConfig
from .identity import Variation
from .variants import Shelf


@dataclass(frozen=True)
class Scene:
    """What lies in the bins and what is varied."""

    name: str = option("", "what it is asked for by")
    text: str = option("", "what it is, for people")
    reserved: bool = option(False, "kept for evaluation")
    objects: tuple[str, ...] = option(
        EVERY_OBJECT, "what lies in the right bin", choices=(*EVERY_OBJECT, *LATER_OBJECTS)
    )
    shelf: str = option(
        Shelf.STANDARD.value,
        "where the objects' variants come from",
        choices=tuple(shelf.value for shelf in Shelf),
    )
    level: str = option("off", "which ranges of config/variation.yaml", choices=LEVELS)
    vary: tuple[str, ...] = option([], "groups of those ranges that hold", choices=GROUPS)
    tasks: str = option("tasks.yaml", "task file to go with it, beside the scenes' own file")

    def at(self, level: str) -> Scene:
        """This scene varied at another level: in its own groups, in all where it has none."""
        return replace(self, level=level, vary=self.vary or GROUPS)

    def sim(self, config: SimConfig) -> SimConfig:
        """The cell's settings with this scene's objects, if it has any of its own."""
        return replace(config, objects=self.objects) if self.objects else config

    def variation(self, ranges: VariationConfig, purpose: Purpose, identity: str) -> Variation:
        """What is varied in a cell of that identity."""
        held = replace(ranges, level=self.level).ranges.only(self.vary)
        return Variation(held, Shelf(self.shelf), identity, purpose)


@dataclass(frozen=True)
class SceneRegistry:
    """All scenes in the file's order."""

    scenes: tuple[Scene, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What may be asked for."""
        return tuple(scene.name for scene in self.scenes)

    def serve(self, name: str, purpose: Purpose) -> Scene:
        """A scene by name; raises UnknownScene, and ReservedForEvaluation for training."""
        for scene in self.scenes:
            if scene.name == name:
                if scene.reserved and purpose is not Purpose.EVALUATION:
                    raise ReservedForEvaluation(f"scene {name!r} is kept for evaluation")
                return scene
        raise UnknownScene(f"no scene {name!r}; there are {', '.join(self.names)}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> SceneRegistry:
        """Registry of the parsed config/scenes.yaml; raises ConfigError."""
        entries = values.get("scenes")
        if set(values) != {"scenes"} or not isinstance(entries, list) or not entries:
            raise ConfigError(source, "scenes", entries, "must be the only key, a list of scenes")
        scenes = tuple(
            from_mapping(Scene, entry, f"{source}: scenes[{index}]")
            for index, entry in enumerate(entries)
        )
        names = [scene.name for scene in scenes]
        for scene in scenes:
            if not scene.name or names.count(scene.name) > 1:
                raise ConfigError(source, "scenes", scene.name, "every scene needs its own name")
            if scene.shelf == Shelf.RESERVED and not scene.reserved:
                allowed = "a scene with reserved objects must itself be reserved"
                raise ConfigError(source, f"{scene.name}.reserved", scene.reserved, allowed)
        return cls(scenes)


@dataclass(frozen=True)
class Staging:
    """A scene as it was asked for, and the ranges that it draws from."""

    scene: Scene
    ranges: VariationConfig
    tasks_file: Path

    def sim(self, config: SimConfig) -> SimConfig:
        """The cell's settings with the scene's objects."""
        return self.scene.sim(config)

    def variation(self, identity: str, purpose: Purpose = Purpose.TRAINING) -> Variation:
        """What is varied in a cell of that identity; raises ReservedForEvaluation."""
        return self.scene.variation(self.ranges, purpose, identity)


def stage(
    scenes_file: Path,
    variation_file: Path,
    scene: str = "",
    level: str = "",
    purpose: Purpose = Purpose.TRAINING,
) -> Staging:
    """The scene of a name, varied at a level.

    No name: the cell as sim.yaml has it, varied as the ranges' own file says. No level: the
    scene's own. Raises UnknownScene, ReservedForEvaluation and ConfigError.
    """
    ranges = read_variation(variation_file)
    shown = Scene(objects=(), shelf=ranges.shelf, level=ranges.level, vary=GROUPS)
    if scene:
        shown = read_scenes(scenes_file).serve(scene, purpose)
    if level:
        if level not in LEVELS:
            raise ConfigError("variation", "level", level, f"must be one of {', '.join(LEVELS)}")
        shown = shown.at(level)
    found = Staging(shown, ranges, scenes_file.parent / shown.tasks)
    found.variation("", purpose)  # what is reserved is refused before anything is built
    return found


def read_scenes(path: Path) -> SceneRegistry:
    """The scenes of a file; raises ConfigError."""
    return SceneRegistry.from_mapping(read_yaml(path), str(path))


def read_variation(path: Path) -> VariationConfig:
    """The ranges of a file; raises ConfigError."""
    return from_mapping(VariationConfig, read_yaml(path), str(path))
