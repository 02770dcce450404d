"""What the catalog holds and whether it agrees with the files, in the plain values of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import NameInvalid
from ..naming import finished_files, id_of, quarantined_files
from . import journal, query
from .row import is_remote

_TOTALS = """
SELECT count(*), count(succeeded), count_if(succeeded), coalesce(sum(steps), 0)::BIGINT,
       coalesce(sum(duration_s), 0) / 3600, coalesce(sum(size_bytes), 0)::BIGINT,
       coalesce(sum(dropped), 0)::BIGINT, min(opened)::VARCHAR, max(opened)::VARCHAR
FROM episodes
"""
_TOTAL_NAMES = (
    "episodes", "graded", "successes", "steps", "hours", "size_bytes", "dropped", "first", "last",
)  # fmt: skip
_GROUPS = """
SELECT {name}, count(*) AS episodes, count(succeeded) AS graded,
       count_if(succeeded) AS successes
FROM episodes GROUP BY 1 ORDER BY 2 DESC, 1
"""


def contents(root: Path) -> dict[str, Any]:
    """Totals, shares of cells and tasks, and in `uncatalogued`, `vanished` and `damage` where
    it does not agree with the files. Raises CatalogMissing, CatalogDamaged."""
    [totals] = query.ask(root, _TOTALS).rows
    places = journal.known_places(root)
    here = {_name(path): path for path in finished_files(root)}
    local = {name: path for name, path in places.items() if not is_remote(path)}
    return {
        "folder": str(root),
        **dict(zip(_TOTAL_NAMES, totals, strict=True)),
        "cells": _groups(root, "cell"),
        "tasks": _groups(root, "task"),
        "end_reasons": _groups(root, "end_reason"),
        "moved": len(places) - len(local),
        "quarantined": len(quarantined_files(root)),
        "uncatalogued": sorted(str(path) for name, path in here.items() if name not in places),
        "vanished": sorted(path for name, path in local.items() if name not in here),
        "damage": journal.read(root).damage,
    }


def agrees(facts: dict[str, Any]) -> bool:
    """Whether the catalog is that of the files."""
    return not (facts["uncatalogued"] or facts["vanished"] or facts["damage"])


def _groups(root: Path, name: str) -> list[dict[str, Any]]:
    answer = query.ask(root, _GROUPS.format(name=name))
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def _name(path: Path) -> str:
    try:
        return str(id_of(path))
    except NameInvalid:
        return path.name
