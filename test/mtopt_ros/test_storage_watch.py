"""A recorder's folder is looked at until it is well again."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtopt_ros.health import Health
from mtopt_ros.storage_watch import StorageWatch

MB = 1_000_000


def test_a_full_disk_is_a_fault_until_there_is_some_more_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [200 * MB]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free[0]))
    health = Health()
    watch = StorageWatch(health, tmp_path, 100 * MB)
    for free_mb, full in ((200, False), (100, False), (99, True), (105, True), (111, False)):
        free[0] = free_mb * MB
        watch.look()
        assert list(health.faults) == (["DiskFull"] if full else []), free_mb
        assert health.values["disk_free_mb"] == str(free_mb)


def test_a_fault_of_one_episode_is_over_when_the_folder_can_be_written(tmp_path: Path) -> None:
    health = Health()
    watch = StorageWatch(health, tmp_path / "data", 0)
    (tmp_path / "data").mkdir()
    health.fault("EpisodeDamaged", "did not read back")
    watch.look()
    assert not health.faults and list((tmp_path / "data").iterdir()) == []


def test_a_folder_that_cannot_be_written_stays_a_fault(tmp_path: Path) -> None:
    health = Health()
    (tmp_path / "data").touch()
    watch = StorageWatch(health, tmp_path / "data" / "below", 0)
    health.fault("DiskFull", "a write failed")
    for _ in range(2):
        watch.look()
        assert health.faults and "DiskFull" not in health.faults
