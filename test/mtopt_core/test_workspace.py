"""The cell's geometry: what the file means and which files are refused."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from mtopt_core.errors import ConfigError
from mtopt_core.workspace import Bin, ToolBox, Workspace

GOOD: dict[str, Any] = {
    "bins": {"floor_z_m": 0.02, "inner_size_m": [0.36, 0.28, 0.10]},
    "tool_box_m": {"min": [0.40, -0.31, 0.025], "max": [0.76, 0.31, 0.40]},
    "hover_z_m": 0.25,
    "home_q_rad": [0, 0.57, 0, -1.49, 0, 1.08, 0],
}


def changed(**entries: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), **entries}


def refused(values: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Workspace.from_mapping(values, "workspace.yaml")
    assert str(caught.value).startswith("workspace.yaml")
    return caught.value


def test_the_projects_own_file_is_sound(workspace: Workspace) -> None:
    bins, box = workspace.bins, workspace.tool_box
    assert workspace.hover_z_m > bins.rim_z_m > bins.floor_z_m
    for which in Bin:
        center_m = bins.center_m(which) + np.array([0.0, 0.0, 0.05])
        assert bins.holds(which, center_m)
        assert box.contains(center_m)
    assert bins.left_center_m[1] == -bins.right_center_m[1] > 0.0
    assert len(workspace.home_q_rad) == 7


def test_a_short_file_takes_the_defaults() -> None:
    made = Workspace.from_mapping(GOOD, "workspace.yaml")
    assert made.bins.left_tip_rad == 2.6
    assert made.home_q_rad[3] == -1.49


@pytest.mark.parametrize("key", sorted(GOOD))
def test_each_entry_is_needed(key: str) -> None:
    values = copy.deepcopy(GOOD)
    del values[key]
    error = refused(values)
    assert (error.field, error.allowed) == (key, "is missing")


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"binz": {}}, "binz"),
        ({"bins": 3}, "BinGeometry"),
        ({"bins": {"floor_m": 0.0}}, "floor_m"),
        ({"bins": {"wall_m": 1.0}}, "wall_m"),
        ({"tool_box_m": [1, 2]}, "tool_box_m"),
        ({"tool_box_m": {"min": [0, 0, 0]}}, "tool_box_m"),
        ({"tool_box_m": {"min": [0, 0, 0], "max": [1, 1, 1], "mid": 0}}, "tool_box_m"),
        ({"tool_box_m": {"min": [0, 0, "x"], "max": [1, 1, 1]}}, "min_m[2]"),
        ({"tool_box_m": {"min": [0.8, -0.3, 0.0], "max": [0.7, 0.3, 0.4]}}, "tool_box_m"),
        ({"hover_z_m": "high"}, "hover_z_m"),
        ({"hover_z_m": float("nan")}, "hover_z_m"),
        ({"hover_z_m": 0.11}, "hover_z_m"),
        ({"hover_z_m": 0.5}, "hover_z_m"),
        ({"home_q_rad": [0, 0, 0]}, "home_q_rad"),
        ({"home_q_rad": 0.0}, "home_q_rad"),
        ({"home_q_rad": [0, 0, 0, "x", 0, 0, 0]}, "home_q_rad[3]"),
        ({"home_q_rad": [0, 0, 0, 57.0, 0, 0, 0]}, "home_q_rad[3]"),
    ],
)
def test_a_mistake_is_refused_by_its_field(entries: dict[str, Any], field: str) -> None:
    assert refused(changed(**entries)).field == field


def test_a_bin_holds_what_is_between_its_walls(workspace: Workspace) -> None:
    bins = workspace.bins
    center_m = bins.center_m(Bin.LEFT)
    half_x, half_y = bins.inner_size_m[0] / 2.0, bins.inner_size_m[1] / 2.0
    inside = center_m + np.array([half_x - 0.001, half_y - 0.001, 0.3])
    assert bins.holds(Bin.LEFT, inside)
    assert not bins.holds(Bin.LEFT, inside, margin_m=0.01)
    assert not bins.holds(Bin.RIGHT, inside)
    assert not bins.holds(Bin.LEFT, center_m + np.array([half_x + 0.001, 0.0, 0.0]))
    assert not bins.holds(Bin.LEFT, center_m + np.array([0.0, half_y + 0.001, 0.0]))
    assert not bins.holds(Bin.LEFT, center_m - np.array([0.0, 0.0, 0.05]))


def test_no_point_is_in_both_bins(workspace: Workspace) -> None:
    points = np.random.default_rng(0).uniform([0.3, -0.4, 0.0], [0.9, 0.4, 0.3], size=(500, 3))
    held = [[workspace.bins.holds(which, point) for which in Bin] for point in points]
    assert not any(left and right for left, right in held)
    assert any(left for left, _ in held)
    assert any(right for _, right in held)


def test_clipping_is_the_nearest_point_and_is_done_once(workspace: Workspace) -> None:
    box = workspace.tool_box
    for point in np.random.default_rng(1).uniform(-1.0, 1.5, size=(200, 3)):
        clipped = box.clip(point)
        assert box.contains(clipped)
        assert np.array_equal(box.clip(clipped), clipped)
        assert box.contains(point) == np.array_equal(clipped, point)


def test_the_box_does_not_hold_what_is_not_a_number() -> None:
    assert not ToolBox().contains(np.array([np.nan, 0.0, 0.1]))


def test_hover_points_are_over_their_bin_at_hover_height(workspace: Workspace) -> None:
    for which in Bin:
        rng = np.random.default_rng(2)
        points = np.array([workspace.hover_point(which, rng, 0.05) for _ in range(200)])
        assert all(workspace.bins.holds(which, point, 0.049) for point in points)
        assert all(workspace.tool_box.contains(point) for point in points)
        assert np.all(points[:, 2] == workspace.hover_z_m)
        assert np.all(np.ptp(points[:, :2], axis=0) > 0.1)


def test_a_bin_narrower_than_the_margin_is_hovered_over_in_its_middle(
    workspace: Workspace,
) -> None:
    point = workspace.hover_point(Bin.LEFT, np.random.default_rng(0), margin_m=0.5)
    assert point[:2] == pytest.approx(workspace.bins.left_center_m)
