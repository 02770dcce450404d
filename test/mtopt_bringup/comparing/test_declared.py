"""Comparisons as they are declared: the committed ones, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtopt_bringup.comparing.declared import (
    Comparison,
    Variant,
    laid_over,
    questions,
    read_comparison,
    settings_of,
)  # fmt: skip
from mtopt_bringup.evaluating import paper
from mtopt_core.errors import ConfigError, UnknownTask
from mtopt_core.tasks import TaskRegistry
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml
from mtopt_learner.replay.cache import Kept

CONFIG = Path(__file__).resolve().parents[3] / "config"


def read(path: Path) -> tuple[Comparison, TaskRegistry]:
    return read_comparison(path, lambda name: config_files.tasks(CONFIG / name))


def committed(name: str) -> tuple[Comparison, TaskRegistry]:
    return read(CONFIG / "compare" / f"{name}.yaml")


def test_every_question_of_the_paper_is_there() -> None:
    assert questions(CONFIG) == ["adaptation", "few-episodes", "heads", "strategies", "two-tasks"]


@pytest.mark.parametrize("name", questions(CONFIG))
def test_committed_comparisons_are_fair(name: str) -> None:
    comparison, registry = committed(name)
    base = read_yaml(CONFIG / "learn.yaml")
    steps = set()
    for variant in comparison.variants:
        config = settings_of(variant, base, name, seed=7)
        assert (
            config.seed == 7
            and config.view.key == settings_of(comparison.variants[0], base, name, 1).view.key
        ), "decoded once for all"
        before = comparison.steps_of(comparison[variant.begin]) if variant.begin else 0
        if variant.name not in {one.begin for one in comparison.variants}:
            steps.add(before + comparison.steps_of(variant))
    assert steps == {comparison.steps}, "each has as many steps"
    assert comparison.title and comparison.text and len(registry) >= 12
    assert bool(comparison.source) is any(variant.paper for variant in comparison.variants)


def test_the_papers_table_is_the_papers() -> None:
    comparison, registry = committed("strategies")
    low = read_yaml(CONFIG / "eval.yaml")["low_data"]
    for variant in comparison.variants:
        shares = {task: variant.paper[task] for task in registry.names}
        assert np.mean(list(shares.values())) == pytest.approx(variant.paper["mean"], abs=0.01)
        assert min(shares.values()) == variant.paper["min"]
        few = np.mean([shares[task] for task in low])
        assert few == pytest.approx(variant.paper["low_data_mean"], abs=0.02)
    assert {task: variant.paper[task] for task in registry.names} == dict(paper.MT_OPT)


def test_strategies_are_told_apart_by_what_is_lent_and_how() -> None:
    comparison, _ = committed("strategies")
    base = read_yaml(CONFIG / "learn.yaml")
    ways = [settings_of(one, base, "x", 1).sampling for one in comparison.variants]
    known = [(one.impersonation, one.lend_failures, one.rebalancing) for one in ways]
    assert known == [
        ("orig", 1.0, "uniform"), ("orig", 1.0, "balanced"), ("all", 1.0, "uniform"),
        ("all", 1.0, "balanced"), ("skill", 0.15, "balanced"), ("skill", 1.0, "uniform"),
        ("skill", 1.0, "balanced"),
    ]  # fmt: skip


def episode(number: int, task: str, **success: bool) -> Kept:
    graded = {name.replace("_", "-"): good for name, good in success.items()}
    return Kept(f"e{number}", task, "terminated", "truth", graded, number, 1)


EPISODES = [
    episode(0, "lift-any", lift_sausage=False),
    episode(1, "lift-any", lift_sausage=True),
    *(episode(number, "lift-sausage", lift_sausage=False) for number in range(2, 12)),
]


def ids(variant: Variant, episodes: list[Kept] = EPISODES) -> list[str]:
    return [each.episode_id for each in variant.chosen(episodes)]


def test_which_episodes_a_variant_learns_from() -> None:
    everything = [each.episode_id for each in EPISODES]
    assert ids(Variant("a")) == everything
    assert ids(Variant("a", collected=("lift-any",))) == ["e0", "e1"]
    own = Variant("a", collected=("lift-sausage",), succeeded=("lift-sausage",))
    assert ids(own) == everything[1:]
    few, more = (Variant("a", most={"lift-sausage": n}) for n in (3, 6))
    assert ids(few)[:2] == ["e0", "e1"] and len(ids(few)) == 5
    assert set(ids(few)) < set(ids(more)), "more of them are the same and others"
    assert ids(few, EPISODES[::-1]) == ids(few)[::-1], "whatever their order"
    assert set(ids(few)[2:]).isdisjoint(sorted(everything)[2:5]), "nor the first that were there"


def test_sections_are_laid_over_field_by_field() -> None:
    base = {"a": 1, "b": {"c": 2, "d": {"e": 3, "f": 4}}}
    assert laid_over(base, {"b": {"d": {"e": 5}}, "g": {"h": 6}}) == {
        "a": 1, "b": {"c": 2, "d": {"e": 5, "f": 4}}, "g": {"h": 6},
    }  # fmt: skip
    assert base["b"] == {"c": 2, "d": {"e": 3, "f": 4}}


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("variants: []", ConfigError, "must be some"),
        ("variants: [{name: a}, {name: a}]", ConfigError, "once"),
        ("variants: [{name: a/b}]", ConfigError, "short name"),
        ("variants: [{name: a, begin: b}, {name: b}]", ConfigError, "a variant before it"),
        ("variants: [{name: a, tasks: [lift-moon]}]", UnknownTask, "lift-moon"),
        ("variants: [{name: a, paper: {lift-moon: 1}}]", UnknownTask, "lift-moon"),
        ("variants: [{name: a, most: {lift-any: x}}]", ConfigError, "most.lift-any"),
        ("tasks: [lift-moon]\nvariants: [{name: a}]", UnknownTask, "lift-moon"),
        ("variants: [{name: a, speed: 3}]", ConfigError, "no such field"),
        ("variants: [{name: a, share: 2}]", ConfigError, "at most 1"),
    ],
)
def test_what_is_no_comparison_is_named(
    tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(error, match=said):
        read(path)


def test_a_setting_that_is_none_is_named_with_its_variant() -> None:
    with pytest.raises(ConfigError, match=r"x: fast: training: .*speed"):
        settings_of(Variant("fast", learn={"training": {"speed": 9}}), {}, "x", 1)
