"""`./mtopt cell ...`: what an operator says to a cell that runs."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mtopt_ros.cell_view import CellView

OK, REFUSED, USAGE = 0, 1, 2
_TOLD = {
    "pause": "pauses after the running episode",
    "resume": "goes on",
    "stop": "ends after the running episode",
}


def run(words: Sequence[str]) -> int:
    """Do it. 0: done; 1: the cell refused; 2: a wrong command, or nobody answers."""
    try:
        wanted = _parser().parse_args(words)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    from mtopt_core.errors import MtoptError
    from mtopt_ros.cell_desk import CellDesk

    try:
        with CellDesk() as desk:
            return int(wanted.act(desk, wanted))
    except MtoptError as error:
        sys.stderr.write(f"mtopt cell: {error}\n")
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt cell", description="Speak to a cell that runs on this machine or network."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: Any, text: str, named: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--cell", required=named, default="", metavar="NAME", help="which cell")
        made.set_defaults(act=act, word=name)
        if named:
            made.add_argument("--who", default=getpass.getuser(), help="your name, for the log")
        return made

    status = command("status", _status, "how the cells fare, and what is wrong", named=False)
    status.add_argument("--json", action="store_true", help="print JSON for programs")
    command("pause", _collecting, "rest after the running episode, until it is resumed")
    command("resume", _collecting, "go on after a pause, or where the cell has parked")
    command("stop", _collecting, "end for good after the running episode")
    discard = command("discard", _discard, "put an episode aside, so that it does not count")
    relabel = command("relabel", _relabel, "say how an episode really went")
    for made in (discard, relabel):
        made.add_argument("episode", nargs="?", default="", help="its id; without one the last")
        made.add_argument("--why", default="", help="a reason that is kept with it")
    relabel.add_argument("--success", required=True, choices=("yes", "no"), help="how it went")
    relabel.add_argument("--task", default="", help="of which task; its own if none is named")
    command("emergency-stop", _emergency_stop, "no motion of the arm until it is rearmed")
    command("rearm", _rearm, "allow motion again after an emergency stop")
    return parser


def _status(desk: Any, wanted: argparse.Namespace) -> int:
    views = desk.cells(wanted.cell)
    if wanted.cell:
        views = {name: view for name, view in views.items() if name == wanted.cell}
    if wanted.json:
        found = {name: asdict(view) for name, view in views.items()}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for view in views.values() for line in lines(view)))
    if not views:
        sys.stderr.write(f"mtopt cell: nothing is heard of {wanted.cell or 'any cell'}\n")
    return OK if views else REFUSED


def lines(view: CellView) -> list[str]:
    """A cell for people: a line, and one a fault."""
    count = f"{view.episodes}/{view.wanted}" if view.wanted else str(view.episodes)
    told = f"{view.cell}  {view.state}  {view.task or '-'}  {count} episodes"
    return [told, *(f"    {fault}" for fault in view.faults)]


def _collecting(desk: Any, wanted: argparse.Namespace) -> int:
    from mtopt_ros.cell_desk import commands

    answer = desk.set_collecting(wanted.cell, commands()[wanted.word], wanted.who)
    return _say(answer, f"{wanted.cell} {_TOLD[wanted.word]}")


def _discard(desk: Any, wanted: argparse.Namespace) -> int:
    answer = desk.discard(wanted.cell, wanted.episode, wanted.who, wanted.why)
    where = f"lies in {answer.path}" if answer.path else "is ended and goes to quarantine"
    return _say(answer, f"{answer.episode_id} {where}")


def _relabel(desk: Any, wanted: argparse.Namespace) -> int:
    success = wanted.success == "yes"
    answer = desk.relabel(wanted.cell, wanted.episode, wanted.task, success, wanted.who, wanted.why)
    said = "a success" if success else "a failure"
    return _say(answer, f"{answer.episode_id}: {answer.task} is {said} from now on")


def _emergency_stop(desk: Any, wanted: argparse.Namespace) -> int:
    answer = desk.emergency_stop(wanted.cell)
    if answer.message:
        sys.stderr.write(f"mtopt cell: {answer.message}\n")
    sys.stdout.write(f"{wanted.cell} does not move until it is rearmed\n")
    return OK if answer.success and not answer.message else REFUSED


def _rearm(desk: Any, wanted: argparse.Namespace) -> int:
    return _say(desk.rearm(wanted.cell, wanted.who), f"{wanted.cell} may move again")


def _say(answer: Any, done: str) -> int:
    """What was done, or why not."""
    if answer.ok:
        sys.stdout.write(f"{done}\n")
        return OK
    sys.stderr.write(f"mtopt cell: {answer.error or 'refused'}\n")
    return REFUSED
