"""Settings as a person says them: texts by name, on a command line or to `ros2 launch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from mtopt_core.config import described, field_types, from_mapping
from mtopt_core.errors import ConfigError

SOURCE = "argument"
_BOOLEANS = {"true": True, "false": False}

Spoken = TypeVar("Spoken")


def heard(kind: type[Spoken], texts: Mapping[str, str]) -> Spoken:
    """Settings of a class from their texts; raises ConfigError."""
    types = field_types(cast("type", kind))
    values = {
        name: _value(kind, name, text, types[name]) if name in types else text
        for name, text in texts.items()
    }
    return from_mapping(kind, values, SOURCE)


def word(value: bool | int | float | str) -> str:
    """A value as a person would write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def split(words: list[str], kind: type) -> dict[str, str]:
    """`name:=value` words as a mapping; raises ConfigError, naming the class's fields."""
    texts: dict[str, str] = {}
    for said in words:
        name, mark, value = said.partition(":=")
        if not mark:
            known = ", ".join(described(kind))
            raise ConfigError(SOURCE, said, said, f"must be name:=value; arguments are {known}")
        if name in texts:
            raise ConfigError(SOURCE, name, value, "is given twice")
        texts[name] = value
    return texts


def _value(kind: type, name: str, text: str, wanted: Any) -> Any:
    if wanted is bool:
        value = _BOOLEANS.get(text.strip().lower())
        if value is None:
            raise ConfigError(SOURCE, name, text, "must be true or false")
        return value
    if wanted is str:
        return text
    try:
        return wanted(text)
    except ValueError:
        spoken = "a whole number" if wanted is int else "a number"
        bounds = described(kind)[name].allowed
        raise ConfigError(SOURCE, name, text, f"must be {spoken} {bounds}".strip()) from None
