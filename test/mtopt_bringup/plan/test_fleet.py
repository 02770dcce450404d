"""The fleet file: what it says, and what every mistake in it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mtopt_bringup.paths import Paths
from mtopt_bringup.plan.fleet import ELSEWHERE, Fleet, NodeOverrides
from mtopt_core.errors import ConfigError, MtoptError
from mtopt_ros.parameters import leaves
from mtopt_ros.settings import SETTINGS

Load = Callable[..., Fleet]


def test_the_shipped_fleet_is_one_simulated_cell(paths: Paths) -> None:
    (cell,) = Fleet.load(paths.fleet).cells
    assert (cell.name, cell.hardware, cell.simulated_time) == ("cell1", "mujoco", True)


def test_overrides_reach_the_nested_settings_of_a_node(load: Load) -> None:
    nodes = {"camera": {"jpeg_quality": 85}, "runner": {"limits": {"max_steps": 15}}}
    (cell,) = load({"name": "a", "nodes": nodes}).cells
    assert cell.nodes.camera.jpeg_quality == 85
    assert cell.nodes.runner.limits.max_steps == 15
    assert cell.nodes.arm == SETTINGS["arm"]()


def test_every_node_can_be_overridden_and_no_other() -> None:
    assert {field.name for field in fields(NodeOverrides)} == set(SETTINGS)


def test_what_is_set_elsewhere_are_settings_that_exist() -> None:
    for node, placed in ELSEWHERE.items():
        assert set(placed) <= {leaf.name for leaf in leaves(SETTINGS[node])}


def test_paths_are_relative_to_the_file(load: Load, tmp_path: Path) -> None:
    cameras = {"source": "file", "overhead": "o.mp4", "left": "l.mp4", "right": "/r.mp4"}
    nodes = {"arm": {"workspace_file": "own.yaml"}}
    (cell,) = load({"name": "a", "cameras": cameras, "nodes": nodes}).cells
    assert cell.cameras.overhead == str(tmp_path / "o.mp4")
    assert cell.cameras.right == "/r.mp4"
    assert cell.nodes.arm.workspace_file == str(tmp_path / "own.yaml")


def test_devices_stay_as_they_are(load: Load) -> None:
    cameras = {
        "source": "v4l2",
        "overhead": "/dev/video0",
        "left": "/dev/video2",
        "right": "/dev/v",
    }
    (cell,) = load({"name": "a", "cameras": cameras}).cells
    assert cell.cameras.overhead == "/dev/video0"


def named(**more: Any) -> dict[str, Any]:
    return {"name": "a", **more}


MISTAKES = [
    ({"hardware": "mujoco"}, ["cells[0]", "name", "''", "letter"]),
    (named(name="7up"), ["name", "'7up'", "letter"]),
    (named(name="a/b"), ["name", "'a/b'"]),
    (named(name="quarantine"), ["name", "'quarantine'"]),
    (named(name=3), ["name", "3", "text"]),
    (named(hardware="kuka"), ["cells[0] (a)", "hardware", "'kuka'", "mujoco, gazebo, mock, iiwa"]),
    (named(hardwear="mock"), ["hardwear", "no such field", "hardware"]),
    (named(tasks=["lift-moon"]), ["tasks", "'lift-moon'", "lift-any", "place-top-left"]),
    (named(variation="wild"), ["variation", "'wild'", "off, mild, strong, own"]),
    (named(prefixed="yes"), ["prefixed", "'yes'", "true or false"]),
    (named(nodes={"mujoco": {"scene": "plain"}}), ["mujoco", "scene", "the cell's `scene`"]),
    (named(nodes={"arm": {"joint_prefix": "a_"}}), ["arm", "joint_prefix", "`prefixed`"]),
    (named(tasks="lift-any"), ["tasks", "'lift-any'", "list"]),
    (named(tasks=[1]), ["tasks", "1", "text"]),
    (named(cameras={"source": "usb"}), ["cameras", "source", "'usb'", "v4l2"]),
    (named(cameras={"source": "v4l2"}), ["cameras", "overhead", "/dev/video0"]),
    (named(cameras={"left": "/dev/video0"}), ["cameras", "left", "/dev/video0", "empty"]),
    (named(cameras=7), ["cameras", "7", "source"]),
    (named(nodes={"arms": {}}), ["nodes", "arms", "no such field", "warden"]),
    (named(nodes={"arm": 1}), ["nodes", "arm", "1"]),
    (named(nodes={"camera": {"rate": 1}}), ["nodes: camera", "rate", "no such field", "rate_hz"]),
    (named(nodes={"camera": {"rate_hz": "9"}}), ["camera", "rate_hz", "'9'", "a number"]),
    (named(nodes={"camera": {"rate_hz": 900}}), ["camera", "rate_hz", "900", "at most 120 Hz"]),
    (named(nodes={"camera": {"rate_hz": float("nan")}}), ["rate_hz", "nan"]),
    (named(nodes={"camera": {"jpeg_quality": 9.5}}), ["jpeg_quality", "9.5", "whole number"]),
    (
        named(nodes={"runner": {"limits": {"max_steps": 0}}}),
        ["limits", "max_steps", "0", "at least 1"],
    ),
    (named(nodes={"warden": {"nodes": []}}), ["warden", "nodes", "[]", "at least one"]),
    (named(nodes={"recorder": {"data": "/d"}}), ["recorder", "data", "argument `data`"]),
    (named(nodes={"runner": {"seed": 1}}), ["runner", "seed", "argument `seed`"]),
    (named(nodes={"policy": {"tasks_file": "t"}}), ["policy", "tasks_file", "config/tasks.yaml"]),
    (["a"], ["cells[0]", "['a']", "hardware"]),
]


@pytest.mark.parametrize(("cell", "said"), MISTAKES)
def test_a_mistake_in_a_cell_is_named(
    load: Load, tmp_path: Path, cell: Any, said: list[str]
) -> None:
    with pytest.raises(ConfigError) as raised:
        load(cell)
    for part in [str(tmp_path / "fleet.yaml"), *said]:
        assert part in str(raised.value)


def test_a_name_may_stand_once(load: Load) -> None:
    with pytest.raises(ConfigError, match=r"fleet.yaml: cells = 'a': stands in the list twice"):
        load({"name": "a"}, {"name": "b"}, {"name": "a"})


def test_an_unknown_field_of_the_file_is_named(load: Load) -> None:
    with pytest.raises(ConfigError, match="robots = 3: no such field; fields are cells"):
        load({"name": "a"}, robots=3)


@pytest.mark.parametrize(
    "text", ["cells: []", "cells: 3", "other: 1", "", "cells: [", "cells:\n\t- a"]
)
def test_a_file_that_is_no_fleet_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(MtoptError, match=r"broken.yaml"):
        Fleet.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MtoptError, match=r"none.yaml: no such file"):
        Fleet.load(tmp_path / "none.yaml")
