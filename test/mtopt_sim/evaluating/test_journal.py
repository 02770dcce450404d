"""Attempts on disk: whole, made once, and still there after any end."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_core.evaluation import Attempt, Chained
from mtopt_sim.evaluating.errors import EvaluationBusy, JournalInvalid
from mtopt_sim.evaluating.journal import Journal
from mtopt_sim.evaluating.trial import CHAIN, Case, Setting, Subject, Trial

TRIAL = Trial(Subject(), Setting("standard"))
FIRST = Attempt("lift-any", 0, True, "terminated", 5)
SECOND = Attempt("lift-any", 1, False, "contact", 2, graded=True)
CHAINED = Chained(0, ("lift-any", "place-any"), 1)


def test_results_are_there_again_and_a_line_cut_short_is_not(tmp_path: Path) -> None:
    with Journal(tmp_path, TRIAL) as journal:
        for result in (FIRST, SECOND, CHAINED):
            journal.add(result)
    path = journal.path
    path.write_bytes(path.read_bytes()[:-4])
    with Journal(tmp_path, TRIAL) as journal:
        assert list(journal.results.values()) == [FIRST, SECOND]
        journal.add(CHAINED)
    with Journal(tmp_path, TRIAL) as journal:
        wanted = [Case(CHAIN, 0, 2), Case("lift-any", 1), Case("lift-any", 7)]
        assert journal.of(wanted) == [CHAINED, SECOND]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path, TRIAL), pytest.raises(EvaluationBusy, match="scripted-standard"):
        Journal(tmp_path, TRIAL)
    with Journal(tmp_path, TRIAL), Journal(tmp_path, Trial(Subject(), Setting("plain"))):
        pass


def test_what_nobody_wrote_is_named(tmp_path: Path) -> None:
    path = tmp_path / f"{TRIAL.name}.jsonl"
    for line in ("nonsense", '{"attempt": {"task": "lift-any"}}', "[]"):
        path.write_text(f"{line}\n")
        with pytest.raises(JournalInvalid, match="line 1"):
            Journal(tmp_path, TRIAL)
