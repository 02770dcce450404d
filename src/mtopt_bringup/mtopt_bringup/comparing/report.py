"""What a comparison found, as data and as a section of a page, the paper's figures beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mtopt_core.evaluation import Scores
from mtopt_core.share import Share, mean_interval
from mtopt_core.tasks import TaskRegistry

from ..evaluating.page import number, row

if TYPE_CHECKING:  # they need the learner, a page does not
    from .declared import Comparison, Variant

Told = Mapping[str, Any]
FIGURES = {"mean": "mean", "low_data_mean": "low-data mean", "min": "minimum"}
_DIGITS = 4


def summary(
    question: str,
    comparison: Comparison,
    registry: TaskRegistry,
    low_data: tuple[str, ...],
    results: Sequence[Told],
    complete: bool,
) -> dict[str, Any]:
    """Everything that was found, for JSON; `results` are what `Comparing.result` gives."""
    names = [variant.name for variant in comparison.variants]
    variants = []
    for variant in comparison.variants:
        runs = [one for one in results if one["variant"] == variant.name]
        if runs:
            variants.append(_variant(variant, registry, low_data, runs))
    return {
        "question": question,
        "title": comparison.title,
        "text": comparison.text,
        "source": comparison.source,
        "scene": comparison.scene,
        "grader": "truth",
        "steps": comparison.steps,
        "attempts": comparison.attempts,
        "seeds": sorted({one["seed"] for one in results}),
        "complete": complete,
        "asked": names,
        "variants": variants,
    }


def _variant(
    variant: Variant, registry: TaskRegistry, low_data: tuple[str, ...], runs: Sequence[Told]
) -> dict[str, Any]:
    """A column: shares over all seeds together, and each seed's figures."""
    pooled: dict[str, Share] = {}
    for one in runs:
        for task, share in one["shares"].items():
            pooled[task] = pooled.get(task, Share(0, 0)) + Share(share["right"], share["tries"])
    ordered = {task: pooled[task] for task in registry.names if task in pooled}
    figures = Scores(ordered, low_data).figures
    by_seed = {
        name: {str(one["seed"]): one["evaluation"][name] for one in runs}
        for name in FIGURES
        if all(name in one["evaluation"] for one in runs)
    }
    return {
        "name": variant.name,
        "text": variant.text,
        "episodes": runs[0]["episodes"],
        "steps": runs[0]["steps"],
        "train_s": round(sum(one["train"]["seconds"] for one in runs) / len(runs), 1),
        "tasks": {task: share.as_dict() for task, share in ordered.items()},
        "mean_interval": [round(bound, _DIGITS) for bound in mean_interval(ordered.values())],
        **{name: round(figures[name], _DIGITS) for name in FIGURES if name in figures},
        "by_seed": by_seed,
        "paper": dict(variant.paper),
    }


def section(told: Told, level: str = "##") -> list[str]:
    """As Markdown: figures of each variant, then its shares by task; the paper's in brackets."""
    paper = f" In square brackets {told['source']}." if told["source"] else ""
    unfinished = "" if told["complete"] else " **Not all of it is done.**"
    seeds = ", ".join(str(seed) for seed in told["seeds"])
    lines = [
        f"{level} {told['title']}", "", " ".join(told["text"].split()), "",
        f"`./mtopt compare {told['question']}`: {told['steps']} steps each, seed {seeds}, "
        f"{told['attempts']} attempts a task and seed in scene `{told['scene']}`, graded by "
        f"{told['grader']}; 95% intervals.{paper}{unfinished}", "",
    ]  # fmt: skip
    shown = {name: words for name, words in FIGURES.items() if _any(told, name)}
    lines.append(row(["variant", "episodes", "tasks", *shown.values(), "mean by seed"]))
    lines.append(row(["---", *("---:" for _ in range(len(shown) + 3))]))
    for one in told["variants"]:
        cells = [_figure(one, name) for name in shown]
        by_seed = ", ".join(f"{mean:.2f}" for mean in one["by_seed"].get("mean", {}).values())
        counts = str(one["episodes"]), str(len(one["tasks"]))
        lines.append(row([one["name"], *counts, *cells, by_seed]))
    lines += ["", *(f"- **{one['name']}**: {one['text']}" for one in told["variants"]), ""]
    names = [one["name"] for one in told["variants"]]
    lines += [row(["task", *names]), row(["---", *("---:" for _ in names)])]
    for task in dict.fromkeys(task for one in told["variants"] for task in one["tasks"]):
        lines.append(row([task, *(_cell(one, task) for one in told["variants"])]))
    return lines


def _any(told: Told, name: str) -> bool:
    return any(name in one or name in one["paper"] for one in told["variants"])


def _figure(one: Told, name: str) -> str:
    text = number(one.get(name))
    if name == "mean":
        low, high = one["mean_interval"]
        text += f" ({low:.2f} to {high:.2f})"
    return text + _paper(one, name)


def _cell(one: Told, task: str) -> str:
    share = one["tasks"].get(task)
    text = f"{share['share']:.2f} ({share['low']:.2f} to {share['high']:.2f})" if share else ""
    return (text + _paper(one, task)).strip()


def _paper(one: Told, name: str) -> str:
    return f" [{one['paper'][name]:.2f}]" if name in one["paper"] else ""
