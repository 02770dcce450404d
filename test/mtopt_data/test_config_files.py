"""The files of config/ are read into what they mean, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtopt_core.errors import ConfigError
from mtopt_data import config_files
from mtopt_data.errors import YamlInvalid

CONFIG = Path(__file__).resolve().parents[2] / "config"
READERS = pytest.mark.parametrize(
    ("read", "name"),
    [
        (config_files.workspace, "workspace.yaml"),
        (config_files.action_bounds, "actions.yaml"),
        (config_files.tasks, "tasks.yaml"),
    ],
)


def test_the_shipped_files_are_read() -> None:
    assert config_files.workspace(CONFIG / "workspace.yaml").bins.floor_z_m > 0.0
    assert config_files.action_bounds(str(CONFIG / "actions.yaml")).yaw_rad > 0.0
    assert "lift-any" in config_files.tasks(CONFIG / "tasks.yaml").names


@READERS
def test_a_key_too_many_is_refused_with_the_files_name(
    read: Callable[[Path], Any], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text((CONFIG / name).read_text(encoding="utf-8") + "\nspare: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="spare") as refused:
        read(path)
    assert str(path) in str(refused.value)


@READERS
def test_a_file_that_is_not_there_is_named(
    read: Callable[[Path], Any], name: str, tmp_path: Path
) -> None:
    with pytest.raises(YamlInvalid, match=name):
        read(tmp_path / name)
