"""What people decide of a finished episode: that it does not count, or that it went otherwise."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ..errors import EpisodeMissing, LabelInvalid
from ..naming import QUARANTINE, EpisodeId, reason_file
from ..partfile import folder_lock, make_folder, named, sync_folder
from ..tail import read_tail
from . import journal, labels
from .rebuild import row_of_tail
from .row import Row


def discard(root: Path, episode_id: str, reason: str) -> Path:
    """Put a finished episode into the quarantine with its reason; where it lies now.

    An end at any moment leaves it counted or put aside: one that lost only its row gets it back
    at the next start. Raises
    EpisodeMissing for one that is not here, NameInvalid, FolderNotWritable, DiskFull.
    """
    with folder_lock(root, exclusive=True):
        path = _here(root, episode_id)
        aside = root / QUARANTINE / path.name
        make_folder(aside.parent)
        journal.append(root, [journal.gone(episode_id)], sync=True)
        try:
            reason_file(aside).write_text(
                f"episode: {episode_id}\nreason: {' '.join(reason.split())}\nfound: whole\n",
                encoding="utf-8",
            )
            os.replace(path, aside)
        except OSError as error:
            raise named(error, aside) from error
        sync_folder(aside.parent)
        sync_folder(path.parent)
    return aside


def relabel(
    root: Path, episode_id: str, success: bool, *, who: str, task: str = "", why: str = ""
) -> str:
    """Give a finished episode another outcome for a task, its own if none is named; the task.

    The file stays as it is; the catalog and whoever learns from it read the label. Raises
    EpisodeMissing, LabelInvalid for a task that nobody graded or for no name, FolderNotWritable,
    DiskFull, CatalogDamaged.
    """
    if not who.strip():
        raise LabelInvalid("who = '': a label has the name of whoever gave it")
    row = _row(root, episode_id)
    task = task or row["task"]
    graded = row["success"]
    if task != row["task"] and task not in graded:
        known = ", ".join(graded) or "none"
        raise LabelInvalid(f"task = {task!r}: {episode_id} was graded for {known}")
    told_ms = time.time_ns() // 1_000_000
    labels.put(root, labels.Label(episode_id, task, success, who, told_ms, why))
    journal.append(root, [labels.Labels.read(root).row(row)], sync=True)
    return task


def _row(root: Path, episode_id: str) -> Row:
    """An episode's row from its file here, or from the catalog if it was moved."""
    try:
        path = _here(root, episode_id)
    except EpisodeMissing:
        from .table import row_of_id

        row = row_of_id(root, episode_id) if journal.folder(root).is_dir() else None
        if row is None:
            raise
        return row
    return row_of_tail(read_tail(path), path.relative_to(root).as_posix())


def _here(root: Path, episode_id: str) -> Path:
    path = EpisodeId.parse(episode_id).path(root)
    if not path.exists():
        raise EpisodeMissing(f"{path}: no such finished episode here")
    return path
