"""`./mtopt soak`: a cell for hours, something broken all the time, a verdict."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mtopt_bringup.operating.running import Running, claimed, new_folder, running
from mtopt_bringup.paths import Paths, workspace_root
from mtopt_bringup.plan.arguments import parse
from mtopt_bringup.stop import Stop

from .accounts import settle
from .plan import Plan
from .report import report, text
from .trial import Say, Trial
from .verdict import checks

PASSED, NOT_PASSED = 0, 1


def run(words: Sequence[str], stop: Stop) -> int:
    """0 if it passed, 1 if not; 128 + n if a signal cut it short, after the verdict so far."""
    wanted = _parser().parse_args(words)
    folder = new_folder((wanted.out or workspace_root() / "soak").absolute())
    data = folder / "data"
    arguments = parse(
        {
            "cells": "1",
            "data": str(data),
            "speed": str(wanted.speed),
            "seed": str(wanted.seed),
            "composed": str(wanted.composed).lower(),
        }
    )
    paths = Paths.installed()
    with (
        claimed(arguments, paths) as prepared,
        running(prepared, paths, folder, clocks=True) as fleet,
    ):
        trial = _soak(fleet, wanted, folder, stop)
    accounts = settle(data, trial.ledger)
    found = checks(trial.samples, trial.rtf, trial.recoveries, accounts)
    asked = {name: value for name, value in vars(wanted).items() if name not in ("json", "out")}
    told = report(trial, accounts, found, asked)
    (folder / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / "report.txt").write_text(text(told), encoding="utf-8")
    sys.stdout.write(json.dumps(told) + "\n" if wanted.json else text(told))
    sys.stdout.write("" if wanted.json else f"\nAll of it: {folder}\n")
    if stop.asked:
        return stop.exit_code
    return PASSED if told["verdict"] == "passed" else NOT_PASSED


def _soak(fleet: Running, wanted: argparse.Namespace, folder: Path, stop: Stop) -> Trial:
    from mtopt_ros.operating import Operator  # it brings ROS, whose environment is set by now

    (cell,) = fleet.prepared.cells
    plan = Plan(wanted.seed, wanted.every, [program.name for program in fleet.programs])
    hand = Operator("soak")
    try:
        trial = Trial(fleet, cell, hand, plan)
        with (folder / "samples.jsonl").open("w", encoding="utf-8") as log:
            trial.run(3600.0 * wanted.hours, lambda: stop.asked, log, _say(wanted.json))
    finally:
        hand.close()
    return trial


def _say(quiet: bool) -> Say:
    def say(line: str) -> None:
        out = sys.stderr if quiet else sys.stdout
        out.write(line + "\n")
        out.flush()

    return say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt soak",
        description="Runs a simulated cell while something in it is broken again and again, and "
        "says at the end whether memory, descriptors, threads and disk stayed bounded, every "
        "fault was recovered from and every episode is accounted for. Ctrl-C gives the verdict so "
        "far.",
    )
    parser.add_argument("--hours", type=_hours, default=8.0, help="wall time (default 8)")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second")
    parser.add_argument("--every", type=float, default=60.0, help="mean seconds between two faults")
    parser.add_argument("--seed", type=int, default=1, help="of the faults, the scene, the tasks")
    parser.add_argument("--composed", action="store_true", help="the cell's nodes in one process")
    parser.add_argument("--out", type=Path, help="folder for a new folder; default soak/")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    return parser


def _hours(text: str) -> float:
    hours = float(text)
    if not 0.0 < hours <= 10_000.0:
        raise argparse.ArgumentTypeError(f"{text}: must be more than 0 and at most 10000")
    return hours
