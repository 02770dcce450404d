"""A store with a good bundle, and the tools to damage it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.fake_model import manifest_of, write_fake
from fakes.spoilt_model import resealed
from mtopt_core.action import ActionBounds
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import Expected
from mtopt_robot.models.manifest import Manifest


@pytest.fixture
def expected(bounds: ActionBounds, registry: TaskRegistry) -> Expected:
    return Expected(bounds, registry.names)


@pytest.fixture
def manifest(bounds: ActionBounds, registry: TaskRegistry) -> Manifest:
    return manifest_of(registry.names, bounds)


@pytest.fixture
def store_folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def folder(store_folder: Path, manifest: Manifest) -> Path:
    """A good bundle."""
    return write_fake(store_folder, manifest)


@pytest.fixture
def reseal() -> Callable[..., None]:
    """Changes the manifest's fields, then makes every hash right again: the work of a writer
    that made a mistake, not of a bad disk."""
    return resealed


@pytest.fixture
def open_handles() -> Callable[[], tuple[int, int]]:
    """How many file descriptors and threads this process has."""

    def counted() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    return counted
