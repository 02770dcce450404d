"""The simulated cell behind the hardware topics: prefixed names, a scene, what falls out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")

import pytest
from rcl_interfaces.msg import Log
from rclpy.qos import qos_profile_system_default
from sensor_msgs.msg import Image, JointState

from fakes.ros_cell_hardware import FAST_ARM, FAST_BIN
from fakes.ros_runner import client_of
from fakes.ros_session import CELL, Prober, Spinner, managed, start_ros, until
from mtopt_core.action import ActionBounds
from mtopt_core.episode import run_episode
from mtopt_core.errors import ReservedForEvaluation
from mtopt_core.scripted import ScriptedPick
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Workspace
from mtopt_msgs.msg import SceneTruth
from mtopt_ros.arm_node import ArmNode
from mtopt_ros.bin_node import BinNode
from mtopt_ros.camera_node import CameraNode
from mtopt_ros.mujoco_node import MujocoNode
from mtopt_ros.qos import DRIVER, STATES
from mtopt_ros.ros_cell import RosCell

pytestmark = pytest.mark.system
PREFIX = f"{CELL}_"
RATES = {"joint_rate_hz": 50.0, "camera_rate_hz": 2.0, "truth_rate_hz": 5.0}


@dataclass
class World:
    """A simulated cell with the nodes that move and see it."""

    simulator: MujocoNode
    prober: Prober
    cell: RosCell


@pytest.fixture(scope="module")
def world(workspace: Workspace) -> Iterator[World]:
    start_ros()
    spinners = [Spinner() for _ in range(2)]
    prober = Prober()
    try:
        given = {"seed": 3, "speed": 5.0, "joint_prefix": PREFIX, **RATES}
        shown = {"scene": "everyday", "variation": "strong"}
        simulator = spinners[0].add(managed(MujocoNode, "mujoco", **given, **shown))
        own = {"sim_time": True, "joint_prefix": PREFIX}
        spinners[1].add(managed(CameraNode, "camera", max_age_s=30.0, max_skew_s=5.0, **own))
        spinners[1].add(managed(ArmNode, "arm", **own, **FAST_ARM))
        spinners[1].add(managed(BinNode, "bin", **own, **FAST_BIN))
        prober.bring_up("camera", "arm", "bin")
        yield World(simulator, prober, client_of(prober, workspace))
    finally:
        with contextlib.ExitStack() as ends:
            for one in (*spinners, prober):
                ends.callback(one.close)


def heard(world: World, kind: Any, topic: str, qos: Any = DRIVER) -> list[Any]:
    messages = world.prober.heard(kind, topic, qos)
    until(lambda: messages, f"{topic}")
    return messages


def test_every_name_on_the_wire_has_the_prefix(world: World) -> None:
    joints = heard(world, JointState, "joint_states")[0].name
    assert joints and all(name.startswith(PREFIX) for name in joints)
    image = heard(world, Image, "camera/left/image_raw")[0]
    assert image.header.frame_id == f"{PREFIX}camera_left_optical_frame"


def test_a_prefixed_cell_resets_and_runs_an_episode(
    world: World, workspace: Workspace, bounds: ActionBounds, registry: TaskRegistry
) -> None:
    worn = world.simulator._cell.wardrobe.look
    world.cell.reset(1)
    until(lambda: world.simulator._cell.resets == 1, "the reset to be seen")
    until(lambda: world.simulator._cell.wardrobe.look is not worn, "the look that a reset renews")
    policy = ScriptedPick(workspace, bounds)
    episode = run_episode(world.cell, policy, registry["lift-any"], seed=4)
    assert episode.reason.ordinary, episode.message
    assert len(episode.steps) > 2


def test_a_cells_look_follows_from_its_name(world: World) -> None:
    variation = world.simulator._cell.wardrobe.variation
    assert variation.identity == CELL and not variation.idle


def test_what_leaves_the_cell_is_put_back_and_told(world: World) -> None:
    said = world.prober.heard(Log, "/rosout", qos_profile_system_default)
    workcell = world.simulator._cell
    plain = workcell.step

    def throw(count: int) -> None:
        """In the simulation's own thread, between two of its steps."""
        workcell.step = plain
        workcell.data.joint("can").qpos[:3] = (1.4, 0.6, 0.5)
        plain(count)

    workcell.step = throw
    scenes = world.prober.heard(SceneTruth, "sim/truth", STATES)
    until(lambda: scenes and scenes[-1].put_back == ["can"], "the truth to say so")
    until(lambda: any("put back" in one.msg and "can" in one.msg for one in said), "the log")
    until(lambda: not workcell.strays(), "the can to lie in its bin")


def test_a_scene_that_is_reserved_is_refused(ros: None) -> None:
    with pytest.raises(ReservedForEvaluation, match="'standard' is kept for evaluation"):
        managed(MujocoNode, "mujoco", scene="standard")
