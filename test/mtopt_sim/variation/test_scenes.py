"""Scenes by name, and those that training never gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtopt_core.errors import ConfigError, ReservedForEvaluation
from mtopt_core.purpose import Purpose
from mtopt_core.rules import CATEGORIES
from mtopt_core.tasks import TaskRegistry
from mtopt_data.yamlfile import read_yaml
from mtopt_sim.config import SimConfig
from mtopt_sim.errors import UnknownScene
from mtopt_sim.variation import sheet
from mtopt_sim.variation.config import GROUPS, LightRanges, Ranges
from mtopt_sim.variation.identity import NOTHING
from mtopt_sim.variation.scenes import Scene, SceneRegistry, read_scenes, read_variation, stage
from mtopt_sim.variation.variants import Shelf

CONFIG = Path(__file__).resolve().parents[3] / "config"
SCENES = read_scenes(CONFIG / "scenes.yaml")
FILES = (CONFIG / "scenes.yaml", CONFIG / "variation.yaml")
RANGES = read_variation(CONFIG / "variation.yaml")


@pytest.mark.parametrize("purpose", [Purpose.TRAINING, Purpose.GATE])
def test_only_evaluation_is_served_a_reserved_scene(purpose: Purpose) -> None:
    served = set()
    for name in SCENES.names:
        if SCENES.serve(name, Purpose.EVALUATION).reserved:
            with pytest.raises(ReservedForEvaluation, match=name):
                SCENES.serve(name, purpose)
        else:
            assert SCENES.serve(name, purpose).variation(RANGES, purpose, "cell1")
            served.add(name)
    assert served == {"everyday", "plain", "extended"}


def test_the_standard_scene_is_the_papers() -> None:
    scene = SCENES.serve("standard", Purpose.EVALUATION)
    assert len(scene.objects) == 9 and set(CATEGORIES) < set(scene.objects)
    assert set(scene.objects) - set(CATEGORIES) == {"tomato", "aubergine"}
    assert scene.variation(RANGES, Purpose.EVALUATION, "c").idle
    assert scene.sim(SimConfig()).plate_colours == ("blue", "green", "red")


def test_the_unseen_scenes_vary_what_they_say() -> None:
    light, cell = (SCENES.serve(n, Purpose.EVALUATION) for n in ("unseen-light", "unseen-cell"))
    varied = light.variation(RANGES, Purpose.EVALUATION, "c").ranges
    assert varied.light == RANGES.strong.light and varied.physics == Ranges().physics
    assert cell.variation(RANGES, Purpose.EVALUATION, "c").ranges == RANGES.strong
    unseen = SCENES.serve("unseen-objects", Purpose.EVALUATION)
    makes = unseen.variation(RANGES, Purpose.EVALUATION, "c").variants(unseen.objects)
    assert all(made.reserved for made in makes.values())


def test_an_unknown_scene_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownScene, match="everyday"):
        SCENES.serve("moon", Purpose.TRAINING)


@pytest.mark.parametrize(
    ("scenes", "says"),
    [
        ([], "a list"),
        ([{"name": "a"}, {"name": "a"}], "its own name"),
        ([{}], "its own name"),
        ([{"name": "a", "shelf": "reserved"}], "must itself be reserved"),
        ([{"name": "a", "objects": ["hammer"]}], "banana"),
        ([{"name": "a", "vary": ["smell"]}], "light"),
        ([{"name": "a", "level": "wild"}], "mild"),
    ],
)
def test_a_mistake_is_refused(scenes: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SceneRegistry.from_mapping({"scenes": scenes}, "scenes.yaml")


def test_a_file_says_which_level_and_shelf(tmp_path: Path) -> None:
    own = tmp_path / "variation.yaml"
    own.write_text("{level: mild, shelf: training, mild: {light: {strength: 0.3}}}")
    shown = stage(FILES[0], own)
    variation = shown.variation("cell1")
    assert variation.ranges == Ranges(light=LightRanges(strength=0.3))
    assert variation.shelf is Shelf.TRAINING
    assert shown.sim(SimConfig()) == SimConfig()
    own.write_text("{shelf: reserved}")
    with pytest.raises(ReservedForEvaluation):
        stage(FILES[0], own)


def test_as_shipped_and_with_no_scene_nothing_differs() -> None:
    shown = stage(*FILES)
    assert shown.scene.name == "" and shown.scene.level == "off"
    assert shown.variation("cell1").idle
    assert shown.variation("cell1").kinds(SimConfig().objects) == NOTHING.kinds(SimConfig().objects)
    assert shown.sim(SimConfig()) == SimConfig()
    assert shown.tasks_file == CONFIG / "tasks.yaml"


@pytest.mark.parametrize("scene", ["", "plain", "everyday"])
@pytest.mark.parametrize("level", ["off", "mild", "strong", "own"])
def test_a_level_that_is_asked_for_holds_in_any_scene(scene: str, level: str) -> None:
    shown = stage(*FILES, scene, level)
    wanted = Ranges() if level == "off" else getattr(RANGES, level)
    assert shown.scene.level == level
    assert shown.variation("cell1").ranges == wanted


def test_a_scene_keeps_its_own_groups_at_another_level() -> None:
    only = Scene(name="dim", level="mild", vary=("light",)).at("strong")
    varied = only.variation(RANGES, Purpose.TRAINING, "cell1").ranges
    assert varied.light == RANGES.strong.light and varied.camera == Ranges().camera


def test_what_is_reserved_is_not_staged_for_training() -> None:
    with pytest.raises(ReservedForEvaluation, match="'unseen-cell' is kept for evaluation"):
        stage(*FILES, "unseen-cell")
    assert stage(*FILES, "unseen-cell", purpose=Purpose.EVALUATION).scene.reserved
    with pytest.raises(ConfigError, match="'wild': must be one of off, mild, strong, own"):
        stage(*FILES, "plain", "wild")


def test_the_extended_scenes_bring_the_objects_of_their_tasks() -> None:
    for name in ("extended", "standard-extended"):
        shown = stage(*FILES, name, purpose=Purpose.EVALUATION)
        registry = TaskRegistry.from_mapping(read_yaml(shown.tasks_file), name)
        assert {"lift-cloth", "cover-object", "lift-transparent-bottle"} < set(registry.names)
        assert {"cloth", "transparent_bottle"} < set(shown.sim(SimConfig()).objects)


def test_every_scene_has_its_tasks() -> None:
    for name in SCENES.names:
        assert stage(*FILES, name, purpose=Purpose.EVALUATION).tasks_file.is_file()


def test_groups_are_the_files() -> None:
    assert (*GROUPS, "renewed") == tuple(read_yaml(CONFIG / "variation.yaml")["mild"])


def test_the_sheet_in_the_docs_is_small() -> None:
    path = CONFIG.parent / "docs" / "images" / sheet.NAME
    assert path.stat().st_size <= 400_000
