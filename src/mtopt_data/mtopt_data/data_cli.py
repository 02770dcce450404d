"""`mtopt data ...`: ask the catalog, remake it, move episodes away."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .catalog import contents, moving, query, rebuild
from .errors import CatalogMissing, DataError, EpisodeMissing, QueryInvalid, TargetInvalid
from .info import table_lines

OK = 0
FAULTY = 1
USAGE = 2

_EXAMPLE = "SELECT task, count(*), avg(succeeded::INT) FROM episodes GROUP BY task"


def run(argv: Sequence[str]) -> int:
    """Do what the words behind `data` say.

    Returns 0 if all is well, 1 if something is damaged, missing or could not be done, 2 for a
    wrong command, statement, folder or target.
    """
    try:
        wanted = _parser().parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        return int(wanted.act(wanted))
    except (EpisodeMissing, CatalogMissing, QueryInvalid, TargetInvalid) as error:
        sys.stderr.write(f"mtopt data: {error}\n")
        return USAGE
    except DataError as error:
        sys.stderr.write(f"mtopt data: {error}\n")
        return FAULTY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt data", description="The catalog of episodes: a row an episode, asked in SQL."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--data", default="data", type=Path, help="folder (default data)")
        made.add_argument("--json", action="store_true", help="print JSON for programs")
        made.set_defaults(act=act)
        return made

    sql = command("sql", _sql, "answer a statement about the table episodes")
    sql.add_argument("statement", metavar="SQL", help=f'such as "{_EXAMPLE}"')
    sql.add_argument("--csv", action="store_true", help="print CSV")
    command("info", _info, "what the catalog holds, and whether it agrees with the files")
    remake = command("rebuild", _rebuild, "make the catalog anew from the files")
    remake.add_argument(
        "--thorough", action="store_true", help="read every byte of every file, not only its end"
    )
    remake.add_argument(
        "--from", dest="places", action="append", default=[], metavar="URL",
        help="where episodes were moved to, if the catalog no longer knows",
    )  # fmt: skip
    upload = command("upload", _upload, "move finished episodes to another place")
    upload.add_argument("--to", required=True, metavar="URL", help="a folder, s3://..., ...")
    upload.add_argument(
        "--keep-days", type=_days, default=0.0, metavar="N", help="leave younger ones here"
    )
    return parser


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number of days, 0 or more")
    return days


def _sql(wanted: argparse.Namespace) -> int:
    answer = query.ask(wanted.data, wanted.statement)
    rows = [tuple(_plain(value) for value in row) for row in answer.rows]
    if wanted.json:
        found = [dict(zip(answer.columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif wanted.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows([_text(value) for value in row] for row in rows)
    else:
        texts = [tuple(_text(value) or "-" for value in row) for row in rows]
        lines = table_lines(answer.columns, texts) if answer.columns else []
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    return OK


def _info(wanted: argparse.Namespace) -> int:
    facts = contents.contents(wanted.data)
    _say(facts, _info_text(facts), wanted.json)
    return OK if contents.agrees(facts) else FAULTY


def _rebuild(wanted: argparse.Namespace) -> int:
    places = [*moving.targets(wanted.data), *wanted.places]
    done = rebuild.rebuild(
        wanted.data, thorough=wanted.thorough, elsewhere=moving.moved_rows(places)
    )
    facts = {"episodes": done.rows, "refused": list(done.refused)}
    lines = [f"{done.rows} episodes in the catalog", *(f"refused   {why}" for why in done.refused)]
    _say(facts, "\n".join(lines) + "\n", wanted.json)
    return FAULTY if done.refused else OK


def _upload(wanted: argparse.Namespace) -> int:
    def tell(address: str) -> None:
        if not wanted.json:
            sys.stdout.write(f"moved     {address}\n")

    done = moving.move(wanted.data, wanted.to, keep_days=wanted.keep_days, tell=tell)
    facts = {
        "moved": done.moved,
        "size_bytes": done.size_bytes,
        "kept": done.kept,
        "refused": done.refused,
    }
    lines = [f"refused   {why}" for why in done.refused]
    lines.append(
        f"{done.moved} moved ({done.size_bytes / 1e6:.1f} MB), {done.kept} younger ones stay, "
        f"{len(done.refused)} refused"
    )
    _say(facts, "\n".join(lines) + "\n", wanted.json)
    return FAULTY if done.refused else OK


def _info_text(facts: dict[str, Any]) -> str:
    rate = f"{facts['successes']} of {facts['graded']} graded succeeded"
    lines = [
        f"{facts['folder']}: {facts['episodes']} episodes ({rate}), {facts['hours']:.1f} h, "
        f"{facts['size_bytes'] / 1e6:,.1f} MB",
        f"first     {facts['first'] or '-'}",
        f"last      {facts['last'] or '-'}",
        f"moved     {facts['moved']} lie elsewhere; {facts['quarantined']} files in quarantine "
        f"(not counted); {facts['dropped']} messages were dropped",
    ]
    for group, name in (("tasks", "task"), ("cells", "cell"), ("end_reasons", "end_reason")):
        head = (name, "episodes", "graded", "successes")
        rows = [tuple(str(row[column]) for column in head) for row in facts[group]]
        lines += ["", *table_lines(head, rows)]
    for fault in ("uncatalogued", "vanished", "damage"):
        lines += [f"{fault:<12} {what}" for what in facts[fault]]
    if not contents.agrees(facts):
        lines.append(f"`data rebuild --data {facts['folder']}` makes the catalog that of the files")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _say(facts: Any, text: str, as_json: bool) -> None:
    sys.stdout.write(json.dumps(facts, indent=2) + "\n" if as_json else text)
