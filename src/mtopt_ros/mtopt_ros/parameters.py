"""Settings as ROS parameters: declared from the dataclass, read back into it.

A nested settings class becomes a prefix: `guard.stale_after_s`.
"""

from __future__ import annotations

import array
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from mtopt_core.config import Option, described, field_types, from_mapping
from mtopt_core.errors import ConfigError

Settings = TypeVar("Settings")

_WIDE = 1e18  # a missing bound: ROS ranges always have two ends


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One parameter: its dotted name, type, default and meaning."""

    name: str
    type: Any
    default: Any
    option: Option


def leaves(settings: type, prefix: str = "") -> Iterator[Leaf]:
    """All parameters of a settings class, nested ones with their prefix."""
    types = field_types(settings)
    options = described(settings)
    for field in dataclasses.fields(settings):
        name = prefix + field.name
        if dataclasses.is_dataclass(types[field.name]):
            yield from leaves(types[field.name], name + ".")
        else:
            yield Leaf(name, types[field.name], field.default, options[field.name])


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested plain values under dotted names; empty lists are left to their defaults."""
    named: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            named |= flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list | tuple):
            named[prefix + key] = value
        elif value:
            named[prefix + key] = list(value)
    return named


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flat`."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        branch = tree
        for part in path:
            branch = branch.setdefault(part, {})
        branch[last] = value
    return tree


def read_settings(node: Node, settings: type[Settings]) -> Settings:
    """Declare what is not declared yet and read everything; raises ConfigError."""
    for leaf in leaves(settings):
        if not node.has_parameter(leaf.name):
            _declare(node, leaf)
    values = {
        leaf.name: _plain(node.get_parameter(leaf.name).value, leaf) for leaf in leaves(settings)
    }
    return from_mapping(
        settings, nested(values), f"parameters of {node.get_fully_qualified_name()}"
    )


def _declare(node: Node, leaf: Leaf) -> None:
    default = list(leaf.default) if isinstance(leaf.default, tuple) else leaf.default
    _accept_whole_number(node, leaf)
    try:
        node.declare_parameter(leaf.name, default, _descriptor(leaf))
    except (InvalidParameterValueException, InvalidParameterTypeException) as error:
        source = f"parameters of {node.get_fully_qualified_name()}"
        given = node._parameter_overrides.get(leaf.name)  # rclpy has no public way to ask
        value = given.value if given is not None else None
        spoken = getattr(leaf.type, "__name__", str(leaf.type))
        allowed = f"must be {spoken} {leaf.option.allowed}".strip()
        raise ConfigError(source, leaf.name, value, allowed) from error


def _accept_whole_number(node: Node, leaf: Leaf) -> None:
    """`rate_hz: 5` is what a person writes, and an integer to ROS."""
    given = node._parameter_overrides.get(leaf.name)
    if leaf.type is float and given is not None and given.type_ == Parameter.Type.INTEGER:
        node._parameter_overrides[leaf.name] = Parameter(leaf.name, value=float(given.value))


def _plain(value: Any, leaf: Leaf) -> Any:
    """A parameter's value as YAML would hold it; an unset array is its default."""
    if isinstance(leaf.default, tuple):
        if value is None:
            return list(leaf.default)
        return list(value) if isinstance(value, list | tuple | array.array) else value
    return value


def _descriptor(leaf: Leaf) -> ParameterDescriptor:
    known = leaf.option
    unit = f" [{known.unit}]" if known.unit else ""
    described_as = ParameterDescriptor(
        description=known.text + unit,
        additional_constraints=known.allowed,
        # An empty array carries no type; the settings class checks the items instead.
        dynamic_typing=leaf.default == (),
    )
    if (known.low is None and known.high is None) or isinstance(leaf.default, tuple):
        return described_as
    low = -_WIDE if known.low is None else known.low
    high = _WIDE if known.high is None else known.high
    if leaf.type is int:
        span = IntegerRange(from_value=int(low), to_value=int(high), step=0)
        described_as.integer_range = [span]
    else:
        described_as.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    return described_as
