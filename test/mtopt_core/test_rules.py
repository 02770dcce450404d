"""When a task has succeeded, on scenes laid out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from mtopt_core.geometry import Point, pose_tool_down, rotation_z, transform
from mtopt_core.rules import CATEGORIES, Covered, Lifted, Placed
from mtopt_core.scene import ObjectTruth, PlateTruth, SceneTruth, Section
from mtopt_core.success import grade_truth
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace

PLATE_M = np.array([0.58, 0.16, 0.02])

# Points of the plate's own frame (x, y) and the section they lie in.
SPOTS = {
    Section.BOTTOM: (0.0, -0.06),
    Section.TOP_RIGHT: (0.05, 0.05),
    Section.TOP_LEFT: (-0.05, 0.05),
}


def thing(
    position_m: Sequence[float] | Point, category: str = "can", held: bool = False, name: str = "x"
) -> ObjectTruth:
    return ObjectTruth(name, category, np.asarray(position_m, dtype=np.float64), held)


def plate(yaw_rad: float = 0.0) -> PlateTruth:
    return PlateTruth(transform(rotation_z(yaw_rad), PLATE_M), radius_m=0.11)


def scene(*objects: ObjectTruth, on: PlateTruth | None = None) -> SceneTruth:
    return SceneTruth(0, objects, on, pose_tool_down(np.array([0.58, 0.0, 0.25]), 0.0), False)


def on_plate(spot: tuple[float, float], height_m: float, yaw_rad: float = 0.0) -> np.ndarray:
    inside = np.array([*spot, height_m, 1.0])
    point = plate(yaw_rad).T_base_plate @ inside
    return np.asarray(point[:3])


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_lifted_object_is_any_object_and_its_own_kind(
    category: str, workspace: Workspace, registry: TaskRegistry
) -> None:
    seen = scene(thing([0.58, -0.1, 0.2], category, held=True), thing([0.5, -0.1, 0.03], "box"))
    grade = grade_truth(registry, seen, workspace)
    assert [name for name, good in grade.items() if good] == ["lift-any", f"lift-{category}"]
    assert tuple(grade) == registry.names


def test_height_is_measured_from_the_bin_floor(workspace: Workspace) -> None:
    rule, floor_m = Lifted(height_m=0.10), workspace.bins.floor_z_m
    high, low = [0.58, -0.1, floor_m + 0.101], [0.58, -0.1, floor_m + 0.099]
    assert rule.succeeded(scene(thing(high, held=True)), workspace)
    assert not rule.succeeded(scene(thing(low, held=True)), workspace)


def test_an_object_in_the_air_that_is_not_held_is_not_lifted(workspace: Workspace) -> None:
    assert not Lifted().succeeded(scene(thing([0.58, -0.1, 0.3])), workspace)
    assert not Lifted().succeeded(scene(), workspace)


def test_two_held_objects_are_no_lift_of_either(workspace: Workspace) -> None:
    both = scene(
        thing([0.58, -0.1, 0.3], "can", held=True, name="a"),
        thing([0.58, -0.1, 0.3], "box", held=True, name="b"),
    )
    assert not Lifted("any").succeeded(both, workspace)
    assert not Lifted("can").succeeded(both, workspace)


@pytest.mark.parametrize("yaw_rad", [0.0, 0.7, math.pi, -2.0])
@pytest.mark.parametrize("section", list(Section))
def test_a_placed_object_is_in_its_section_however_the_plate_lies(
    section: Section, yaw_rad: float, workspace: Workspace, registry: TaskRegistry
) -> None:
    seen = scene(thing(on_plate(SPOTS[section], 0.03, yaw_rad)), on=plate(yaw_rad))
    grade = grade_truth(registry, seen, workspace)
    assert [name for name, good in grade.items() if good] == ["place-any", f"place-{section}"]


def test_beside_over_or_under_the_plate_is_not_on_it(workspace: Workspace) -> None:
    for spot, height_m in (((0.0, -0.12), 0.03), ((0.0, -0.06), 0.07), ((0.0, -0.06), -0.01)):
        seen = scene(thing(on_plate(spot, height_m)), on=plate())
        assert not Placed().succeeded(seen, workspace)


def test_nothing_is_placed_while_something_is_held_or_without_a_plate(
    workspace: Workspace,
) -> None:
    resting = thing(on_plate(SPOTS[Section.BOTTOM], 0.03))
    holding = thing([0.58, 0.0, 0.25], held=True, name="y")
    assert Placed().succeeded(scene(resting, on=plate()), workspace)
    assert not Placed().succeeded(scene(resting, holding, on=plate()), workspace)
    assert not Placed().succeeded(scene(resting), workspace)


def test_one_object_of_many_on_the_plate_is_enough(workspace: Workspace) -> None:
    seen = scene(
        thing([0.58, -0.1, 0.03], name="a"),
        thing(on_plate(SPOTS[Section.TOP_LEFT], 0.03), name="b"),
        on=plate(),
    )
    assert Placed("top-left").succeeded(seen, workspace)
    assert not Placed("bottom").succeeded(seen, workspace)


def under(share: float, category: str = "can") -> ObjectTruth:
    return ObjectTruth("x", category, np.array([0.58, -0.1, 0.03]), False, share)


def test_a_covered_object_lies_under_the_cloth_by_its_share(workspace: Workspace) -> None:
    assert Covered(share=0.7).succeeded(scene(under(0.71)), workspace)
    assert not Covered(share=0.7).succeeded(scene(under(0.69)), workspace)
    assert not Covered().succeeded(scene(), workspace)


def test_what_is_covered_is_of_the_category(workspace: Workspace) -> None:
    seen = scene(under(1.0, "box"), under(0.0, "can"))
    assert Covered("box").succeeded(seen, workspace)
    assert not Covered("can").succeeded(seen, workspace)


def test_nothing_is_covered_while_something_is_held(workspace: Workspace) -> None:
    cloth = thing([0.58, -0.1, 0.1], "cloth", held=True)
    assert not Covered().succeeded(scene(under(1.0), cloth), workspace)


def test_the_sections_share_the_plate_without_gap_or_overlap() -> None:
    laid = plate(0.4)
    areas = dict.fromkeys(Section, 0)
    for x, y in np.random.default_rng(0).uniform(-0.13, 0.13, size=(4000, 2)):
        section = laid.section_at(on_plate((x, y), 0.0, 0.4))
        assert (section is None) == (math.hypot(x, y) > 0.11)
        if section is not None:
            areas[section] += 1
    total = sum(areas.values())
    assert areas[Section.BOTTOM] / total == pytest.approx(0.5, abs=0.05)
    assert areas[Section.TOP_RIGHT] / total == pytest.approx(0.25, abs=0.05)


def test_height_over_the_plate_is_along_its_own_normal() -> None:
    assert plate(1.0).height_over(on_plate((0.03, 0.04), 0.025, 1.0)) == pytest.approx(0.025)


def test_a_scene_knows_what_is_held() -> None:
    held = thing([0.5, 0.0, 0.2], held=True, name="a")
    assert scene(held, thing([0.5, 0.0, 0.02], name="b")).held == (held,)
