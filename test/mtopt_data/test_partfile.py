"""Who holds a file or a folder: locks that outlive nobody."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.errors import EpisodeBusy, EpisodeExists, WriterClosed
from mtopt_data.partfile import PartFile, folder_lock, is_held
from mtopt_data.recovery import recover_folder


def lockable(folder: Path, mode: int) -> bool:
    """Whether somebody else could lock the folder now."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_a_file_is_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap.part"
    part = PartFile.create(path)
    assert is_held(path)
    with pytest.raises(EpisodeBusy, match="a living recorder"):
        PartFile.claim(path)
    part.close()
    part.close()
    assert not is_held(path)
    with pytest.raises(EpisodeExists):
        PartFile.create(path)
    PartFile.claim(path).close()


def test_nothing_is_written_to_a_closed_file(tmp_path: Path) -> None:
    part = PartFile.create(tmp_path / "a.mcap.part")
    part.write(b"abc")
    part.close()
    with pytest.raises(WriterClosed):
        part.write(b"d")
    assert (tmp_path / "a.mcap.part").read_bytes() == b"abc"


def test_recorders_share_a_folder_and_recovery_has_it_alone(tmp_path: Path) -> None:
    with folder_lock(tmp_path, exclusive=False):
        assert lockable(tmp_path, fcntl.LOCK_SH) and not lockable(tmp_path, fcntl.LOCK_EX)
    with folder_lock(tmp_path, exclusive=True):
        assert not lockable(tmp_path, fcntl.LOCK_SH)
    assert lockable(tmp_path, fcntl.LOCK_EX)


def test_recovery_waits_while_a_file_is_made_and_the_other_way_round(
    begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "data"
    create, claim = PartFile.create, PartFile.claim
    seen: list[tuple[bool, bool]] = []

    def probe() -> None:
        seen.append((lockable(root, fcntl.LOCK_SH), lockable(root, fcntl.LOCK_EX)))

    monkeypatch.setattr(PartFile, "create", lambda path: (probe(), create(path))[1])
    monkeypatch.setattr(PartFile, "claim", lambda path: (probe(), claim(path))[1])
    recording = begin()
    recover_folder(root)
    assert seen == [(True, False), (False, False)]
    recording.writer.abandon("test")
