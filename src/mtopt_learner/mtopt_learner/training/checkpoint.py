"""Checkpoints: tensors and plain values in one file, whole or not there, never unpickled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from mtopt_data.partfile import make_folder, named, sync_folder

from ..errors import CheckpointInvalid


def save(path: Path, made_by: str, state: dict[str, Any]) -> None:
    """Replace a checkpoint. `made_by` names the settings that it belongs to.

    Raises DiskFull, FolderNotWritable.
    """
    make_folder(path.parent)
    unfinished = path.with_name(f"{path.name}.new")
    try:
        with unfinished.open("wb") as file:
            torch.save({"made_by": made_by, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        sync_folder(path.parent)
    except OSError as error:
        raise named(error, path) from error


def load(path: Path, made_by: str) -> dict[str, Any]:
    """What was saved; raises CheckpointInvalid for a file of other settings, or none at all."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        settings, state = found["made_by"], found["state"]
    except Exception as error:  # torch names no root of what a broken file raises
        reason = " ".join(str(error).split())[:200]
        raise CheckpointInvalid(f"{path}: cannot be read: {reason}") from error
    if settings != made_by:
        raise CheckpointInvalid(
            f"{path}: belongs to settings {settings}, these are {made_by}: take them again, or "
            "another folder for the run"
        )
    if not isinstance(state, dict):
        raise CheckpointInvalid(f"{path}: holds {type(state).__name__}, no state")
    return state
