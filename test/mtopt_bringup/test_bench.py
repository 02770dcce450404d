"""Benches: one shape, and goals that mean something."""

from __future__ import annotations

import json

import pytest

from mtopt_bringup import bench
from mtopt_bringup.bench import log_bench, run
from mtopt_bringup.bench.report import Goal, Report


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(at_least=2), 2.0, True),
        (Goal(at_least=2), 1.9, False),
        (Goal(at_most=2), 2.1, False),
        (Goal(at_least=1, at_most=2), 1.5, True),
    ],
)
def test_a_goal_is_a_bound(goal: Goal, value: float, met: bool) -> None:
    assert goal.met_by(value) is met


def test_a_report_is_met_when_all_goals_are() -> None:
    goals = {"a": Goal(at_least=1), "b": Goal(at_most=1)}
    assert Report("x", {"a": 1, "b": 1, "c": 9}, goals).met
    assert not Report("x", {"a": 1, "b": 2}, goals).met


def test_json_has_the_one_shape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("log", {"a": 1.0}, {"a": Goal(at_least=2)})
    monkeypatch.setattr(bench, "measure", lambda name: report)
    assert run(["log", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["bench", "machine", "figures", "goals", "met"]
    assert said["met"] is False
    assert {"processor", "cores", "memory_gb"} <= set(said["machine"])


def test_a_person_reads_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("log", {"write_mb_s": 123.4}, {"write_mb_s": Goal(at_least=2)})
    monkeypatch.setattr(bench, "measure", lambda name: report)
    assert run(["log"]) == 0
    out = capsys.readouterr().out
    for part in ("bench log", "write_mb_s", "123.4", "at least 2", "yes"):
        assert part in out


def test_the_log_bench_measures_all_that_it_has_goals_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_bench, "EPISODES", 1)
    monkeypatch.setattr(log_bench, "FRAMES", 5)
    report = log_bench.measure()
    assert set(report.goals) <= set(report.figures)
    assert all(value > 0 for value in report.figures.values())
