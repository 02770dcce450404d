"""Makes of the objects: what they are, and which of them training never gets."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.errors import ReservedForEvaluation
from mtopt_core.purpose import Purpose
from mtopt_core.rules import CATEGORIES
from mtopt_sim.cloud import cloud
from mtopt_sim.errors import UnknownObject
from mtopt_sim.objects import KINDS, Kind, kind, kind_name
from mtopt_sim.variation.identity import Variation
from mtopt_sim.variation.variants import VARIANTS, Shelf, Variant, resized, served, turned, variant

TRAINING, EVALUATION = Purpose.TRAINING, Purpose.EVALUATION
EVERY = [pytest.param(v, id=f"{k}-{v.name}") for k, known in VARIANTS.items() for v in known]


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_several_makes_and_one_is_reserved(name: str) -> None:
    seen = served(name, Shelf.TRAINING, TRAINING)
    kept = served(name, Shelf.RESERVED, EVALUATION)
    assert len(seen) >= (3 if name in CATEGORIES else 2)
    assert len(kept) == 1 and kept[0] not in seen
    assert served(name, Shelf.STANDARD, TRAINING) == (seen[0],)
    assert seen[0].kind == kind(name)
    looks = {tuple((p.shape, p.size, p.colour) for p in v.kind.parts) for v in VARIANTS[name]}
    assert len(looks) == len(VARIANTS[name])


@pytest.mark.parametrize("made", EVERY)
def test_every_make_keeps_its_kind_and_fits_the_gripper(made: Variant) -> None:
    points = cloud(resized(made.kind, 1.08))
    angles = np.linspace(0.0, np.pi, 60, endpoint=False)
    ways = np.stack([np.cos(angles), np.sin(angles), np.zeros(60)], axis=1)
    widths = np.ptp(points @ np.vstack([ways, [[0.0, 0.0, 1.0]]]).T, axis=0)
    assert widths.min() < 0.064
    assert made.kind.name in KINDS and 0.02 < made.kind.mass_kg < 0.12
    assert all(0.0 <= c <= 1.0 for part in made.kind.parts for c in part.colour)


def test_training_is_refused_the_reserved_makes() -> None:
    with pytest.raises(ReservedForEvaluation, match="bottle"):
        served("bottle", Shelf.RESERVED, TRAINING)
    with pytest.raises(ReservedForEvaluation, match="blue"):
        variant("bottle", "blue", TRAINING)
    with pytest.raises(ReservedForEvaluation):
        Variation(shelf=Shelf.RESERVED)
    with pytest.raises(ReservedForEvaluation):
        Variation(shelf=Shelf.RESERVED, purpose=Purpose.GATE)
    assert variant("bottle", "blue", EVALUATION).reserved


def test_no_training_cell_ever_holds_a_reserved_make() -> None:
    names, met = tuple(KINDS), set()
    for number in range(300):
        variation = Variation(shelf=Shelf.TRAINING, identity=f"cell{number}")
        drawn = variation.variants(names)
        assert not any(made.reserved for made in drawn.values())
        met |= {(name, made.name) for name, made in drawn.items()}
    assert met == {(k, v.name) for k in KINDS for v in VARIANTS[k] if not v.reserved}


def test_an_unknown_make_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownObject, match="standard, brown"):
        variant("bottle", "pink", TRAINING)
    with pytest.raises(UnknownObject, match="banana"):
        served("hammer", Shelf.TRAINING, TRAINING)


def test_a_larger_thing_keeps_its_density() -> None:
    plain: Kind = kind("can")
    grown = resized(plain, 1.1)
    assert np.ptp(cloud(grown), axis=0) == pytest.approx(1.1 * np.ptp(cloud(plain), axis=0))
    assert grown.mass_kg == pytest.approx(plain.mass_kg * 1.1**3)


def test_colours_turn_round_the_circle() -> None:
    assert turned((1.0, 0.0, 0.0), 1 / 3, 1.0) == pytest.approx((0.0, 1.0, 0.0))
    assert turned((0.5, 0.5, 0.5), 0.2, 3.0) == pytest.approx((1.0, 1.0, 1.0))


def test_a_number_is_no_part_of_the_kind() -> None:
    assert kind_name("transparent_bottle_2") == "transparent_bottle"
    assert kind_name("transparent_bottle") == "transparent_bottle"
