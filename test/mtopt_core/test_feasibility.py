"""Grades that a scene can have: derived from rules, applied once, true to the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.errors import CoreError
from mtopt_core.feasibility import Feasibility, deduced, excludes, implies
from mtopt_core.geometry import pose_tool_down, rotation_z, transform
from mtopt_core.rules import ANY, CATEGORIES, Covered, Lifted, Placed, Rule
from mtopt_core.scene import ObjectTruth, PlateTruth, SceneTruth, Section
from mtopt_core.success import grade_truth
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace

PLATE = PlateTruth(transform(rotation_z(0.4), np.array([0.58, 0.16, 0.02])), radius_m=0.11)
HALF = np.float32(0.5)

categories = st.sampled_from((ANY, *CATEGORIES[:3]))
sections = st.sampled_from((ANY, *(section.value for section in Section)))
rules = st.one_of(
    st.builds(Lifted, category=categories, height_m=st.sampled_from((0.05, 0.10, 0.20))),
    st.builds(Placed, section=sections, height_m=st.sampled_from((0.03, 0.06))),
    st.builds(Covered, category=categories, share=st.sampled_from((0.3, 0.7))),
)
registries = st.lists(rules, min_size=1, max_size=10).map(
    lambda found: tuple(Task(f"t{i}", "any", "", rule, i) for i, rule in enumerate(found))
)


@st.composite
def scenes(draw: st.DrawFn) -> SceneTruth:
    """Up to four things: in the air, on the plate, under a cloth; at most two are held."""
    things = []
    for index in range(draw(st.integers(0, 4))):
        x, y = draw(st.sampled_from(((0.0, -0.06), (0.05, 0.05), (-0.05, 0.05), (0.3, 0.3))))
        z = draw(st.sampled_from((0.01, 0.04, 0.08, 0.15, 0.3)))
        position_m = (PLATE.T_base_plate @ np.array([x, y, z, 1.0]))[:3]
        held = index < 2 and draw(st.booleans())
        category = draw(st.sampled_from((*CATEGORIES[:3], "shoe")))
        covered = draw(st.sampled_from((0.0, 0.5, 1.0)))
        things.append(ObjectTruth(f"x{index}", category, position_m, held, covered))
    tool = pose_tool_down(np.array([0.58, 0.0, 0.25]), 0.0)
    return SceneTruth(0, tuple(things), draw(st.sampled_from((None, PLATE))), tool, False)


def chances(count: int) -> st.SearchStrategy:
    one = st.floats(0.0, 1.0, width=32)
    return st.lists(one, min_size=count, max_size=count).map(np.float32)


def drawn(data: st.DataObject, tasks: tuple[Task, ...]) -> tuple[np.ndarray, np.ndarray]:
    bar = st.floats(0.0625, 0.9375, width=32)
    bars = data.draw(st.lists(bar, min_size=len(tasks), max_size=len(tasks)).map(np.float32))
    return data.draw(chances(len(tasks))), bars


@given(scenes(), registries)
def test_what_is_true_of_a_scene_is_feasible_and_stays_as_it_is(
    workspace: Workspace, scene: SceneTruth, tasks: tuple[Task, ...]
) -> None:
    truth = np.array(list(grade_truth(tasks, scene, workspace).values()))
    known = Feasibility.of(tasks)
    assert known.holds(truth)
    chance, verdicts = known.settle(truth.astype(np.float32), np.full(len(tasks), HALF))
    assert np.array_equal(verdicts, truth)
    assert np.array_equal(chance, truth.astype(np.float32))


@given(st.data(), registries)
def test_whatever_goes_in_a_feasible_grade_comes_out_and_comes_out_again(
    data: st.DataObject, tasks: tuple[Task, ...]
) -> None:
    known, (chance, bars) = Feasibility.of(tasks), drawn(data, tasks)
    once, verdicts = known.settle(chance, bars)
    assert known.holds(verdicts)
    assert np.array_equal(verdicts, once >= bars)
    again, same = known.settle(once, bars)
    assert np.array_equal(again, once) and np.array_equal(same, verdicts)


@given(st.data(), registries)
def test_the_most_certain_verdict_stands_and_feasible_ones_are_not_touched(
    data: st.DataObject, tasks: tuple[Task, ...]
) -> None:
    known, (chance, bars) = Feasibility.of(tasks), drawn(data, tasks)
    settled, verdicts = known.settle(chance, bars)
    margins = [abs(_odds(p) - _odds(bar)) for p, bar in zip(chance, bars, strict=True)]
    surest = int(np.argmax(margins))
    assert verdicts[surest] == (chance[surest] >= bars[surest])
    if known.holds(chance >= bars):
        assert np.array_equal(settled, chance)


def test_the_papers_lifts_and_places(registry: TaskRegistry) -> None:
    names, known = registry.names, Feasibility.of(tuple(registry))
    assert relation(known.implies, names) == {
        *((name, name) for name in names),
        *((name, "lift-any") for name in names if name.startswith("lift-")),
        *((name, "place-any") for name in names if name.startswith("place-")),
    }
    lifts = [name for name in names if name.startswith("lift-")]
    places = [name for name in names if name.startswith("place-")]
    for one in lifts:
        for other in names:
            clash = other in places or ("lift-any" not in (one, other) and one != other)
            assert ((one, other) in relation(known.excludes, names)) == clash
    assert not any(known.excludes[registry[a].index, registry[b].index] for a in places
                   for b in places)  # fmt: skip


def test_a_lifted_carrot_is_a_success_of_lift_any_and_of_no_other_lift(
    registry: TaskRegistry,
) -> None:
    chance = np.full(len(registry), 0.1, dtype=np.float32)
    chance[registry["lift-carrot"].index] = 0.97
    chance[registry["lift-sausage"].index] = 0.6
    chance[registry["lift-any"].index] = 0.3
    chance[registry["place-any"].index] = 0.7
    settled, verdicts = Feasibility.of(tuple(registry)).settle(chance, np.full(12, HALF))
    assert [registry.names[i] for i in np.flatnonzero(verdicts)] == ["lift-any", "lift-carrot"]
    assert settled[registry["lift-any"].index] == HALF
    assert settled[registry["lift-sausage"].index] == np.nextafter(HALF, np.float32(0))
    assert settled[registry["lift-carrot"].index] == np.float32(0.97)


def test_a_sure_nothing_overrules_a_doubtful_something(registry: TaskRegistry) -> None:
    chance = np.full(len(registry), 0.1, dtype=np.float32)
    chance[registry["lift-any"].index] = 0.001
    chance[registry["lift-carrot"].index] = 0.55
    _, verdicts = Feasibility.of(tuple(registry)).settle(chance, np.full(12, HALF))
    assert not verdicts.any()


@given(rules, rules, scenes())
def test_relations_of_two_rules_hold_in_every_scene(
    workspace: Workspace, a: Rule, b: Rule, scene: SceneTruth
) -> None:
    yes_a, yes_b = a.succeeded(scene, workspace), b.succeeded(scene, workspace)
    if implies(a, b):
        assert yes_b or not yes_a
    if excludes(a, b):
        assert not (yes_a and yes_b)
    assert excludes(a, b) == excludes(b, a)


@pytest.mark.parametrize(
    ("rule", "weaker"),
    [
        (Lifted("can", 0.2), Lifted("can", 0.1)),
        (Lifted("can"), Lifted(ANY)),
        (Placed("bottom", 0.03), Placed("bottom", 0.06)),
        (Placed("bottom"), Placed(ANY)),
        (Covered("can", 0.9), Covered("can", 0.7)),
        (Covered("can"), Covered(ANY)),
    ],
)
def test_a_stricter_rule_implies_the_weaker_and_not_the_other_way(rule: Rule, weaker: Rule) -> None:
    assert implies(rule, weaker) and not implies(weaker, rule)


@pytest.mark.parametrize("bad", [[0.5], [0.5, math.nan], [0.5, 1.5], [-0.1, 0.5]])
def test_what_is_no_probability_is_refused(bad: list[float]) -> None:
    tasks = tuple(Task(f"t{i}", "s", "", Lifted(), i) for i in range(2))
    with pytest.raises(CoreError, match="2 probabilities of 0 to 1"):
        Feasibility.of(tasks).settle(np.float32(bad), np.full(2, HALF))


def relation(matrix: np.ndarray, names: tuple[str, ...]) -> set[tuple[str, str]]:
    return {(names[i], names[j]) for i, j in np.argwhere(matrix)}


def _odds(p: np.floating) -> float:
    inside = min(max(float(p), 1e-9), 1.0 - 1e-9)
    return math.log(inside) - math.log1p(-inside)


@given(st.data(), registries)
def test_labels_are_completed_to_what_every_such_scene_has(
    workspace: Workspace, data: st.DataObject, tasks: tuple[Task, ...]
) -> None:
    """Some verdicts of a true scene are said: what follows is true, and what was said stays."""
    feasibility, scene = Feasibility.of(tasks), data.draw(scenes())
    true = np.array(list(grade_truth(tasks, scene, workspace).values()))
    known = np.array(data.draw(st.lists(st.booleans(), min_size=len(tasks), max_size=len(tasks))))
    said = np.where(known, true, -1).astype(np.int8)
    full = feasibility.complete(said)
    assert (full[known] == true[known]).all()
    assert (full[full >= 0] == true[full >= 0]).all()
    assert (feasibility.complete(full) == full).all()


def test_labels_that_no_scene_can_have_are_refused() -> None:
    tasks = tuple(
        Task(str(i), "lift", "", rule, i)
        for i, rule in enumerate((Lifted(), Lifted("carrot"), Lifted("milk")))
    )
    feasibility = Feasibility.of(tasks)
    assert feasibility.complete(np.array([-1, 1, -1], np.int8)).tolist() == [1, 1, 0]
    assert feasibility.complete(np.array([0, -1, -1], np.int8)).tolist() == [0, 0, 0]
    for wrong in ([0, 1, -1], [-1, 1, 1], [2, 0, 0], [0, 0]):
        with pytest.raises(CoreError):
            feasibility.complete(np.array(wrong, np.int8))


def test_other_grades_tell_of_a_new_rule(registry: TaskRegistry) -> None:
    tomato, high = Lifted("tomato"), Lifted("can", 0.2)
    assert deduced(tomato, registry, {"lift-any": False}) is False
    assert deduced(tomato, registry, {"lift-any": True, "lift-can": True}) is False
    assert deduced(tomato, registry, {"lift-any": True, "lift-can": False}) is None
    assert deduced(Lifted(), registry, {"lift-can": True}) is True
    assert deduced(high, registry, {"lift-can": True}) is None, "lifted, but how high"
    assert deduced(high, registry, {"lift-can": False}) is False
    assert deduced(Placed(), registry, {"lift-any": True}) is False
    assert deduced(tomato, registry, {}) is None
