"""Typed settings: what is accepted, and what a mistaken file is told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from mtopt_core.config import check, described, from_mapping, option, section
from mtopt_core.errors import ConfigError, MtoptError


@dataclass(frozen=True)
class Inner:
    gain: float = option(1.0, "how strongly", low=0.0, high=10.0)


@dataclass(frozen=True)
class Everything:
    speed_m_s: float = option(0.5, "how fast", unit="m/s", low=0.1, high=2.0)
    tries: int = option(3, "how often", low=1)
    quiet: bool = option(False, "say nothing")
    name: str = option("cell1", "what it is called")
    mode: str = option("slow", "how", choices=("slow", "fast"))
    corner_m: tuple[float, float, float] = option([0.0, 0.0, 0.0], "a point", unit="m", high=1.0)
    steps: tuple[int, ...] = option([1, 2], "any number of them", low=0)
    pause_s: float | None = option(None, "rest, if any", unit="s", low=0.0)
    colour: str | None = option(None, "paint, if any", choices=("red", "blue"))
    anything: float = option(0.0, "a number of any size")
    inner: Inner = section(Inner, "more of it")


@dataclass(frozen=True)
class Needy:
    zeta: int
    alpha: int


def make(**values: Any) -> Everything:
    return from_mapping(Everything, values, "cell.yaml")


def refused(**values: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        make(**values)
    return caught.value


def test_nothing_given_is_all_defaults() -> None:
    assert make() == Everything()
    assert make().corner_m == (0.0, 0.0, 0.0)


def test_every_kind_of_value_comes_through() -> None:
    made = make(
        speed_m_s=1, tries=7, quiet=True, name="b", mode="fast", corner_m=[1, 0.5, -2],
        steps=[4], pause_s=2, colour="red", inner={"gain": 3},
    )  # fmt: skip
    assert made == Everything(
        1.0, 7, True, "b", "fast", (1.0, 0.5, -2.0), (4,), 2.0, "red", 0.0, Inner(3.0)
    )
    assert type(made.speed_m_s) is float
    assert type(made.corner_m[0]) is float
    assert type(made.pause_s) is float


def test_a_made_section_is_taken_as_it_is() -> None:
    inner = Inner(2.0)
    assert make(inner=inner).inner is inner


def test_optional_values_may_be_absent_or_null() -> None:
    assert make(pause_s=None).pause_s is None
    assert make(colour=None).colour is None


def test_the_message_says_where_what_and_what_is_allowed() -> None:
    error = refused(speed_m_s=3.5)
    assert (error.source, error.field, error.value) == ("cell.yaml", "speed_m_s", 3.5)
    assert str(error) == "cell.yaml: speed_m_s = 3.5: must be at least 0.1 and at most 2 m/s"
    assert isinstance(error, MtoptError)


def test_an_unknown_key_is_told_the_fields_that_exist() -> None:
    error = refused(sped_m_s=1.0)
    assert error.field == "sped_m_s"
    assert all(name in error.allowed for name in described(Everything))


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("speed_m_s", "fast", "must be a number"),
        ("speed_m_s", True, "must be a number"),
        ("speed_m_s", None, "must be a number"),
        ("speed_m_s", [1.0], "must be a number"),
        ("tries", 2.0, "must be a whole number"),
        ("tries", True, "must be a whole number"),
        ("tries", 0, "must be at least 1"),
        ("quiet", 1, "must be true or false"),
        ("quiet", "yes", "must be true or false"),
        ("name", 5, "must be text"),
        ("mode", "medium", "must be one of slow, fast"),
        ("corner_m", [0.0, 0.0], "must have 3 items, has 2"),
        ("corner_m", "abc", "must be a list, each item a number"),
        ("corner_m", 1.0, "must be a list, each item a number"),
        ("pause_s", "long", "must be a number"),
        ("pause_s", -1.0, "must be at least 0 s"),
        ("colour", "green", "must be one of red, blue"),
        ("inner", 5, "fields are gain"),
    ],
)
def test_wrong_types_and_values_are_refused(field: str, value: Any, allowed: str) -> None:
    error = refused(**{field: value})
    assert (error.field, error.value, error.allowed) == (field, value, allowed)


@pytest.mark.parametrize(
    ("field", "value", "index", "allowed"),
    [
        ("corner_m", [0.0, 0.0, 2.0], 2, "must be at most 1 m"),
        ("corner_m", [0.0, "x", 0.0], 1, "must be a number"),
        ("steps", [1, 2.5], 1, "must be a whole number"),
        ("steps", [-1, 1], 0, "must be at least 0"),
    ],
)
def test_the_item_of_a_list_that_is_wrong_is_pointed_at(
    field: str, value: list[Any], index: int, allowed: str
) -> None:
    error = refused(**{field: value})
    assert (error.field, error.value) == (f"{field}[{index}]", value[index])
    assert error.allowed == allowed


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
@pytest.mark.parametrize("field", ["speed_m_s", "anything", "pause_s"])
def test_only_finite_numbers_are_numbers(field: str, value: float) -> None:
    assert refused(**{field: value}).allowed == "must be a finite number"
    assert refused(corner_m=[0.0, value, 0.0]).allowed == "must be a finite number"


@pytest.mark.parametrize("value", [0.1, 2.0])
def test_bounds_themselves_are_allowed(value: float) -> None:
    assert make(speed_m_s=value).speed_m_s == value


def test_a_section_is_named_in_the_message() -> None:
    error = refused(inner={"gain": 11.0})
    assert str(error) == "cell.yaml: inner: gain = 11.0: must be at least 0 and at most 10"
    assert refused(inner={"gian": 1.0}).field == "gian"


@pytest.mark.parametrize("value", [None, 3, "text", [1]])
def test_what_is_no_mapping_is_told_the_fields(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"cell\.yaml: Inner = .*: fields are gain"):
        from_mapping(Inner, value, "cell.yaml")


def test_all_missing_fields_are_named_in_a_steady_order() -> None:
    with pytest.raises(ConfigError, match="needs alpha, zeta"):
        from_mapping(Needy, {}, "cell.yaml")


def test_settings_made_in_code_can_be_checked_too() -> None:
    check(Everything(), "code")
    with pytest.raises(ConfigError, match="speed_m_s"):
        check(Everything(speed_m_s=9.0), "code")
    with pytest.raises(ConfigError, match="anything = nan: must be a finite number"):
        check(Everything(anything=math.nan), "code")


def test_the_declaration_can_be_read_back() -> None:
    known = described(Everything)
    assert list(known)[:2] == ["speed_m_s", "tries"]
    assert (known["speed_m_s"].text, known["speed_m_s"].unit) == ("how fast", "m/s")
    assert known["name"].allowed == ""
