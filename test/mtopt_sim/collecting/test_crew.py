"""The parent of a run: blocks are handed on when workers end, and given up when all do."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.fake_workers import Serve, failing, frail, good, useless
from mtopt_sim.collecting import worker
from mtopt_sim.collecting.crew import Crew
from mtopt_sim.collecting.errors import CollectingFailed, WorkersLost
from mtopt_sim.collecting.plan import Plan, Wanted
from mtopt_sim.collecting.station import Places


def run(serve: Serve, data: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, list[int]]:
    # The processes are real; what they do comes from here.
    monkeypatch.setattr(worker, "main", serve)
    plan, told = Plan(Wanted(7), block=3, first_token=4), []
    crew = Crew(Places(data, data), plan, 2, lambda done: told.append(done.episode))
    crew.run()
    return plan, told


def test_every_episode_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, told = run(good, tmp_path, monkeypatch)
    assert sorted(told) == list(range(7)) and plan.done(tmp_path) == set(range(7))


def test_workers_that_end_are_replaced_and_nothing_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, told = run(frail, tmp_path, monkeypatch)
    assert plan.done(tmp_path) == set(range(7))
    assert len(told) == len(set(told)) == 4


def test_workers_that_end_before_any_episode_are_not_started_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkersLost, match="5 workers"):
        run(useless, tmp_path, monkeypatch)


def test_an_error_that_would_come_again_ends_the_run_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CollectingFailed, match="DiskFull: no room"):
        run(failing, tmp_path, monkeypatch)
