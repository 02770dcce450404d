"""The attempts of an evaluation as they were made, a line each: none is ever made twice."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mtopt_core.evaluation import Attempt, Chained
from mtopt_data.partfile import make_folder, named

from .errors import EvaluationBusy, JournalInvalid
from .trial import CHAIN, Case, Trial

Result = Attempt | Chained


def case_of(result: Result) -> Case:
    """The case that a result is of."""
    if isinstance(result, Chained):
        return Case(CHAIN, result.number, len(result.tasks))
    return Case(result.task, result.number)


class Journal:
    """Results of one trial in `<folder>/<trial's name>.jsonl`.

    A line that an end cut short is taken away; a result is on the disk when `add` returns. Raises
    EvaluationBusy, JournalInvalid, DiskFull, FolderNotWritable.
    """

    def __init__(self, folder: Path, trial: Trial) -> None:
        make_folder(folder)
        self.path = folder / f"{trial.name}.jsonl"
        self.results: dict[Case, Result] = {}
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise EvaluationBusy(f"{self.path}: another process makes these attempts") from None
        try:
            self._load()
        except JournalInvalid:
            os.close(self._file)
            raise

    def add(self, result: Result) -> None:
        """Keep a result for good."""
        kind = "chain" if isinstance(result, Chained) else "attempt"
        line = json.dumps({kind: asdict(result)}, separators=(",", ":")) + "\n"
        try:
            os.write(self._file, line.encode())
            os.fdatasync(self._file)
        except OSError as error:
            raise named(error, self.path) from error
        self.results[case_of(result)] = result

    def of(self, cases: Iterable[Case]) -> list[Result]:
        """The results of some cases, in their order; those still missing are left out."""
        return [self.results[case] for case in cases if case in self.results]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def _load(self) -> None:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), start=1):
            try:
                result = _result(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise JournalInvalid(f"{self.path}: line {number} is no attempt: {error}") from None
            self.results[case_of(result)] = result
        os.ftruncate(self._file, whole)
        os.lseek(self._file, whole, os.SEEK_SET)


def _result(entry: dict[str, Any]) -> Result:
    if "chain" in entry:
        told = entry["chain"]
        return Chained(told["number"], tuple(told["tasks"]), told["done"])
    return Attempt(**entry["attempt"])
