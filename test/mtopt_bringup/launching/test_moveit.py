"""What move_group is told: it plans what the arm node asks, and may move nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from mtopt_bringup.launching.moveit import MoveItArguments, parameters, parse
from mtopt_bringup.paths import Paths
from mtopt_core.errors import ConfigError
from mtopt_data.errors import NameInvalid
from mtopt_robot.search import SearchConfig
from mtopt_ros.moveit_messages import GROUP, PIPELINE

PATHS = Paths.below(Path(__file__).resolve().parents[3])


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "prefixed"])
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    given = MoveItArguments("cell2", prefixed=request.param, simulated_time=True)
    return parameters(given, PATHS)


def test_a_prefixed_cell_is_described_by_its_own_names() -> None:
    srdf = parameters(MoveItArguments("cell2", prefixed=True), PATHS)["robot_description_semantic"]
    joints = {str(joint.get("name")) for joint in ElementTree.fromstring(srdf).iter("joint")}
    assert joints and all(joint.startswith("cell2_") for joint in joints)


def test_move_group_may_move_nothing(told: dict[str, Any]) -> None:
    assert told["allow_trajectory_execution"] is False
    assert told["moveit_controller_manager"] == ""
    left_out = told["disable_capabilities"].split()
    assert {name.removeprefix("move_group/") for name in left_out} == {
        "MoveGroupExecuteTrajectoryAction",
        "MoveGroupMoveAction",
    }


def test_the_pipeline_and_the_group_are_those_that_are_asked_for(told: dict[str, Any]) -> None:
    assert told["planning_pipelines"] == [PIPELINE] == [told["default_planning_pipeline"]]
    group = told[PIPELINE][GROUP]
    assert group["default_planner_config"] in told[PIPELINE]["planner_configs"]
    srdf = ElementTree.fromstring(told["robot_description_semantic"])
    assert GROUP in [entry.get("name") for entry in srdf.findall("group")]


def test_moveit_finds_bends_and_leaves_their_times_to_the_arm_node(told: dict[str, Any]) -> None:
    pipeline = told[PIPELINE]
    assert pipeline["response_adapters"] == ["default_planning_response_adapters/ValidateSolution"]
    planner = pipeline["planner_configs"]["RRTConnect"]
    assert planner["range"] == SearchConfig().range_rad
    # MoveIt reads the text of a number here; "false" would end it.
    assert planner["interpolate"] == 0 and not isinstance(planner["interpolate"], bool)


def test_both_descriptions_are_of_one_robot(told: dict[str, Any]) -> None:
    urdf, srdf = (
        ElementTree.fromstring(told[name])
        for name in ("robot_description", "robot_description_semantic")
    )
    assert urdf.get("name") == srdf.get("name")
    joints = {joint.get("name") for joint in urdf.findall("joint")}
    links = {link.get("name") for link in urdf.findall("link")}
    assert {joint.get("name") for joint in srdf.iter("joint")} <= joints
    pairs = srdf.findall("disable_collisions")
    assert pairs
    assert {pair.get(end) for pair in pairs for end in ("link1", "link2")} <= links
    assert told["use_sim_time"] is True


def test_arguments_are_checked_by_name() -> None:
    assert parse({"simulated_time": "True"}).simulated_time is True
    assert parse({}) == MoveItArguments()
    with pytest.raises(ConfigError, match="true or false"):
        parse({"simulated_time": "yes"})
    with pytest.raises(NameInvalid):
        parse({"cell": "no/good"})


def test_the_launch_description_builds(told: dict[str, Any]) -> None:
    pytest.importorskip("launch_ros.actions", reason="ROS 2's launch is not installed")
    from mtopt_bringup.launching import moveit_launch

    assert len(moveit_launch.description().entities) == 4
    assert moveit_launch.move_group(MoveItArguments(), told).node_package == "moveit_ros_move_group"
