"""Settings as ROS parameters: declared from the class, read back, refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rclpy.node import Node
from rclpy.parameter import Parameter

from mtopt_core.config import option, section
from mtopt_core.errors import ConfigError
from mtopt_ros.parameters import flat, leaves, nested, read_settings
from mtopt_ros.settings import SETTINGS


@dataclass(frozen=True)
class Inner:
    """Nested."""

    far_m: float = option(0.5, "a distance", unit="m", low=0.1, high=2.0)
    count: int = option(3, "a number of things", low=1)


@dataclass(frozen=True)
class Outer:
    """Everything that a setting can be."""

    name: str = option("a", "a name", choices=("a", "b"))
    on: bool = option(True, "a switch")
    some: tuple[str, ...] = option([], "some names")
    three: tuple[float, ...] = option([1.0, 2.0], "some numbers", low=0.0, high=9.0)
    rate_hz: float = option(10.0, "a rate", unit="Hz", low=0.5, high=120)
    inner: Inner = section(Inner, "nested")


@contextmanager
def node_with(**values: Any) -> Iterator[Node]:
    overrides = [Parameter(name.replace("__", "."), value=v) for name, v in values.items()]
    node = Node(
        "settled", namespace="/cell1", parameter_overrides=overrides, use_global_arguments=False
    )
    try:
        yield node
    finally:
        node.destroy_node()


# --- names

NAMES = st.text("abcdefg_", min_size=1, max_size=6)
LEAVES = st.one_of(st.integers(), st.booleans(), st.text(max_size=5), st.floats(allow_nan=False))
TREES = st.recursive(
    st.one_of(LEAVES, st.lists(st.integers(), min_size=1, max_size=3)),
    lambda below: st.dictionaries(NAMES, below, min_size=1, max_size=4),
    max_leaves=12,
).filter(lambda tree: isinstance(tree, dict))


@given(TREES)
def test_nested_is_the_inverse_of_flat(tree: dict[str, Any]) -> None:
    assert nested(flat(tree)) == tree


@given(TREES)
def test_flat_has_no_trees_and_no_empty_lists(tree: dict[str, Any]) -> None:
    for value in flat({**tree, "none": [], "nothing": ()}).values():
        assert not isinstance(value, dict) and value != []


def test_leaves_are_dotted_and_in_order() -> None:
    names = [leaf.name for leaf in leaves(Outer)]
    assert names == ["name", "on", "some", "three", "rate_hz", "inner.far_m", "inner.count"]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_leaves_of_a_node_are_just_its_fields(name: str) -> None:
    defaults = flat({leaf.name: leaf.default for leaf in leaves(SETTINGS[name])})
    names = [leaf.name for leaf in leaves(SETTINGS[name])]
    assert len(names) == len(set(names))
    assert set(defaults) <= set(names)


# --- a real node


@pytest.mark.parametrize("name", SETTINGS)
def test_every_settings_class_declares_and_reads_back_its_defaults(ros: None, name: str) -> None:
    with node_with() as node:
        assert read_settings(node, SETTINGS[name]) == SETTINGS[name]()
        for leaf in leaves(SETTINGS[name]):
            told = node.describe_parameter(leaf.name)
            assert told.description.startswith(leaf.option.text)
            if leaf.option.unit:
                assert told.description.endswith(f"[{leaf.option.unit}]")
            assert told.additional_constraints == leaf.option.allowed
            bounded = leaf.option.low is not None or leaf.option.high is not None
            if bounded and leaf.type is int:
                (span,) = told.integer_range
                assert leaf.option.low is None or span.from_value == leaf.option.low
                assert leaf.option.high is None or span.to_value == leaf.option.high
            elif bounded and leaf.type is float:
                (spread,) = told.floating_point_range
                assert leaf.option.low is None or spread.from_value == leaf.option.low
                assert leaf.option.high is None or spread.to_value == leaf.option.high


def test_reading_twice_is_no_harm_and_sees_what_was_set_since(ros: None) -> None:
    with node_with() as node:
        read_settings(node, Outer)
        node.set_parameters([Parameter("inner.far_m", value=1.5)])
        assert read_settings(node, Outer).inner.far_m == 1.5


def test_overrides_of_every_kind_arrive(ros: None) -> None:
    given = {"name": "b", "on": False, "some": ["x", "y"], "three": [3.0], "inner__count": 7}
    with node_with(**given) as node:
        settings = read_settings(node, Outer)
    assert settings == Outer("b", False, ("x", "y"), (3.0,), 10.0, Inner(0.5, 7))


def test_empty_arrays_are_their_defaults(ros: None) -> None:
    with node_with() as node:
        settings = read_settings(node, Outer)
        assert settings.some == () and settings.three == (1.0, 2.0)
    with node_with(some=Parameter("some", Parameter.Type.STRING_ARRAY, []).value) as node:
        assert read_settings(node, Outer).some == ()


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("rate_hz", 500.0, "at least 0.5 and at most 120 Hz"),
        ("rate_hz", 0.0, "at least 0.5 and at most 120 Hz"),
        ("inner.far_m", 3.0, "at least 0.1 and at most 2 m"),
        ("inner.count", 0, "at least 1"),
        ("name", "c", "one of a, b"),
        ("three", [1.0, 10.0], "at most 9"),
        ("rate_hz", "fast", "number|float"),
        ("on", "maybe", "true or false|bool"),
        ("inner.count", 2.5, "whole number|int"),
        ("name", 5, "text|str"),
        ("some", "x", "list"),
    ],
)
def test_what_is_not_allowed_is_refused_by_field_value_and_bound(
    ros: None, field: str, value: Any, allowed: str
) -> None:
    with (
        node_with(**{field.replace(".", "__"): value}) as node,
        pytest.raises(ConfigError, match=allowed) as caught,
    ):
        read_settings(node, Outer)
    assert caught.value.field.split("[")[0] in (field, field.rsplit(".", 1)[-1])
    assert "/cell1/settled" in str(caught.value)
    offending = value[-1] if isinstance(value, list) else value
    assert repr(offending) in str(caught.value)


def test_a_whole_number_passes_for_a_float(ros: None) -> None:
    """`rate_hz: 5` is what a person writes in a YAML file."""
    with node_with(rate_hz=5) as node:
        assert read_settings(node, Outer).rate_hz == 5.0
