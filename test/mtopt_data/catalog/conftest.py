"""Small finished episodes, as many as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtopt_data.writer import EpisodeWriter

Record = Callable[..., Path]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def record(data: Path, make_start: Any) -> Record:
    """A finished episode in `data`, each of another moment; values go to its metadata."""

    def make(cell: str = "cell1", won: bool = True, graded: bool = True, **values: Any) -> Path:
        start = make_start(cell=cell)
        writer = EpisodeWriter(data, start)
        writer.add_channel(f"/{cell}/text", "std_msgs/msg/String", "string data\n")
        for index in range(5):
            text = b"\0\1\0\0\x05\0\0\0%04d\0" % index
            writer.write(f"/{cell}/text", text, index * 10**6, index * 10**6)
        known: dict[str, Any] = {
            "ended_ns": start.started_ns + 2_500_000_000,
            "steps": 3,
            "end_reason": "terminated",
            "success": {"lift-can": False, "lift-any": won} if graded else {},
            "probability": {"lift-can": 0, "lift-any": 0.75} if graded else {},
            "sources": {"scripted": 2, "q": 1},
            "drops": {f"/{cell}/text": 2},
        }
        return writer.close(start.finished(**known | values))

    return make
