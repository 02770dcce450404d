"""Every managed node lives as ROS 2 managed nodes do, as often as it is asked to."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from fakes.ros_session import Prober, Spinner, managed, until
from mtopt_msgs.msg import Heartbeat
from mtopt_ros.executables import _NODES
from mtopt_ros.qos import STATES
from mtopt_ros.settings import SETTINGS

pytestmark = pytest.mark.system

MANAGED = [name for name in SETTINGS if name not in ("mujoco", "warden")]
EVERY = pytest.mark.parametrize("name", MANAGED)


def node_of(name: str, folder: Path, **given: Any) -> Any:
    module, kind = _NODES[name].split(":")
    if name == "recorder":
        given.setdefault("data", str(folder))
    kind_of_node = getattr(importlib.import_module(f"mtopt_ros.{module}"), kind)
    return managed(kind_of_node, name, **given)


def entities(node: Any) -> dict[str, int]:
    kinds = ("publishers", "subscriptions", "clients", "services", "timers", "waitables")
    return {kind: len(list(getattr(node, kind))) for kind in kinds}


@EVERY
def test_a_node_goes_through_its_life(
    name: str, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    spinner.add(node_of(name, tmp_path))
    assert prober.state(name) == "unconfigured"
    for transition, state in (
        ("configure", "inactive"),
        ("activate", "active"),
        ("deactivate", "inactive"),
        ("cleanup", "unconfigured"),
    ):
        assert prober.change(name, transition)
        assert prober.state(name) == state
        until(lambda state=state: beats and beats[-1].state == state, f"a heartbeat, {state}")
        assert beats[-1].node == name


@EVERY
def test_twenty_lives_leave_nothing_behind(
    name: str, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    node = spinner.add(node_of(name, tmp_path))
    assert prober.change(name, "configure", "cleanup")
    bare = spinner.run(lambda: entities(node))
    for _ in range(19):
        assert prober.change(name, "configure", "activate", "deactivate", "cleanup")
    assert spinner.run(lambda: entities(node)) == bare
    assert spinner.error is None


@EVERY
def test_a_transition_that_is_not_possible_is_refused_and_harms_nobody(
    name: str, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    spinner.add(node_of(name, tmp_path))
    assert not prober.change(name, "activate")
    assert prober.state(name) == "unconfigured" and spinner.error is None
    assert prober.change(name, "configure", "activate")
    assert not prober.change(name, "configure")
    assert prober.state(name) == "active" and spinner.error is None


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("camera", {"description_file": "/nowhere/cell.xacro"}, "/nowhere/cell.xacro"),
    ("arm", {"workspace_file": "/nowhere/workspace.yaml"}, "/nowhere/workspace.yaml"),
    ("bin", {"motion": {"speed_fraction": 7.0}}, "speed_fraction"),
    ("policy", {"tasks_file": "/nowhere/tasks.yaml"}, "/nowhere/tasks.yaml"),
    ("success", {"grader": "hunch"}, "truth"),
    ("recorder", {"disk_reserve_mb": 1}, "at least 10"),
    ("runner", {"tasks": ["lift-elephant"]}, "lift-elephant.*lift-any"),
]


@pytest.mark.parametrize(("name", "given", "told"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_node_that_cannot_be_configured_stays_unconfigured_and_says_why(
    name: str, given: dict[str, Any], told: str, spinner: Spinner, prober: Prober, tmp_path: Path
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    node = spinner.add(node_of(name, tmp_path, **given))
    assert not prober.change(name, "configure")
    assert prober.state(name) == "unconfigured"
    until(lambda: beats and beats[-1].level == Heartbeat.FAULT, "the fault in the heartbeat")
    assert beats[-1].state == "unconfigured" and beats[-1].fault
    assert re.search(told, beats[-1].message), beats[-1].message
    bare = entities(node)
    assert not prober.change(name, "configure")  # and asking again leaves nothing behind
    assert entities(node) == bare
