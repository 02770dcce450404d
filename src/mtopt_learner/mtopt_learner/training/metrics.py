"""What is told of a training: a line of JSON for each report, and the same for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tensorboardX import SummaryWriter

from mtopt_data.partfile import make_folder

LINES = "metrics.jsonl"


class MetricLog:
    """Appends to `<folder>/metrics.jsonl` and to event files beside it."""

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._lines = (folder / LINES).open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder), flush_secs=10, write_to_disk=True)

    def put(self, step: int, values: Mapping[str, float]) -> None:
        """The values after a step of training."""
        self._lines.write(json.dumps({"step": step, **values}) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Everything to the disk."""
        self._lines.close()
        self._board.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
