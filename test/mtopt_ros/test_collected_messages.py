"""Files written without ROS hold the messages that the nodes would have published.

The bytes are equal but for padding, which the nodes' middleware leaves as it finds it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import ActionTaken, EndReason
from mtopt_core.episode import Episode, Step
from mtopt_core.geometry import pose_tool_down
from mtopt_core.joints import JointState
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.calibration import CameraCalibration
from mtopt_ros import convert
from mtopt_ros.recorded_topics import recorded_topics
from mtopt_sim.collecting import messages
from mtopt_sim.collecting.channels import Channel, channels

NOW_NS = 12_345_678_901


@pytest.fixture(scope="module")
def wire() -> dict[str, Channel]:
    return channels()


@pytest.fixture(scope="module")
def camera() -> CameraCalibration:
    K = np.array([[600.0, 0.0, 319.5], [0.0, 600.0, 255.5], [0.0, 0.0, 1.0]])
    return CameraCalibration(
        "left", 640, 512, K, np.zeros(5), pose_tool_down(np.array([0.1, 0.7, 0.8]), 0.3)
    )


def step_of(terminate: bool) -> Step:
    T = pose_tool_down(np.array([0.5, -0.1, 0.2]), 0.4)
    action = Action((0.01, -0.02, 0.03), 0.5, Gripper.CLOSE, terminate)
    decision = Decision(action, "scripted", q=math.nan, model="q/3", image_stamp_ns=NOW_NS)
    seen = Observation(np.zeros((4, 4, 3), np.uint8), True, 0.15, NOW_NS, T)
    return Step(2, seen, decision, ActionTaken(action, T, NOW_NS, NOW_NS + 7))


def same(wire: dict[str, Channel], topic: str, fields: dict[str, Any], message: Any) -> None:
    data = wire[topic].encode(fields)
    assert len(data) == len(serialize_message(message))
    # As text, for a NaN is not equal to itself.
    assert repr(deserialize_message(data, type(message))) == repr(message)


def test_channels_are_those_of_the_recorder(wire: dict[str, Channel]) -> None:
    assert {c.topic: c.type_name for c in wire.values()} == {
        topic.name: topic.type_name for topic in recorded_topics()
    }


def test_joint_states(wire: dict[str, Channel]) -> None:
    q = np.linspace(-1.0, 1.0, 11)
    state = JointState(tuple(f"joint_{n}" for n in range(11)), q, 2 * q, 3 * q, NOW_NS)
    same(wire, "joint_states", messages.joint_state(state), convert.joint_state_msg(state))


def test_images_and_cameras(wire: dict[str, Channel], camera: CameraCalibration) -> None:
    time, jpeg = convert.time_msg(NOW_NS), bytes(range(251)) * 3
    same(
        wire,
        "camera/left/image_raw/compressed",
        messages.compressed_image(jpeg, NOW_NS, "frame"),
        convert.compressed_msg(jpeg, time, "frame"),
    )
    same(
        wire,
        "camera/left/camera_info",
        messages.camera_info(camera, NOW_NS, "frame"),
        convert.camera_info_msg(camera, time, "frame"),
    )
    same(
        wire,
        "camera/extrinsics",
        messages.extrinsics((camera, camera), "abc", NOW_NS),
        convert.extrinsics_msg((camera, camera), "abc", NOW_NS),
    )


@pytest.mark.parametrize("terminate", [False, True])
def test_steps(wire: dict[str, Channel], terminate: bool) -> None:
    step = step_of(terminate)
    names = ("an_id", "sim", "lift-any")
    same(wire, "episode/step", messages.step(step, *names), convert.step_msg(step, *names))


@pytest.mark.parametrize("graded", [False, True])
def test_outcomes(wire: dict[str, Channel], registry: TaskRegistry, graded: bool) -> None:
    steps = (step_of(False), step_of(True))
    seed = 2**62 - 5
    episode = Episode(registry["lift-any"], seed, steps, EndReason.CONTACT, "it pushed", 1)
    success = {name: index % 2 == 0 for index, name in enumerate(registry.names)}
    grade = Grade({name: 0.25 for name in success}, success, "truth") if graded else None
    same(
        wire,
        "episode/outcome",
        messages.outcome(episode, grade, "an_id", "sim", NOW_NS),
        convert.outcome_msg(episode, grade, "an_id", "sim", NOW_NS),
    )
