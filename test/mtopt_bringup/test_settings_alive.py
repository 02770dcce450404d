"""No dead settings: whatever can be set is read by the code that it is for."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mtopt_bringup.plan.arguments import Arguments
from mtopt_bringup.plan.fleet import CameraDevices, CellConfig
from mtopt_core.config import described, field_types
from mtopt_ros.settings import SETTINGS

SOURCE = Path(__file__).resolve().parents[2] / "src"
# A node's own fields are read in mtopt_ros; those of a nested class where that class is at home.
NODES = ["mtopt_ros"]
EVERYWHERE = ["mtopt_core", "mtopt_data", "mtopt_robot", "mtopt_sim", "mtopt_ros"]


def nested(settings: type) -> Iterator[type]:
    for kind in field_types(settings).values():
        if dataclasses.is_dataclass(kind):
            assert isinstance(kind, type)
            yield kind
            yield from nested(kind)


def classes() -> list[tuple[type, tuple[str, ...]]]:
    found: dict[Any, tuple[str, ...]] = {s: tuple(NODES) for s in SETTINGS.values()}
    for settings in SETTINGS.values():
        found |= {kind: tuple(EVERYWHERE) for kind in nested(settings)}
    found |= dict.fromkeys((Arguments, CellConfig, CameraDevices), ("mtopt_bringup",))
    return list(found.items())


def attributes_read(package: str) -> set[str]:
    """Names read as `something.name`, or through getattr with a literal."""
    names = set()
    for path in (SOURCE / package / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                names.add(node.attr)
    return names


@pytest.mark.parametrize(
    ("settings", "packages"), classes(), ids=lambda v: getattr(v, "__name__", "")
)
def test_every_setting_is_read(settings: type, packages: tuple[str, ...]) -> None:
    read = set().union(*(attributes_read(package) for package in packages))
    looked_up = {"overhead", "left", "right"}  # by the name of the camera
    fixed = {name for name, known in described(settings).items() if len(known.choices) == 1}
    unread = {field.name for field in dataclasses.fields(settings)} - read - looked_up - fixed
    assert not unread
