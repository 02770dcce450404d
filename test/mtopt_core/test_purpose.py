"""Training and evaluation draw from seeds that never meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.errors import NotReserved, ReservedForEvaluation
from mtopt_core.purpose import RESERVED_FROM, Purpose, purpose_of

TRAINING, EVALUATION = Purpose.TRAINING, Purpose.EVALUATION
KEYS = st.lists(st.one_of(st.integers(), st.text()), max_size=4)
SEEDS = st.integers(0, 2 * RESERVED_FROM - 1)


@given(KEYS, KEYS)
def test_no_key_of_one_purpose_gives_a_seed_of_the_other(one: list, other: list) -> None:
    assert purpose_of(TRAINING.seed(*one)) is TRAINING
    assert purpose_of(EVALUATION.seed(*other)) is EVALUATION
    assert TRAINING.seed(*one) != EVALUATION.seed(*other)


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
    assert EVALUATION.seed("cell1", 7) == 7453361883383971452


@given(SEEDS)
def test_each_purpose_admits_its_own_alone(seed: int) -> None:
    reserved = purpose_of(seed) is EVALUATION
    if reserved:
        with pytest.raises(ReservedForEvaluation, match=str(seed)):
            TRAINING.admit(seed)
        assert EVALUATION.admit(seed) == seed
    else:
        with pytest.raises(NotReserved, match=str(seed)):
            EVALUATION.admit(seed)
        assert TRAINING.admit(seed) == seed


@given(st.sampled_from(Purpose), SEEDS)
def test_any_seed_leads_to_one_of_its_own(purpose: Purpose, seed: int) -> None:
    own = purpose.own(seed)
    assert purpose_of(own) is purpose
    assert purpose.own(own) == own
    assert (own == seed) is (purpose_of(seed) is purpose)
