"""Segments of the dead go, those of the living stay."""

from __future__ import annotations

import fcntl
from pathlib import Path

from mtopt_bringup.processes.shared_memory import sweep


def segment(folder: Path, name: str) -> tuple[Path, Path]:
    memory, lock = folder / name, folder / f"{name}_el"
    memory.write_bytes(b"\0" * 100)
    lock.touch()
    return memory, lock


def test_only_segments_that_nobody_holds_are_removed(tmp_path: Path) -> None:
    dead = segment(tmp_path, "fastrtps_00112233445566aa")
    living = segment(tmp_path, "fastrtps_00112233445566bb")
    others = segment(tmp_path, "fastrtps_port7411")
    with living[1].open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(tmp_path, settled_s=0.0) == 100
    assert not any(path.exists() for path in dead)
    assert all(path.exists() for path in (*living, *others))


def test_one_that_is_just_being_made_is_left_alone(tmp_path: Path) -> None:
    young = segment(tmp_path, "fastrtps_00112233445566cc")
    assert sweep(tmp_path) == 0
    assert all(path.exists() for path in young)
