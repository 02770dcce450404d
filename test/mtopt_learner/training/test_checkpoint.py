"""Checkpoints: whole or refused by name, never unpickled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from mtopt_learner.errors import CheckpointInvalid
from mtopt_learner.training.checkpoint import load, save

STATE = {"weights": {"a": torch.arange(3.0)}, "steps": 4, "rng": "{}", "pool": [torch.ones(2)]}


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path / "run" / "last.pt", "me", STATE)
    found = load(tmp_path / "run" / "last.pt", "me")
    assert torch.equal(found["weights"]["a"], torch.arange(3.0)) and found["steps"] == 4
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["last.pt"]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "last.pt", "me", STATE)
    with pytest.raises(CheckpointInvalid, match="settings me"):
        load(tmp_path / "last.pt", "you")


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize("kind", ["torn", "empty", "missing", "code"])
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "last.pt"
    save(path, "me", STATE)
    if kind == "torn":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "missing":
        path.unlink()
    else:
        torch.save({"made_by": "me", "state": _Runs()}, path)
    with pytest.raises(CheckpointInvalid, match=r"last\.pt"):
        load(path, "me")
    assert not (tmp_path / "unpickled").exists()
