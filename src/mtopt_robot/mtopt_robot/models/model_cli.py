"""`mtopt model ...`: see what the store holds, check it, choose the version that serves."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtopt_core.cem import CemConfig
from mtopt_core.errors import MtoptError
from mtopt_core.tasks import TaskRegistry
from mtopt_core.uncertainty import PERCENTILE
from mtopt_data import config_files

from . import calibrating, shipping
from .bundle import Expected
from .errors import BundleRefused, ManifestInvalid, ModelMissing
from .logged_steps import logged_decisions
from .store import ModelStore

OK = 0
FAULTY = 1
USAGE = 2


def run(argv: Sequence[str], models: Path = Path("models"), config: Path = Path("config")) -> int:
    """Do what the words behind `model` say.

    `models` and `config` are the folders used where the words name none. Returns 0 if all is
    well, 1 if a model is refused or nothing could be done, 2 for a wrong command or name.
    """
    try:
        wanted = _parser(models, config).parse_args(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        store = ModelStore(wanted.models, expected(wanted.config))
        return int(wanted.act(store, wanted))
    except ModelMissing as error:
        return _complain(error, USAGE)
    except MtoptError as error:
        return _complain(error, FAULTY)


def expected(config: Path) -> Expected:
    """What the fleet with this config folder asks of a model; raises ConfigError, YamlInvalid."""
    actions, tasks = config / "actions.yaml", config / "tasks.yaml"
    bounds = config_files.action_bounds(actions)
    return Expected(bounds, config_files.tasks(tasks).names)


def _parser(models: Path, config: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mtopt model", description="The model store.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, act, operand, text in (
        ("list", _list, None, "the models, their versions, and which of them serve"),
        ("verify", _verify, "?", "put models through every check; all of them unless named"),
        ("promote", _promote, "NAME/VERSION", "make a version the one that serves"),
        ("rollback", _rollback, "NAME", "go back to the version promoted before"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        if operand == "?":
            command.add_argument("model", nargs="?", default="", metavar="NAME[/VERSION]")
        elif operand:
            command.add_argument("model", metavar=operand)
        command.add_argument("--models", type=Path, default=models, help="folder of the store")
        command.add_argument("--config", type=Path, default=config, help="the fleet's config")
        command.add_argument("--json", action="store_true", help="print JSON for programs")
        command.set_defaults(act=act)
    _add_calibrate(commands, models, config)
    _add_ship(commands, models, config)
    return parser


def _add_calibrate(commands: Any, models: Path, config: Path) -> None:
    text = "measure on recorded episodes where a Q-function does not know, as a new version of it"
    command = commands.add_parser("calibrate", help=text, description=text)
    command.add_argument("model", metavar="NAME/VERSION")
    for word, kind in (("--training", "like those trained on"), ("--held-out", "never trained on")):
        text = f"folder of episodes {kind}"
        command.add_argument(word, type=Path, required=True, metavar="FOLDER", help=text)
    command.add_argument("--as", dest="version", required=True, help="name of the new version")
    command.add_argument("--percentile", type=float, default=PERCENTILE, help="share to trust, %%")
    command.add_argument("--models", type=Path, default=models, help="folder of the store")
    command.add_argument("--config", type=Path, default=config, help="the fleet's config")
    command.add_argument("--json", action="store_true", help="print JSON for programs")
    command.set_defaults(act=_calibrate)


def _add_ship(commands: Any, models: Path, config: Path) -> None:
    text = "copy a version to where the shipped models lie, with its figures sealed into its card"
    command = commands.add_parser("ship", help=text, description=text)
    command.add_argument("model", metavar="NAME/VERSION")
    measured = "what `mtopt eval --out` wrote"
    command.add_argument("--evaluation", type=Path, required=True, metavar="FILE", help=measured)
    command.add_argument("--as", dest="other", default="", metavar="NAME/VERSION", help="new name")
    note = "joins the record of the training"
    command.add_argument("--note", action="append", default=[], metavar="KEY=TEXT", help=note)
    command.add_argument("--to", type=Path, default=models, help=f"store (default {models.name}/)")
    command.add_argument("--models", type=Path, default=models, help="folder it is in now")
    command.add_argument("--config", type=Path, default=config, help="the fleet's config")
    command.add_argument("--json", action="store_true", help="print JSON for programs")
    command.set_defaults(act=_ship)


def _list(store: ModelStore, wanted: argparse.Namespace) -> int:
    facts = [
        {"name": name, "version": version, "kind": store.kind(name, version),
         "serves": version == store.serving(name), "promoted": version == store.promoted(name)}
        for name in store.names()
        for version in store.versions(name)
    ]  # fmt: skip
    lines = [
        f"{fact['name']}/{fact['version']}  {fact['kind'] or '?'}{_marks(fact)}" for fact in facts
    ] or [f"{store.folder} holds no model"]
    return _say(facts, lines, wanted.json)


def _marks(fact: dict[str, Any]) -> str:
    if fact["promoted"]:
        return "  promoted"
    return "  serves as the newest" if fact["serves"] else ""


def _verify(store: ModelStore, wanted: argparse.Namespace) -> int:
    facts = [_verdict(store, name, version) for name, version in _meant(store, wanted.model)]
    lines = [
        f"{fact['model']}: {'ok' if fact['ok'] else fact['law'] + ': ' + fact['reason']}"
        for fact in facts
    ] or [f"{store.folder} holds no model"]
    _say(facts, lines, wanted.json)
    return OK if all(fact["ok"] for fact in facts) else FAULTY


def _verdict(store: ModelStore, name: str, version: str) -> dict[str, Any]:
    fact: dict[str, Any] = {"model": f"{name}/{version}", "ok": True, "law": "", "reason": ""}
    try:
        store.check(name, version)
    except BundleRefused as refused:
        fact.update(ok=False, law=str(refused.law), reason=refused.reason)
    return fact


def _meant(store: ModelStore, model: str) -> list[tuple[str, str]]:
    """The versions that a word names: all of a model's, all of the store's where it is empty."""
    name, _, version = model.partition("/")
    names = (name,) if name else store.names()
    return [
        (one, each) for one in names for each in ((version,) if version else store.versions(one))
    ]


def _promote(store: ModelStore, wanted: argparse.Namespace) -> int:
    name, _, version = wanted.model.partition("/")
    if not name or not version:
        known = ", ".join(f"{name}/{each}" for each in store.versions(name)) if name else ""
        raise ModelMissing(f"{wanted.model!r}: must be NAME/VERSION{known and f', as {known}'}")
    store.promote(name, version)
    return _serves(name, version, wanted.json)


def _rollback(store: ModelStore, wanted: argparse.Namespace) -> int:
    return _serves(wanted.model, store.rollback(wanted.model), wanted.json)


def _calibrate(store: ModelStore, wanted: argparse.Namespace) -> int:
    name, _, version = wanted.model.partition("/")
    bundle = store.load(name, version)
    path = wanted.config / "tasks.yaml"
    tasks = config_files.tasks(path)
    known = TaskRegistry(tuple(task for task in tasks if task.name in bundle.manifest.tasks))
    training = logged_decisions(wanted.training, known)
    novelty = calibrating.familiar(bundle, (each.observation for each in training))
    held_out = logged_decisions(wanted.held_out, known)
    found = calibrating.limits(bundle, novelty, held_out, CemConfig(), wanted.percentile)
    folder = calibrating.renewed(bundle, wanted.version, novelty, found)
    facts = {"model": f"{bundle.manifest.name}/{wanted.version}", **dataclasses.asdict(found)}
    told = (
        f"{folder}: doubts a novelty past {found.novelty:.3g} and a spread of Q past "
        f"{found.q_spread:.3g} ({found.percentile:g}% of {found.decisions} decisions are within)"
    )
    return _say(facts, [told], wanted.json)


def _ship(store: ModelStore, wanted: argparse.Namespace) -> int:
    name, _, version = wanted.model.partition("/")
    folder = store.where(name, version, store.kind(name, version))
    try:
        evaluation = json.loads(wanted.evaluation.read_text(encoding="utf-8"))
        notes = dict(note.split("=", 1) for note in wanted.note)
    except (OSError, ValueError) as error:
        raise ManifestInvalid(f"{wanted.evaluation}, notes {wanted.note}: {error}") from error
    other, _, later = wanted.other.partition("/")
    made = shipping.ship(folder, wanted.to, evaluation, other, later, notes)
    facts = {"model": f"{made.parent.name}/{made.name}", "folder": str(made)}
    return _say(facts, [f"{facts['model']} lies in {made}"], wanted.json)


def _serves(name: str, version: str, as_json: bool) -> int:
    return _say({"name": name, "version": version}, [f"{name}/{version} serves now"], as_json)


def _say(facts: Any, lines: list[str], as_json: bool) -> int:
    text = json.dumps(facts, indent=2) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")
    return OK


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"mtopt model: {error}\n")
    return code
