"""YAML files as plain mappings; a file that a person mistyped is refused by name and line.

Stricter than YAML in three ways, each of which hides typing errors otherwise: a key may
appear once in a mapping, keys are text, and the file is one mapping. One way is more
lenient: `1e-3` is a number (YAML 1.1 alone wants `1.0e-3`).
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from .errors import YamlInvalid

Mapping = dict[str, Any]

_EXPONENT_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate and non-text keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[Hashable, yaml.Mark] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is not text; put it in quotes", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"key {key!r} appears twice, first on line {seen[key].line + 1}",
                    key_node.start_mark,
                )
            seen[key] = key_node.start_mark
        return super().construct_mapping(node, deep)


_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", _EXPONENT_FLOAT, list("-+0123456789")
)


def read_yaml(path: str | Path) -> Mapping:
    """The mapping in the YAML file at `path`.

    Raises YamlInvalid, naming the file (and line and column where there is one), if the
    file is missing, unreadable, not UTF-8, malformed, has a duplicate or non-text key, or
    is not one mapping.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise YamlInvalid(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise YamlInvalid(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise YamlInvalid(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Mapping:
    """The mapping in `text`; `source` names it in errors. Raises YamlInvalid as read_yaml."""
    try:
        # a SafeLoader subclass: builds plain values only
        value = yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        raise YamlInvalid(f"{source}{_place(error)}: {_reason(error)}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise YamlInvalid(f"{source}: not YAML: {error}") from error
    if not isinstance(value, dict):
        found = "the file is empty" if value is None else f"found {_kind(value)}"
        raise YamlInvalid(f"{source}: {found}, a mapping (`key: value` lines) is expected")
    return value


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _reason(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.problem, error.context, error.note) if part]
    return "; ".join(parts) or "not YAML"


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else f"{type(value).__name__} {value!r:.60}"
