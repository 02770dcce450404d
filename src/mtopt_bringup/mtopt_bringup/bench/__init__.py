"""Benches: how fast this machine does one of the fleet's jobs. All have one shape."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from mtopt_bringup.errors import UnknownBench

from .report import Report, show

# Name, and the module whose `measure` does it; each is imported only when it is wanted.
BENCHES = {
    "log": "writing and checking episodes of the log, beside plain file writing",
    "record": "the recorder's process under rising loads of messages, up to where it loses some",
    "catalog": "SQL over 100,000 episodes, beside reading as many files",
    "fleet": "one to seven simulated cells as `up` starts them: episodes, cores, memory, latency",
    "sim": "collecting on all cores, beside a well-known simulator",
    "episode": "collecting in one process, without ROS",
    "node": "the simulated cell as a node on one core, with three cameras",
    "physics": "grips, resets and blind scripts of the simulated cell, tried many times",
    "cem": "a decision of the paper's network by CEM, beside three plainer ways",
    "serve": "decisions a second of one policy server for several cells, over ROS",
    "learn": "training and Bellman targets, beside the bare passes of the networks",
    "ik": "inverse kinematics over both bins, beside plainer ways",
}
_FLEET, _MOST_CELLS = "fleet", 20


def run(words: Sequence[str]) -> int:
    """`mtopt bench NAME [--json]`: 0 if every goal is met, 1 if not, 2 for an unknown name."""
    parser = argparse.ArgumentParser(
        prog="mtopt bench",
        description="Measures this machine.",
        epilog="benches: " + "; ".join(f"{name}: {text}" for name, text in BENCHES.items()),
    )
    parser.add_argument("name", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--cells", type=_counts, metavar="N,N", help="fleet: the numbers of cells; default 1 to 7"
    )
    parser.add_argument(
        "--seconds", type=float, help="fleet: how long each number of cells is watched; default 60"
    )
    wanted = parser.parse_args(words)
    told = {"cells": wanted.cells, "seconds": wanted.seconds}
    given = {name: value for name, value in told.items() if value is not None}
    if given and wanted.name != _FLEET:
        parser.error(f"--{next(iter(given))} is for the bench {_FLEET}")
    report = measure(wanted.name, **given)
    if wanted.json:
        sys.stdout.write(json.dumps(report.as_dict()) + "\n")
    else:
        show(report)
    return 0 if report.met else 1


def _counts(words: str) -> tuple[int, ...]:
    counts = tuple(int(word) for word in words.split(","))
    if not all(1 <= count <= _MOST_CELLS for count in counts):
        raise argparse.ArgumentTypeError(f"{words}: must be numbers from 1 to {_MOST_CELLS}")
    return counts


def measure(name: str, **given: Any) -> Report:
    """The report of one bench, of what is `given` to it; raises UnknownBench."""
    if name not in BENCHES:
        raise UnknownBench(f"bench = {name!r}: must be one of {', '.join(BENCHES)}")
    job: Callable[..., Report] = import_module(f"{__package__}.{name}_bench").measure
    return job(**given)
