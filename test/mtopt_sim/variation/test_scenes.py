"""Scenes by name, and those that training never gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtopt_core.errors import ConfigError, ReservedForEvaluation
from mtopt_core.purpose import Purpose
from mtopt_core.rules import CATEGORIES
from mtopt_data.yamlfile import read_yaml
from mtopt_sim.config import SimConfig
from mtopt_sim.errors import UnknownScene
from mtopt_sim.variation import sheet
from mtopt_sim.variation.config import GROUPS, Ranges, VariationConfig
from mtopt_sim.variation.scenes import SceneRegistry, read_scenes, read_variation, variation_of
from mtopt_sim.variation.variants import Shelf

CONFIG = Path(__file__).resolve().parents[3] / "config"
SCENES = read_scenes(CONFIG / "scenes.yaml")
RANGES = read_variation(CONFIG / "variation.yaml")


def test_training_is_served_no_reserved_scene() -> None:
    served = set()
    for name in SCENES.names:
        if SCENES.serve(name, Purpose.EVALUATION).reserved:
            with pytest.raises(ReservedForEvaluation, match=name):
                SCENES.serve(name, Purpose.TRAINING)
        else:
            assert SCENES.serve(name, Purpose.TRAINING).variation(RANGES, Purpose.TRAINING, "cell1")
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


def test_a_file_says_which_level_and_shelf() -> None:
    config = VariationConfig(level="mild", shelf="training", mild=RANGES.mild)
    variation = variation_of(config, Purpose.TRAINING, "cell1")
    assert variation.ranges == RANGES.mild and variation.shelf is Shelf.TRAINING
    with pytest.raises(ReservedForEvaluation):
        variation_of(VariationConfig(shelf="reserved"), Purpose.TRAINING, "cell1")


def test_the_extended_cell_is_the_plain_one_with_other_objects() -> None:
    plain, extended = (read_yaml(CONFIG / f) for f in ("sim.yaml", "sim-extended.yaml"))
    assert {k for k in plain if plain[k] != extended[k]} == {"objects"}
    assert set(plain) == set(extended)
    assert tuple(extended["objects"]) == SCENES.serve("extended", Purpose.TRAINING).objects
    assert {"cloth", "transparent_bottle"} < set(extended["objects"])


def test_groups_are_the_files() -> None:
    assert (*GROUPS, "renewed") == tuple(read_yaml(CONFIG / "variation.yaml")["mild"])


def test_the_sheet_in_the_docs_is_small() -> None:
    path = CONFIG.parent / "docs" / "images" / sheet.NAME
    assert path.stat().st_size <= 400_000
