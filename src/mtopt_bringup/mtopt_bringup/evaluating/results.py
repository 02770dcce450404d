"""docs/results.md: what was measured, beside the paper's figures; nothing that was not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtopt_core.errors import ConfigError

from ..comparing import report
from . import paper, plot
from .page import Told, name_of, number, row, section

STANDARD = "standard"
PLOT = "success.svg"
COMPARED = "compare"
_COMPARED = ("question", "title", "text", "source", "scene", "seeds", "variants", "complete")
_NEEDED = ("model", "scene", "grader", "tasks", "intervals", "tried", "complete")

_INTRO = """\
# Results

Made by `./mtopt docs results --out docs/results.md` from the evaluations in `docs/results/`, each
written by `./mtopt eval --out docs/results/NAME.json`; a test holds the two together. Ours are
shares of success in the simulated cell with 95% intervals, the paper's those of its Table IV on
real robots (MT-Opt, the last column). What is blank was not measured. [Evaluating](evaluation.md)
says how.
"""


def evaluations(folder: Path) -> list[Told]:
    """The evaluations in a folder's JSON files, by file name; raises ConfigError by file."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def comparisons(folder: Path) -> list[Told]:
    """The comparisons in a folder's JSON files, by file name; raises ConfigError by file."""
    return [_read(path, _COMPARED, "compare") for path in sorted(folder.glob("*.json"))]


def page(folder: Path) -> str:
    """The page as Markdown, of the evaluations in a folder beside it; raises ConfigError."""
    found = evaluations(folder)
    standard = [told for told in found if told["scene"] == STANDARD]
    lines = [_INTRO, "## All tasks", "", *section(standard)]
    if standard:
        lines += ["", f"![Success by task]({folder.name}/{PLOT})"]
    others = [told for told in found if told["scene"] != STANDARD]
    if others:
        lines += ["", "## Other scenes", "", *_beside(others)]
    asked = comparisons(folder / COMPARED)
    if asked:
        lines += ["", "## The paper's questions"]
    for told in asked:
        lines += ["", *report.section(told, "###")]
    return "\n".join(lines) + "\n"


def picture(folder: Path) -> str:
    """The plot that the page shows, as SVG."""
    standard = [told for told in evaluations(folder) if told["scene"] == STANDARD]
    return plot.svg(standard, paper.MT_OPT)


def _beside(found: Sequence[Told]) -> list[str]:
    """A row an evaluation, with the figures over its tasks."""
    figures = {
        "lift_any": "lift-any",
        "mean": "mean",
        "low_data_mean": "low data",
        "worst": "worst",
    }
    lines = [row(["evaluation", *figures.values()]), row(["---", *("---:" for _ in figures)])]
    for told in found:
        lines.append(row([name_of(told), *(number(told.get(name)) for name in figures)]))
    return lines


def _read(path: Path, needed: Sequence[str] = _NEEDED, command: str = "eval") -> Told:
    try:
        told: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), "evaluation", "", f"cannot be read: {error}") from error
    missing = [key for key in needed if not isinstance(told, dict) or key not in told]
    if missing:
        raise ConfigError(
            str(path), missing[0], None, f"must be what `mtopt {command} --out` writes"
        )
    if not told["complete"]:
        raise ConfigError(
            str(path), "complete", False, f"must be finished: `mtopt {command}` goes on"
        )
    return dict(told)
