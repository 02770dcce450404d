"""docs/parameters.md: everything that can be set, from the declarations themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, get_args, get_origin

from mtopt_core.config import Option, described, field_types
from mtopt_ros.parameters import leaves
from mtopt_ros.settings import SETTINGS

from .plan.arguments import Arguments
from .plan.fleet import ELSEWHERE, CameraDevices, CellConfig

_INTRO = """\
# Parameters

Made from the code by `./mtopt docs parameters --out docs/parameters.md`; a test holds the two
together.

Three places set things: the arguments of a start, the fleet file, and, for a single node of a
cell, the fleet file's `nodes:`. The nodes' tables are at the same time the ROS parameters that
`ros2 param list` shows.
"""
_ARGUMENTS = """\
## Arguments

The same for both starters: `./mtopt up --episodes 3` (or `episodes:=3`) and
`ros2 launch mtopt_bringup fleet.launch.py episodes:=3`.
"""
_FLEET = """\
## Fleet file

`cells:` is a list; each entry has these fields. Relative paths are relative to the file.
"""
_CAMERAS = "### `cameras:` of a cell\n"
_NODES = """\
## Nodes

`nodes:` of a cell holds what differs from these defaults, by the node's name:

```yaml
cells:
  - name: cell1
    nodes:
      camera: {jpeg_quality: 85}
      runner: {limits: {max_steps: 15}}
```

A dot in a name below is one level in the fleet file. File settings that start empty are filled
with the shared files of `config/` and `urdf/`. Beside these, every node has `use_sim_time`.
"""

Row = tuple[str, Any, Any, Option, str]  # name, type, default, meaning, where it is set


def page() -> str:
    """The page as Markdown."""
    parts = [
        _INTRO,
        _ARGUMENTS,
        _table(_rows(Arguments)),
        _FLEET,
        _table(row for row in _rows(CellConfig) if row[0] not in ("cameras", "nodes")),
        _CAMERAS,
        _table(_rows(CameraDevices)),
        _NODES,
    ]
    for node, settings in SETTINGS.items():
        summary = (settings.__doc__ or "").partition(": ")[2].strip()
        parts += [f"### `{node}`\n\n{summary[:1].upper()}{summary[1:]}\n", _table(_of_node(node))]
    return "\n".join(parts)


def _rows(settings: type) -> list[Row]:
    types = field_types(settings)
    return [
        (field.name, types[field.name], field.default, described(settings)[field.name], "")
        for field in dataclasses.fields(settings)
    ]


def _of_node(node: str) -> list[Row]:
    placed = ELSEWHERE.get(node, {})
    return [
        (leaf.name, leaf.type, leaf.default, leaf.option, placed.get(leaf.name, ""))
        for leaf in leaves(SETTINGS[node])
    ]


def _table(rows: Iterable[Row]) -> str:
    lines = ["| name | type | default | allowed | meaning |", "| --- | --- | --- | --- | --- |"]
    for name, kind, default, known, place in rows:
        meaning = known.text + (f" (set by {place})" if place else "")
        cells = (f"`{name}`", _type(kind), _default(default), _allowed(known), meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _type(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"list of {_type(get_args(kind)[0])}"
    return getattr(kind, "__name__", str(kind))


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return f"`[{', '.join(str(item) for item in value)}]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "" if value == "" else f"`{value}`"


def _allowed(known: Option) -> str:
    choices = ", ".join(_default(choice).strip("`") or "empty" for choice in known.choices)
    text = f"one of {choices}" if choices else known.allowed
    unit = known.unit if known.unit and known.unit not in text.split() else ""
    return f"{text} [{unit}]".strip() if unit else text
