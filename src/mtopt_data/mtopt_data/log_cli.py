"""`mtopt log ...`: look at recordings, check them, settle what a crash left."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import DataError, EpisodeMissing
from .facts import episode_facts, folder_facts, recovery_facts
from .info import episode_text, folder_text, recovery_text
from .recovery import recover_folder
from .verification import verify, verify_folder

OK = 0
FAULTY = 1
USAGE = 2


def run(argv: Sequence[str]) -> int:
    """Do what the words behind `log` say.

    Returns 0 if all is well, 1 if damage, gaps or leftovers were found, 2 for a wrong
    command or path.
    """
    try:
        wanted = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        return int(wanted.act(wanted.path, wanted.json))
    except EpisodeMissing as error:
        sys.stderr.write(f"mtopt log: {error}\n")
        return USAGE
    except DataError as error:
        sys.stderr.write(f"mtopt log: {error}\n")
        return FAULTY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mtopt log", description="The episode log.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, act, path, text in (
        ("info", _info, "FILE", "what episode files hold"),
        ("verify", _verify, "PATH", "read a file, or every file of a data folder, and judge it"),
        ("recover", _recover, "FOLDER", "settle the unfinished files that a crash left"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        count = "+" if act is _info else None
        command.add_argument("path", metavar=path, type=Path, nargs=count)
        command.add_argument("--json", action="store_true", help="print JSON for programs")
        command.set_defaults(act=act)
    return parser


def _info(paths: Sequence[Path], as_json: bool) -> int:
    """One file's facts; those of several below each other, in JSON as a list."""
    for path in paths:
        if path.is_dir():
            raise EpisodeMissing(f"{path}: is a folder; `log verify {path}` reads a folder")
    facts = [episode_facts(verify(path)) for path in paths]
    text = "\n".join(episode_text(one) for one in facts)
    _say(facts if len(facts) > 1 else facts[0], text, as_json)
    return FAULTY if any(one["damage"] for one in facts) else OK


def _verify(path: Path, as_json: bool) -> int:
    if path.is_dir():
        facts = folder_facts(verify_folder(path))
        _say(facts, folder_text(facts), as_json)
    else:
        facts = episode_facts(verify(path))
        _say(facts, episode_text(facts), as_json)
    return OK if facts["ok"] else FAULTY


def _recover(path: Path, as_json: bool) -> int:
    facts = recovery_facts(recover_folder(path))
    _say(facts, recovery_text(facts), as_json)
    return FAULTY if any(item["action"] == "failed" for item in facts) else OK


def _say(facts: Any, text: str, as_json: bool) -> None:
    sys.stdout.write(json.dumps(facts, indent=2) + "\n" if as_json else text)
