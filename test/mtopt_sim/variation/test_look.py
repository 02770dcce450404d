"""What is drawn: every range has its effect, stays in its bounds and comes again."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtopt_core.errors import ConfigError, NotReserved, ReservedForEvaluation
from mtopt_core.purpose import Purpose
from mtopt_sim.variation.config import GROUPS, Ranges, VariationConfig
from mtopt_sim.variation.identity import Variation
from mtopt_sim.variation.look import Look
from mtopt_sim.variation.scenes import read_variation

ROOT = Path(__file__).resolve().parents[3]
CONFIG = read_variation(ROOT / "config" / "variation.yaml")
NAMES = ("banana", "can", "can_2")

# group, field, a range, what it moves, the neutral value, and the furthest it may get
EFFECTS = [
    ("light", "direction_rad", 0.4, "lamp_tilt_rad", 0.0, 0.4),
    ("light", "strength", 0.3, "lamp_strength", 1.0, 0.3),
    ("light", "colour", 0.1, "lamp_colour", 1.0, 0.1),
    ("light", "ambient", 0.2, "ambient", 1.0, 0.2),
    ("surfaces", "colour", 0.3, "surface_colour", 1.0, 0.3),
    ("camera", "position_m", 0.02, "camera_shift_m", 0.0, 0.02),
    ("camera", "angle_rad", 0.03, "camera_turn_rad", 0.0, 0.03),
    ("image", "exposure", 0.2, "channel_gain", 1.0, 0.2),
    ("image", "white_balance", 0.1, "channel_gain", 1.0, 0.1),
    ("image", "noise", 6.0, "noise", 0.0, 6.0),
    ("objects", "hue", 0.05, "object_hue", 0.0, 0.05),
    ("objects", "brightness", 0.3, "object_brightness", 1.0, 0.3),
    ("physics", "friction", 0.3, "object_friction", 1.0, 0.3),
    ("physics", "friction", 0.3, "finger_friction", 1.0, 0.3),
    ("actuation", "delay_s", 0.05, "delay_s", 0.0, 0.05),
    ("actuation", "gain", 0.1, "drive_gain", 1.0, 0.1),
]
BUILT = {("surfaces", "texture"), ("objects", "size"), ("physics", "mass")}


def only(group: str, field: str, value: float) -> Ranges:
    made = getattr(Ranges(), group)
    return replace(Ranges(renewed=0.5), **{group: replace(made, **{field: value})})


def looks(ranges: Ranges, count: int = 60) -> list[Look]:
    return [
        Variation(ranges, identity=f"cell{n % 7}").look(n, cameras=3, objects=len(NAMES))
        for n in range(count)
    ]


def values(look: Look) -> dict[str, Any]:
    return {field.name: np.asarray(getattr(look, field.name)) for field in fields(Look)}


def same(one: Look, other: Look) -> bool:
    mine, theirs = values(one), values(other)
    return all(mine[name].tobytes() == theirs[name].tobytes() for name in mine)


def test_every_range_is_tested() -> None:
    known = {(g, f.name) for g in GROUPS for f in fields(getattr(Ranges(), g))}
    assert known == {(group, field) for group, field, *_ in EFFECTS} | BUILT


@pytest.mark.parametrize(("group", "field", "value", "moves", "neutral", "most"), EFFECTS)
def test_a_range_moves_its_quantity_within_its_bounds(
    group: str, field: str, value: float, moves: str, neutral: float, most: float
) -> None:
    drawn = np.array([values(look)[moves] for look in looks(only(group, field, value))])
    away = np.abs(drawn - neutral)
    if moves == "lamp_tilt_rad":
        away = np.linalg.norm(away, axis=-1)
    assert away.max() <= most + 1e-12
    assert away.max() > 0.6 * most
    assert np.std(drawn) > 0.1 * most


@pytest.mark.parametrize(("group", "field", "value", "moves", "neutral", "most"), EFFECTS)
def test_a_range_moves_nothing_else(
    group: str, field: str, value: float, moves: str, neutral: float, most: float
) -> None:
    plain, varied = (looks(r, 2)[1] for r in (Ranges(), only(group, field, value)))
    before = values(plain)
    changed = {n for n, v in values(varied).items() if not np.array_equal(v, before[n])}
    both = {"object_friction", "finger_friction"}
    assert changed == (both if moves in both else {moves})


@pytest.mark.parametrize("level", ["mild", "strong"])
def test_the_same_cell_and_seed_give_the_same_bits(level: str) -> None:
    ranges = replace(CONFIG, level=level).ranges
    one, other = Variation(ranges, identity="cell1"), Variation(ranges, identity="cell2")
    assert same(one.look(4, 3, 9), Variation(ranges, identity="cell1").look(4, 3, 9))
    assert not same(one.look(4, 3, 9), one.look(5, 3, 9))
    assert not same(one.look(4, 3, 9), other.look(4, 3, 9))


def test_what_is_not_renewed_is_the_cells_own() -> None:
    ranges = replace(CONFIG.strong, renewed=0.0)
    cell = Variation(ranges, identity="cell1")
    assert same(cell.look(4, 3, 9), cell.look(5, 3, 9))
    renewed = Variation(CONFIG.strong, identity="cell1")
    one, other = (values(renewed.look(seed, 3, 9)) for seed in (4, 5))
    kept = {name for name in one if one[name].tobytes() == other[name].tobytes()}
    assert kept == {"surface_colour", "camera_shift_m", "camera_turn_rad"}


def test_a_range_more_does_not_change_what_others_draw() -> None:
    less = CONFIG.mild.only(("light",))
    more = CONFIG.mild.only(("light", "objects"))
    one, other = (values(Variation(r, identity="c").look(3, 3, 9)) for r in (less, more))
    assert np.array_equal(one["lamp_strength"], other["lamp_strength"])
    assert not np.array_equal(one["object_hue"], other["object_hue"])


def test_a_cell_for_evaluation_is_never_one_of_training() -> None:
    ranges = CONFIG.strong
    seen, kept, gate = (Variation(ranges, identity="cell1", purpose=p) for p in Purpose)
    looks = [values(cell.look(cell.purpose.own(3), 3, 9)) for cell in (seen, kept, gate)]
    for one, other in itertools.combinations(looks, 2):
        assert not np.allclose(one["surface_colour"], other["surface_colour"])
    with pytest.raises(ReservedForEvaluation):
        seen.look(Purpose.EVALUATION.seed(3), 3, 9)
    with pytest.raises(NotReserved):
        kept.look(3, 3, 9)


@pytest.mark.parametrize(("group", "field"), [("objects", "size"), ("physics", "mass")])
def test_sizes_and_masses_are_the_cells_and_in_bounds(group: str, field: str) -> None:
    plain = Variation().kinds(NAMES)
    ratios = []
    for number in range(60):
        made = Variation(only(group, field, 0.08), identity=f"cell{number}").kinds(NAMES)
        for name in NAMES:
            if field == "mass":
                ratios.append(made[name].mass_kg / plain[name].mass_kg)
            else:
                ratios.append(made[name].parts[0].size[0] / plain[name].parts[0].size[0])
    assert np.abs(np.array(ratios) - 1.0).max() <= 0.08 + 1e-9
    assert np.ptp(ratios) > 0.1
    assert len(set(ratios)) == len(ratios)


def test_the_file_names_every_field_and_starts_off() -> None:
    text = (ROOT / "config" / "variation.yaml").read_text()
    assert CONFIG.level == "off" and CONFIG.ranges == Ranges() == CONFIG.own
    for level in ("mild", "strong"):
        ranges = replace(CONFIG, level=level).ranges
        for group in GROUPS:
            for field in fields(getattr(ranges, group)):
                assert getattr(getattr(ranges, group), field.name) > 0.0, (level, group, field.name)
    assert all(f"{field.name}:" in text for field in fields(VariationConfig))
    for group in GROUPS:
        for field in fields(group_of := getattr(CONFIG.mild, group)):
            strong = getattr(getattr(CONFIG.strong, group), field.name)
            assert strong > getattr(group_of, field.name)


def test_every_range_is_read() -> None:
    folder = ROOT / "src" / "mtopt_sim" / "mtopt_sim" / "variation"
    texts = "".join(p.read_text() for p in folder.glob("*.py") if p.name != "config.py")
    for group in GROUPS:
        for field in fields(getattr(Ranges(), group)):
            assert f".{field.name}" in texts, (group, field.name)


def test_a_range_out_of_bounds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "variation.yaml"
    path.write_text("mild: {light: {strength: 2.0}}")
    with pytest.raises(ConfigError, match="strength"):
        read_variation(path)
