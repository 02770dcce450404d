"""A page of results in Markdown with a plot: evaluations beside each other and beside the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import paper, plot
from .report import FIGURE_WORDS

Told = Mapping[str, Any]  # what Report.as_dict gives


def write(path: Path, evaluations: Sequence[Told], title: str = "Evaluation") -> None:
    """The page, and beside it the plot as `<name>.svg`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = path.with_suffix(".svg")
    picture.write_text(plot.svg(evaluations, paper.MT_OPT), encoding="utf-8")
    lines = [f"# {title}", "", *section(evaluations), "", f"![Success by task]({picture.name})"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def section(evaluations: Sequence[Told]) -> list[str]:
    """Tables of success and of chains; only what was measured, blank where it was not."""
    names = _tasks(evaluations)
    head = ["task", "the paper", *(name_of(told) for told in evaluations)]
    lines = [row(head), row(["---", *("---:" for _ in head[1:])])]
    for task in names:
        lines.append(row([task, number(paper.MT_OPT.get(task)), *_cells(evaluations, task)]))
    for name, words in FIGURE_WORDS.items():
        if name == "worst":
            continue
        cells = [number(told.get(name)) for told in evaluations]
        lines.append(row([f"*{words}*", number(paper.FIGURES.get(name)), *cells]))
    lines += ["", *_attempts(evaluations)]
    return lines + _chains(evaluations)


def _tasks(evaluations: Sequence[Told]) -> list[str]:
    names = list(paper.MT_OPT)
    for told in evaluations:
        names += [task for task in told["tasks"] if task not in names]
    return names


def _cells(evaluations: Sequence[Told], task: str) -> list[str]:
    cells = []
    for told in evaluations:
        if task not in told["tasks"]:
            cells.append("")
            continue
        low, high = told["intervals"][task]
        cells.append(f"{told['tasks'][task]:.2f} ({low:.2f} to {high:.2f})")
    return cells


def _attempts(evaluations: Sequence[Told]) -> list[str]:
    """Where each column was measured, and how often."""
    lines = []
    for told in evaluations:
        tries = sorted(set(told["tried"].values()))
        often = " to ".join(str(n) for n in dict.fromkeys((tries[0], tries[-1]))) if tries else "no"
        line = (
            f"- {name_of(told)}: scene `{told['scene']}`, {often} attempts a task, graded by "
            f"{told['grader']}."
        )
        if "detector" in told:
            rates = told["detector"]
            line += (
                f" The detector beside it: {number(rates['success']['share'])} succeed, "
                f"false positives {number(rates['false_positives']['share'])}, false negatives "
                f"{number(rates['false_negatives']['share'])}."
            )
        lines.append(line)
    return lines


def _chains(evaluations: Sequence[Told]) -> list[str]:
    told = [one for one in evaluations if "chains" in one]
    if not told:
        return []
    lengths = sorted({int(n) for one in told for n in one["chains"]})
    head = ["tasks in a row, no reset", *(name_of(one) for one in told)]
    lines = ["", row(head), row(["---", *("---:" for _ in told)])]
    for length in lengths:
        shares = [one["chains"].get(str(length)) for one in told]
        lines.append(row([str(length), *(_share(share) for share in shares)]))
    return lines


def _share(share: Told | None) -> str:
    if not share or share["share"] is None:
        return ""
    return f"{share['share']:.2f} ({share['low']:.2f} to {share['high']:.2f})"


def name_of(told: Told) -> str:
    """What an evaluation is called in a table."""
    scene = "" if told["scene"] == "standard" else f", {told['scene']}"
    return f"{told['model']}{scene}"


def number(value: Any) -> str:
    """A share with two digits, blank for none."""
    return "" if value is None else f"{value:.2f}"


def row(cells: Sequence[str]) -> str:
    """A line of a table."""
    return "| " + " | ".join(cells) + " |"
