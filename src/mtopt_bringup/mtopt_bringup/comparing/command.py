"""`mtopt compare`: one of the paper's questions, asked of the episodes in a folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtopt_core.config import check, from_mapping
from mtopt_core.errors import ConfigError
from mtopt_core.evaluation import EvaluationConfig
from mtopt_data import config_files
from mtopt_data.partfile import make_folder, replace_file
from mtopt_data.yamlfile import read_yaml

from ..paths import Paths
from ..stop import Stop
from . import report
from .declared import FOLDER, Comparison, questions, read_comparison, settings_of
from .running import Comparing, Conditions, Places

OK = 0
SOURCE = "mtopt compare"
JSON, PAGE = "comparison.json", "comparison.md"


def run(words: Sequence[str]) -> int:
    """0 done, else that of the signal that stopped it (the same command goes on).

    Raises MtoptError.
    """
    wanted, paths = _parser().parse_args(words), Paths.installed()
    if not wanted.question:
        return _list(paths)
    path = _file(wanted.question, paths)
    conditions = _conditions(wanted, path, paths)
    folder = Path(wanted.run).expanduser().absolute()
    cache = Path(wanted.cache).expanduser().absolute() if wanted.cache else folder / "cache"
    data = Path(wanted.data).expanduser().absolute()
    places = Places(paths.config.parent, data, cache, folder / path.stem)
    results: list[dict[str, Any]] = []
    comparison, told = conditions.comparison, {}
    with Stop() as stop:
        comparing = Comparing(conditions, places, wanted.json, stop)
        asked = [(seed, one) for seed in comparison.seeds for one in comparison.variants]
        for seed, variant in asked:
            found = None if stop.asked else comparing.result(variant, seed)
            if found is None:
                break
            results.append(found)
            told = _write(path.stem, conditions, places.run, results, len(asked))
    _say(told, wanted)
    if len(results) < len(asked):
        sys.stderr.write("mtopt compare: stopped; the same command goes on\n")
        return stop.exit_code
    return OK


def _write(
    question: str, conditions: Conditions, folder: Path, results: list[dict[str, Any]], asked: int
) -> dict[str, Any]:
    """What is known by now, into the run's folder."""
    low_data = conditions.evaluation.low_data
    told = report.summary(
        question, conditions.comparison, conditions.registry, low_data, results,
        len(results) == asked,
    )  # fmt: skip
    replace_file(folder / JSON, (json.dumps(told, indent=1) + "\n").encode())
    replace_file(folder / PAGE, ("\n".join(report.section(told, "#")) + "\n").encode())
    return told


def _say(told: dict[str, Any], wanted: argparse.Namespace) -> None:
    text = json.dumps(told, indent=1) + "\n"
    page = "\n".join(report.section(told, "#")) + "\n" if told else ""
    for path, content in ((wanted.out, text), (wanted.page, page)):
        if path and told:
            make_folder(path.absolute().parent)
            path.write_text(content, encoding="utf-8")
    sys.stdout.write(text if wanted.json else page)


def _list(paths: Paths) -> int:
    for name in questions(paths.config):
        title = read_yaml(paths.config / FOLDER / f"{name}.yaml").get("title", "")
        sys.stdout.write(f"{name:<16}{title}\n")
    return OK


def _file(question: str, paths: Paths) -> Path:
    """The declaration that is meant: a file, or the name of one of those in config/compare."""
    if question.endswith(".yaml"):
        return Path(question).expanduser().absolute()
    known = questions(paths.config)
    if question not in known:
        allowed = f"must be one of {', '.join(known)}, or a file"
        raise ConfigError(SOURCE, "question", question, allowed)
    return paths.config / FOLDER / f"{question}.yaml"


def _conditions(wanted: argparse.Namespace, path: Path, paths: Paths) -> Conditions:
    """What the declaration and the words say, checked; raises MtoptError."""
    if not 1 <= wanted.workers <= 256:
        raise ConfigError(SOURCE, "workers", wanted.workers, "must be 1 to 256")
    comparison, registry = read_comparison(
        path, lambda name: config_files.tasks(paths.config / name)
    )
    comparison = _as_said(comparison, wanted)
    config = Path(wanted.config).expanduser() if wanted.config else paths.config / "learn.yaml"
    base = read_yaml(config)
    for variant in comparison.variants:
        settings_of(variant, base, str(path), comparison.seeds[0])
    evaluation = paths.config / "eval.yaml"
    standards = from_mapping(EvaluationConfig, read_yaml(evaluation), str(evaluation))
    return Conditions(
        comparison,
        registry,
        config_files.action_bounds(paths.node_files["actions_file"]),
        base,
        str(path),
        replace(standards, attempts=comparison.attempts, scene=comparison.scene, chains=0),
        wanted.device,
        wanted.workers,
    )


def _as_said(comparison: Comparison, wanted: argparse.Namespace) -> Comparison:
    """The declaration with what the words say instead."""
    said: dict[str, Any] = {
        name: getattr(wanted, name)
        for name in ("steps", "attempts")
        if getattr(wanted, name) is not None
    }
    if wanted.seeds:
        try:
            said["seeds"] = tuple(int(seed) for seed in wanted.seeds.split(","))
        except ValueError:
            allowed = "must be whole numbers with commas"
            raise ConfigError(SOURCE, "seeds", wanted.seeds, allowed) from None
    if wanted.only:
        names = {comparison[name.strip()].name for name in wanted.only.split(",")}
        for one in reversed(comparison.variants):  # what one begins with stands before it
            names |= {one.begin} if one.name in names else set()
        said["variants"] = tuple(one for one in comparison.variants if one.name in names)
    made = replace(comparison, **said)
    check(made, SOURCE)
    if not made.seeds:
        raise ConfigError(SOURCE, "seeds", made.seeds, "must be at least one")
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt compare",
        description="Trains the variants of a comparison on the same episodes for as many steps, "
        "evaluates each, and tells what came of them beside the paper's figures. Without a "
        "question it lists those that there are. The same command again goes on where it was "
        "stopped or killed; what is done is not done again.",
    )
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("question", nargs="?", default="", help="of config/compare, or a file")
    parser.add_argument("--data", default="data", help="folder of the episodes (default data)")
    parser.add_argument("--steps", type=int, help="of training, each variant (default: declared)")
    parser.add_argument("--seeds", default="", help="with commas (default: declared)")
    parser.add_argument("--attempts", type=int, help="at each task (default: declared)")
    parser.add_argument("--only", default="", help="some variants, with commas (default all)")
    parser.add_argument("--config", default="", help="settings (default config/learn.yaml)")
    parser.add_argument("--run", default="run/compare", help="what is made (default run/compare)")
    parser.add_argument("--cache", default="", help="decoded episodes (default in --run)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    parser.add_argument("--workers", type=int, default=cores, help=f"processes (default {cores})")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--out", type=Path, help="file for the same JSON")
    parser.add_argument("--page", type=Path, help="file for a page in Markdown")
    return parser
