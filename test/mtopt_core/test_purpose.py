"""Training and evaluation draw from seeds that never meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.errors import NotReserved, ReservedForEvaluation
from mtopt_core.purpose import GATE_FROM, RESERVED_FROM, Purpose, purpose_of

TRAINING, EVALUATION, GATE = Purpose.TRAINING, Purpose.EVALUATION, Purpose.GATE
KEYS = st.lists(st.one_of(st.integers(), st.text()), max_size=4)
SEEDS = st.integers(0, 2 * RESERVED_FROM - 1)


@given(st.sampled_from(Purpose), KEYS, st.sampled_from(Purpose), KEYS)
def test_no_key_of_one_purpose_gives_a_seed_of_another(
    one: Purpose, key: list, other: Purpose, others_key: list
) -> None:
    assert purpose_of(one.seed(*key)) is one
    if one is not other:
        assert one.seed(*key) != other.seed(*others_key)


def test_the_spaces_are_disjoint_to_their_very_edges() -> None:
    edges = (0, RESERVED_FROM - 1, RESERVED_FROM, GATE_FROM - 1, GATE_FROM, 2 * RESERVED_FROM - 1)
    assert [purpose_of(seed) for seed in edges] == [
        TRAINING, TRAINING, EVALUATION, EVALUATION, GATE, GATE,
    ]  # fmt: skip


@given(st.sampled_from(Purpose), KEYS)
def test_a_seed_is_its_keys_and_fits_the_wire(purpose: Purpose, key: list) -> None:
    assert purpose.seed(*key) == purpose.seed(*key)
    assert 0 <= purpose.seed(*key) < 2**63


def test_different_keys_give_different_seeds() -> None:
    keys = [(cell, n) for cell in ("cell1", "cell2") for n in range(500)]
    assert len({TRAINING.seed(*key) for key in keys}) == len(keys)
    assert TRAINING.seed("a", "b") != TRAINING.seed("ab")
    assert TRAINING.seed(1) != TRAINING.seed("1")


def test_the_seeds_are_the_same_on_every_machine() -> None:
    assert TRAINING.seed("cell1", 7) == 3635853080071441458
    assert EVALUATION.seed("cell1", 7) == 7453361883383971452 - 2**61


@given(st.sampled_from(Purpose), SEEDS)
def test_each_purpose_admits_its_own_alone(purpose: Purpose, seed: int) -> None:
    found = purpose_of(seed)
    if found is purpose:
        assert purpose.admit(seed) == seed
        return
    kept = purpose is TRAINING or found is EVALUATION
    with pytest.raises(ReservedForEvaluation if kept else NotReserved, match=str(seed)):
        purpose.admit(seed)


@given(st.sampled_from(Purpose), SEEDS)
def test_any_seed_leads_to_one_of_its_own(purpose: Purpose, seed: int) -> None:
    own = purpose.own(seed)
    assert purpose_of(own) is purpose
    assert purpose.own(own) == own
    assert (own == seed) is (purpose_of(seed) is purpose)
