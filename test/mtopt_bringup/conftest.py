"""A fleet as the tests start it, with the project's own configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtopt_bringup.paths import Paths
from mtopt_bringup.plan.arguments import parse
from mtopt_bringup.plan.fleet import Fleet
from mtopt_bringup.plan.graph import Process, graph
from mtopt_core.tasks import TaskRegistry

ROOT = Path(__file__).resolve().parents[2]

Start = Callable[..., tuple[Process, ...]]


@pytest.fixture(scope="session")
def paths() -> Paths:
    return Paths.below(ROOT)


@pytest.fixture
def load(tmp_path: Path, registry: TaskRegistry) -> Callable[..., Fleet]:
    """A fleet of the given cells, through a file."""

    def make(*cells: Any, **other: Any) -> Fleet:
        path = tmp_path / "fleet.yaml"
        path.write_text(yaml.safe_dump({"cells": list(cells), **other}))
        fleet = Fleet.load(path)
        fleet.check_tasks(registry)
        return fleet

    return make


@pytest.fixture
def start(load: Callable[..., Fleet], paths: Paths, registry: TaskRegistry) -> Start:
    """The processes of a start: cells, and arguments as their texts."""

    def make(*cells: Any, **texts: str) -> tuple[Process, ...]:
        fleet = load(*(cells or ({"name": "cell1"},)))
        return graph(fleet, parse(texts), paths, registry)

    return make
