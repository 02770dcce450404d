"""The registry: the paper's twelve tasks, their order, and mistaken files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mtopt_core.errors import ConfigError, UnknownTask
from mtopt_core.rules import ANY, CATEGORIES, Covered, Lifted, Placed
from mtopt_core.scene import Section
from mtopt_core.tasks import TaskRegistry

ENTRY = {"name": "a", "skill": "lift", "text": "Lift.", "success": {"rule": "lifted"}}


def entry(**changes: Any) -> dict[str, Any]:
    return {**ENTRY, **changes}


def refused(*entries: Any, **top: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        TaskRegistry.from_mapping({"tasks": list(entries), **top}, "tasks.yaml")
    assert str(caught.value).startswith("tasks.yaml: ")
    return caught.value


def test_the_papers_tasks_in_their_order(registry: TaskRegistry) -> None:
    lifts = ("any", "banana", "bottle", "sausage", "milk", "box", "can", "carrot")
    places = ("any", "bottom", "top-right", "top-left")
    expected = (*(f"lift-{what}" for what in lifts), *(f"place-{where}" for where in places))
    assert registry.names == expected
    assert len(registry) == 12
    assert [task.index for task in registry] == list(range(12))


def test_the_two_skills_and_their_siblings(registry: TaskRegistry) -> None:
    assert registry.skills == ("lift", "place")
    assert len(registry.of_skill("lift")) == 8
    assert len(registry.of_skill("place")) == 4
    assert registry.of_skill("fly") == ()


def test_each_task_has_the_rule_that_its_name_says(registry: TaskRegistry) -> None:
    for task in registry:
        skill, _, what = task.name.partition("-")
        assert task.skill == skill
        assert task.text
        if skill == "lift":
            assert isinstance(task.rule, Lifted)
            assert task.rule.category == what
        else:
            assert isinstance(task.rule, Placed)
            assert task.rule.section == what
    assert {t.rule.category for t in registry if isinstance(t.rule, Lifted)} == {ANY, *CATEGORIES}
    assert {t.rule.section for t in registry if isinstance(t.rule, Placed)} == {ANY, *Section}


def test_one_hot_codes_are_the_unit_vectors_in_order(registry: TaskRegistry) -> None:
    codes = np.array([registry.one_hot(task) for task in registry])
    assert codes.dtype == np.float32
    assert np.array_equal(codes, np.eye(12))


def test_names_find_their_tasks(registry: TaskRegistry) -> None:
    for task in registry:
        assert registry[task.name] is task


def test_an_unknown_name_is_told_the_known_ones(registry: TaskRegistry) -> None:
    with pytest.raises(UnknownTask, match=r"'lift-carot'.*lift-any.*lift-carrot.*place-top-left"):
        registry["lift-carot"]


def test_a_choice_keeps_the_registrys_order(registry: TaskRegistry) -> None:
    chosen = registry.only(("place-any", "lift-can"))
    assert [task.name for task in chosen] == ["lift-can", "place-any"]
    assert registry.only(()) == registry.tasks
    with pytest.raises(UnknownTask):
        registry.only(("lift-can", "lift-tiger"))


@pytest.mark.parametrize("tasks", [None, [], {}, "lift-any", 5])
def test_a_file_without_tasks_is_refused(tasks: Any) -> None:
    with pytest.raises(ConfigError, match="at least one task"):
        TaskRegistry.from_mapping({"tasks": tasks}, "tasks.yaml")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("lift-any", "tasks[1]"),
        (None, "tasks[1]"),
        (entry(name=""), "tasks[1].name"),
        (entry(name=3), "tasks[1].name"),
        (entry(skill=None), "tasks[1].skill"),
        (entry(text=["x"]), "tasks[1].text"),
        (entry(sucess={}), "tasks[1].sucess"),
        (entry(name="a"), "tasks"),
        (entry(name="b", success=None), "success"),
        (entry(name="b", success="lifted"), "success"),
        (entry(name="b", success={}), "success"),
        (entry(name="b", success={"rule": "thrown"}), "success"),
        (entry(name="b", success={"rule": ["lifted"]}), "success"),
        (entry(name="b", success={"rule": "lifted", "category": "tiger"}), "category"),
        (entry(name="b", success={"rule": "lifted", "section": "bottom"}), "section"),
        (entry(name="b", success={"rule": "lifted", "height_m": -1}), "height_m"),
        (entry(name="b", success={"rule": "placed", "section": "middle"}), "section"),
    ],
)
def test_a_mistake_is_refused_by_its_field(bad: Any, field: str) -> None:
    assert refused(ENTRY, bad).field == field


def test_a_bad_rule_names_its_task() -> None:
    error = refused(ENTRY, entry(name="b", success={"rule": "lifted", "category": "tiger"}))
    assert "tasks[1] b" in str(error)
    assert "banana" in error.allowed


def test_a_name_that_stands_twice_is_named() -> None:
    assert refused(ENTRY, entry(name="b"), ENTRY).value == "a"


def test_an_unknown_key_beside_the_tasks_is_refused() -> None:
    assert refused(ENTRY, task=[]).field == "task"


# -- tasks that are learned later


@pytest.fixture(scope="module")
def extended() -> TaskRegistry:
    path = Path(__file__).resolve().parents[2] / "config" / "tasks-extended.yaml"
    return TaskRegistry.from_mapping(yaml.safe_load(path.read_text()), "tasks-extended.yaml")


def test_the_extended_registry_begins_with_the_twelve(
    registry: TaskRegistry, extended: TaskRegistry
) -> None:
    assert extended.tasks[:12] == registry.tasks
    assert extended.names[12:] == ("lift-cloth", "cover-object", "lift-transparent-bottle")
    for task in registry:
        assert np.array_equal(extended.one_hot(task)[:12], registry.one_hot(task))
        assert not extended.one_hot(task)[12:].any()


def test_the_later_tasks_rules(extended: TaskRegistry) -> None:
    assert extended["lift-cloth"].rule == Lifted("cloth")
    assert extended["cover-object"].rule == Covered()
    assert extended["lift-transparent-bottle"].rule == Lifted("transparent_bottle")


@pytest.mark.parametrize(
    ("categories", "field"),
    [
        (["can"], "categories[0]"),
        (["any"], "categories[0]"),
        (["a", "a"], "categories[1]"),
        ([3], "categories[0]"),
        ("cloth", "categories"),
    ],
)
def test_a_wrong_category_list_is_refused(categories: Any, field: str) -> None:
    assert refused(ENTRY, categories=categories).field == field


def test_a_category_is_known_where_the_file_adds_it() -> None:
    lift = entry(success={"rule": "lifted", "category": "cloth"})
    assert refused(lift).field == "category"
    made = TaskRegistry.from_mapping({"categories": ["cloth"], "tasks": [lift]}, "tasks.yaml")
    assert made["a"].rule == Lifted("cloth")
