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

    def sim(self, config: SimConfig) -> SimConfig:
        """The cell's settings with this scene's objects."""
        return replace(config, objects=self.objects)

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
                if scene.reserved and purpose is Purpose.TRAINING:
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


def read_scenes(path: Path) -> SceneRegistry:
    """The scenes of a file; raises ConfigError."""
    return SceneRegistry.from_mapping(read_yaml(path), str(path))


def read_variation(path: Path) -> VariationConfig:
    """The ranges of a file; raises ConfigError."""
    return from_mapping(VariationConfig, read_yaml(path), str(path))


def variation_of(config: VariationConfig, purpose: Purpose, identity: str) -> Variation:
    """The variation that a file asks for by its own level and shelf."""
    return Variation(config.ranges, Shelf(config.shelf), identity, purpose)
