"""Typed settings: a frozen dataclass whose fields say their unit, bounds and meaning.

One declaration serves four readers: Python code reads the fields, YAML files are checked
against them, ROS nodes declare them as parameters, and the documentation's table is made
from them.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from .errors import ConfigError

Settings = TypeVar("Settings")
Scalar = bool | int | float | str


@dataclass(frozen=True)
class Option:
    """What is known of one field beside its type and default."""

    text: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] = ()

    @property
    def allowed(self) -> str:
        """The permitted values in words, empty where the type alone says it all."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        bounds = [
            f"at least {self.low:g}" if self.low is not None else "",
            f"at most {self.high:g}" if self.high is not None else "",
        ]
        said = " and ".join(bound for bound in bounds if bound)
        return f"{said} {self.unit}".strip() if said else ""


def option(
    default: Any,
    text: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Scalar, ...] = (),
) -> Any:
    """A dataclass field with its meaning; a list default becomes a fresh tuple."""
    described = {"option": Option(text, unit, low, high, choices)}
    if isinstance(default, list):
        default = tuple(default)
    return dataclasses.field(default=default, metadata=described)


def section(settings: type, text: str) -> Any:
    """A field that is itself a settings class, with that class's defaults."""
    return dataclasses.field(default_factory=settings, metadata={"option": Option(text)})


def described(settings: type) -> dict[str, Option]:
    """The options of a settings class by field name, in declaration order."""
    return {field.name: field.metadata["option"] for field in dataclasses.fields(settings)}


@cache
def field_types(settings: type) -> dict[str, Any]:
    """The resolved type of every field."""
    return typing.get_type_hints(settings)


def from_mapping(settings: type[Settings], values: Mapping[str, Any], source: str) -> Settings:
    """Settings made of plain values, as a YAML file or a parameter server holds them.

    Raises ConfigError for an unknown key, a wrong type or a value out of bounds; `source`
    names the file or node in the message.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(source, settings.__name__, values, _fields(settings))
    types_by_field = field_types(typing.cast(type, settings))
    for key in values:
        if key not in types_by_field:
            raise ConfigError(source, key, values[key], f"no such field; {_fields(settings)}")
    converted = {
        key: _converted(value, types_by_field[key], source, key) for key, value in values.items()
    }
    try:
        made = settings(**converted)
    except TypeError as error:
        missing = ", ".join(sorted(_required(settings) - set(values))) or str(error)
        raise ConfigError(source, settings.__name__, dict(values), f"needs {missing}") from None
    check(made, source)
    return made


def check(settings: Any, source: str) -> None:
    """Hold every field of a settings object against its bounds and choices."""
    for name, known in described(type(settings)).items():
        value = getattr(settings, name)
        items = enumerate(value) if isinstance(value, tuple) else [(None, value)]
        for index, item in items:
            if not _permits(known, item):
                field = name if index is None else f"{name}[{index}]"
                allowed = known.allowed or "a finite number"
                raise ConfigError(source, field, item, f"must be {allowed}")


def _permits(known: Option, value: Any) -> bool:
    if value is None:
        return True
    if known.choices:
        return value in known.choices
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    if not math.isfinite(value):
        return False
    return (known.low is None or value >= known.low) and (known.high is None or value <= known.high)


def _converted(value: Any, wanted: Any, source: str, field: str) -> Any:
    """A plain value as the type that a field declares; integers pass for floats."""
    if dataclasses.is_dataclass(wanted):
        return _converted_section(value, wanted, source, field)
    origin = typing.get_origin(wanted)
    if origin is tuple:
        return _converted_tuple(value, typing.get_args(wanted), source, field)
    if origin in (typing.Union, types.UnionType):
        return _converted_optional(value, typing.get_args(wanted), source, field)
    if wanted is float:
        return _converted_float(value, source, field)
    exact = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    if not exact:
        raise ConfigError(source, field, value, f"must be {_spoken(wanted)}")
    return value


def _converted_float(value: Any, source: str, field: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(source, field, value, f"must be {_spoken(float)}")
    # An integer beyond the largest float is as unusable as infinity.
    if not abs(value) <= sys.float_info.max:
        raise ConfigError(source, field, value, "must be a finite number")
    return float(value)


def _converted_section(value: Any, wanted: Any, source: str, field: str) -> Any:
    if isinstance(value, wanted):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(source, field, value, _fields(wanted))
    return from_mapping(wanted, value, f"{source}: {field}")


def _converted_tuple(value: Any, parts: tuple[Any, ...], source: str, field: str) -> Any:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise ConfigError(source, field, value, f"must be a list, each item {_spoken(parts[0])}")
    if parts[-1] is not Ellipsis and len(value) != len(parts):
        raise ConfigError(source, field, value, f"must have {len(parts)} items, has {len(value)}")
    return tuple(
        _converted(item, parts[0], source, f"{field}[{index}]") for index, item in enumerate(value)
    )


def _converted_optional(value: Any, parts: tuple[Any, ...], source: str, field: str) -> Any:
    if value is None and type(None) in parts:
        return None
    wanted = next(part for part in parts if part is not type(None))
    return _converted(value, wanted, source, field)


def _spoken(wanted: Any) -> str:
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    return names.get(wanted, getattr(wanted, "__name__", str(wanted)))


def _fields(settings: type) -> str:
    return "fields are " + ", ".join(described(settings))


def _required(settings: type) -> set[str]:
    return {
        field.name
        for field in dataclasses.fields(settings)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
