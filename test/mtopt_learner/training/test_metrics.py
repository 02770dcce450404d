"""Metrics: lines that can be read back, appended to over restarts, and TensorBoard's files."""

from __future__ import annotations

import json
from pathlib import Path

from mtopt_learner.training.metrics import LINES, MetricLog


def test_every_report_is_a_line(tmp_path: Path) -> None:
    for start in (0, 10):
        with MetricLog(tmp_path / "run") as log:
            log.put(start, {"loss": 0.5})
            log.put(start + 1, {"loss": 0.25, "share/lift-any": 0.5})
    lines = [json.loads(line) for line in (tmp_path / "run" / LINES).read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 10, 11]
    assert lines[1] == {"step": 1, "loss": 0.25, "share/lift-any": 0.5}
    boards = list((tmp_path / "run").glob("events.out.tfevents.*"))
    assert boards and all(b"loss" in path.read_bytes() for path in boards)
