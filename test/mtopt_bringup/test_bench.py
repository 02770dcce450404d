"""Benches: one shape, and goals that mean something."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fakes.small_network import SMALL
from mtopt_bringup import bench
from mtopt_bringup.bench import (
    catalog_bench,
    cem_bench,
    fleet_bench,
    log_bench,
    physics_bench,
    record_bench,
    run,
    sim_bench,
)
from mtopt_bringup.bench.report import Goal, Report
from mtopt_bringup.errors import StartFailed
from mtopt_core.share import Share
from mtopt_robot.models.image import ImageFormat
from mtopt_sim.collecting.station import Done
from mtopt_sim.proof import Proof
from mtopt_sim.proof.grasps import SCENES


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


def test_a_figure_that_cannot_be_had_meets_no_goal_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("x", {"a": None}, {"a": Goal(at_least=1)}, notes={"a": "no such thing"})
    assert not report.met and report.as_dict()["notes"] == {"a": "no such thing"}
    monkeypatch.setattr(bench, "measure", lambda name: report)
    assert run(["log"]) == 1
    assert "no such thing" in capsys.readouterr().out


def _done(wall_s: float = 0.25) -> Done:
    return Done(0, "file", "lift-any", False, "terminated", 6, 8.0, wall_s, 0.2)


def test_the_sim_bench_counts_from_each_workers_first_episode_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(float(second) for second in range(100))
    monkeypatch.setattr(sim_bench.time, "monotonic", lambda: next(clock))
    window = sim_bench.Window(workers=2, limit_s=3.0)
    with pytest.raises(sim_bench._EnoughError):
        for _ in range(50):
            window.tell(_done())
    assert len(window.made) == 3 and window.seconds == 3.0


def test_the_sim_bench_reports_all_figures_with_and_without_its_peer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = sim_bench.Window(2, 30.0, [_done()] * 240, 30.0)
    monkeypatch.setattr(sim_bench, "collect", lambda workers, limit_s: window)
    monkeypatch.setattr(sim_bench, "peer_rate", lambda workers, images_hz: (4.0, ""))
    report = sim_bench.measure()
    assert report.figures["episodes_per_s"] == 8.0 and report.figures["limit_share"] == 0.8
    assert report.figures["peer_ratio"] == 8.0 and not report.met and not report.notes
    monkeypatch.setattr(sim_bench, "peer_rate", lambda workers, images_hz: (None, "not here"))
    report = sim_bench.measure()
    assert report.figures["peer_ratio"] is None and report.notes == {"peer_ratio": "not here"}


@pytest.mark.parametrize(
    ("python", "said"), [("/nowhere/python", "no /nowhere"), ("", "robosuite")]
)
def test_a_peer_that_is_not_there_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, python: str, said: str
) -> None:
    """Neither without the interpreter nor with one that has no such package."""
    monkeypatch.setenv(sim_bench.PEER_PYTHON, python or sys.executable)
    rate, why = sim_bench.peer_rate(1, 1.0)
    assert rate is None and said in why and "requirements/bench.lock" in why


def test_the_catalog_bench_measures_all_that_it_has_goals_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog_bench, "ROWS", 300)
    monkeypatch.setattr(catalog_bench, "APPENDED", 5)
    monkeypatch.setattr(catalog_bench, "FILES", 3)
    report = catalog_bench.measure()
    assert set(report.goals) <= set(report.figures)
    assert all(value is not None and value > 0 for value in report.figures.values())


def _trial(scale: float, drops: int = 0, reported: int = 0, offered: float = 1.0) -> dict[str, Any]:
    return {
        "scale": scale, "asked_mb_s": 10 * scale, "offered_mb_s": 10 * scale * offered,
        "written_mb_s": 10 * scale * offered, "written_mb": 100 * scale, "drops": drops,
        "reported_drops": reported, "recording_cpu_s": 1.0, "cpu_s": 2.0, "rss_mb": 100.0,
    }  # fmt: skip


def test_the_record_bench_rises_until_messages_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str, float]] = []

    def run_trial(images: str, scale: float, *words: str) -> dict[str, Any]:
        tried.append((images, scale))
        at = {"jpeg": 8.0, "raw": 0.5}[images]
        return _trial(scale, 7, 5) if scale >= at else _trial(scale)

    monkeypatch.setattr(record_bench, "run_trial", run_trial)
    monkeypatch.setattr(record_bench, "peer_trial", lambda: (None, "not here"))
    report = record_bench.measure()
    assert tried == [("jpeg", s) for s in (1, 2, 4, 8)] + [("raw", s) for s in (0.25, 0.5, 1)]
    figures = report.figures
    assert (figures["target_drops"], figures["raw_target_drops"]) == (0, 7)
    assert (figures["break_mb_s"], figures["raw_break_mb_s"]) == (40.0, 2.5)
    assert figures["cpu_s_per_gb"] == 20.0 and figures["target_cores"] == 0.1
    assert figures["unreported_drops"] == 6 and not report.met
    assert figures["peer_cpu_ratio"] is None and report.notes["peer_cpu_ratio"] == "not here"
    assert "8 x: offered 80.0 MB/s, written 80.0, 7 lost (5 reported)" in report.notes["jpeg_loads"]


def test_the_record_bench_stops_where_the_load_cannot_be_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record_bench, "run_trial", lambda images, scale: _trial(scale, offered=0.5))
    assert len(record_bench.rise("jpeg")) == 1


def test_without_rosbag2_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert record_bench.peer_trial() == (None, "rosbag2 is not installed: there is no ros2")
    ros2 = tmp_path / "ros2"
    ros2.write_text("#!/bin/sh\nexit 1\n")
    ros2.chmod(0o755)
    assert record_bench.peer_trial() == (None, "rosbag2 is not installed: ros2 has no bag")


def test_the_cem_bench_measures_all_that_it_has_goals_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In miniature: the paths of all contestants, not their speed."""
    image = ImageFormat((60, 70), SMALL.size_px, SMALL.size_px)
    small = {"NETWORK": SMALL, "IMAGE": image, "TURNS": 1, "OURS_EACH": 2, "TRIALS": 2}
    for name, value in (small | {"PEAK_SIDES": (64,)}).items():
        monkeypatch.setattr(cem_bench, name, value)
    report = cem_bench.measure()
    asked = {"ours_p50_ms", "ours_p99_ms", "ratio_unsplit", "ratio_split_ort", "ratio_split_torch",
             "peak_share", "rank_agreement", "regret"}  # fmt: skip
    assert asked <= set(report.figures)
    assert set(report.goals) <= set(report.figures)
    assert all(value is not None and value >= 0.0 for value in report.figures.values())
    assert report.figures["rank_agreement"] > 0.8
    assert report.notes["ours_p50_ms"].split(":")[0].split()[0] in ("openvino", "cpu")


def test_useful_work_leaves_out_what_is_saved() -> None:
    # 8.25 + 128 x 0.318 GFLOP, less the head's first convolution of all actions but one look.
    assert cem_bench.useful_tflop() == pytest.approx(42.6e-3, rel=0.01)


def test_the_physics_bench_adds_up_its_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    def proved(pieces: tuple[physics_bench.Piece, ...]) -> list[Proof]:
        return [proof_of(piece, right=piece is not first) for piece in pieces]

    first = physics_bench.PIECES[0]
    monkeypatch.setattr(physics_bench, "_proved", proved)
    report = physics_bench.measure()
    figures = report.figures
    assert set(report.goals) <= set(figures)
    tries = {name: figures[f"{name}_tries"] for name in ("grasps_carried", "scripts_faultless")}
    assert tries == {"grasps_carried": 900, "scripts_faultless": 600}
    assert figures["grasps_carried"] == pytest.approx(1 - first.tries / 900)
    assert figures["grasps_carried_least"] == figures["grasps_carried_can"]
    assert figures["grasps_carried_low"] < figures["grasps_carried"]
    seeds = [piece.seed for piece in physics_bench.PIECES if piece.name == "grasps"]
    assert min(b - a for a, b in pairwise(seeds)) >= first.tries * SCENES


def proof_of(piece: physics_bench.Piece, right: bool) -> Proof:
    names = {
        "grasps": ("carried", "carried_can", "bad_slipped"),
        "resets": ("right_bin", "complete"),
        "scripts": ("lift-any", "place-any", "faultless"),
    }[piece.name]
    return Proof(piece.name, {name: Share(piece.tries * right, piece.tries) for name in names})


def _seen(cells: int, episodes: int, late: dict[str, str]) -> fleet_bench.Seen:
    kinds = dict.fromkeys(fleet_bench._KINDS, 0.5)
    return fleet_bench.Seen(cells, 60.0, episodes, 30.0 * cells, kinds, kinds, 9.0, (5, 9), late)


def test_a_number_of_cells_that_brings_nothing_is_named_beside_those_that_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def watch(count: int, window_s: float) -> fleet_bench.Seen:
        assert window_s == 5.0
        if count == 2:
            raise StartFailed("no cell collects after 120 s: cell1: faulted, camera: camera_fault")
        return _seen(count, 4 * (count != 7), {"cell1": "no episode in 60 s: parked"})

    monkeypatch.setattr(fleet_bench, "watch", watch)
    assert run(["fleet", "--json", "--cells", "7,1,2", "--seconds", "5"]) == 1
    said = json.loads(capsys.readouterr().out)
    figures = said["figures"]
    days = [figures[f"episodes_per_day_per_cell_{count}"] for count in (1, 2, 7)]
    assert days == [pytest.approx(4 * 1440), 0.0, 0.0]
    assert figures["rtf_2"] is None and figures["rtf_7"] == figures["rtf_1"] == 0.5
    assert figures["cpu_s_per_episode_1"] == 2.5 * 60 / 4 and figures["cpu_s_per_episode_7"] is None
    assert figures["policy_cores_7"] == 0.5 and "episodes_per_day_per_cell_7" in said["goals"]
    assert "camera_fault" in said["notes"]["cells_2"] and "parked" in said["notes"]["cells_7"]


@pytest.mark.parametrize(
    "words", [["log", "--seconds", "5"], ["fleet", "--cells", "0"], ["fleet", "--cells", "a"]]
)
def test_what_a_bench_cannot_be_told_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run(words)
    assert refused.value.code == 2
