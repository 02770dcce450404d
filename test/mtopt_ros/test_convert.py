"""Values to messages and back: every pair is closed, also over the wire's bytes."""

from __future__ import annotations

import array
import math
import struct
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image as ImageMsg
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import ActionTaken, EndReason
from mtopt_core.episode import Episode, Step
from mtopt_core.errors import InvalidAction
from mtopt_core.geometry import transform
from mtopt_core.joints import JointState, JointTrajectory
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision
from mtopt_core.scene import ObjectTruth, PlateTruth, SceneTruth
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry
from mtopt_msgs import msg
from mtopt_msgs.action import ExecuteStep
from mtopt_msgs.srv import SelectAction
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.errors import ImageInvalid
from mtopt_ros import convert
from mtopt_ros.convert_diagnostics import diagnostic_array
from mtopt_ros.health import Health

STAMP_NS = 1_795_263_510_123_456_789


def random_pose(rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation = q * np.sign(np.diag(r))
    rotation[:, 0] *= np.linalg.det(rotation)
    return transform(rotation, rng.uniform(-2.0, 2.0, size=3))


def over_the_wire(message: Any) -> Any:
    return deserialize_message(serialize_message(message), type(message))


# --- time, poses, actions


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_stamps_keep_every_nanosecond(stamp_ns: int) -> None:
    assert convert.stamp_ns(over_the_wire(convert.time_msg(stamp_ns))) == stamp_ns


@pytest.mark.parametrize("seed", range(50))
def test_poses_come_back(seed: int) -> None:
    T = random_pose(np.random.default_rng(seed))
    assert convert.pose(over_the_wire(convert.pose_msg(T))) == pytest.approx(T, abs=1e-12)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_come_back(axis: int) -> None:
    """Where a quaternion's real part is zero."""
    rotation = -np.eye(3)
    rotation[axis, axis] = 1.0
    T = transform(rotation, np.zeros(3))
    assert convert.pose(convert.pose_msg(T)) == pytest.approx(T, abs=1e-12)


REACH = st.floats(-1.0, 1.0)


@given(st.tuples(REACH, REACH, REACH), REACH, st.sampled_from(Gripper), st.booleans())
def test_actions_come_back(
    delta_m: tuple[float, float, float], yaw_rad: float, gripper: Gripper, terminate: bool
) -> None:
    action = Action(delta_m, yaw_rad, gripper, terminate)
    back = convert.action(over_the_wire(convert.action_msg(action)))
    assert back == action and isinstance(back.gripper, Gripper)


@pytest.mark.parametrize("wrong", [{"yaw": math.nan}, {"yaw": math.inf}, {"gripper": 3}])
def test_an_action_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidAction):
        convert.action(msg.Action(**wrong))


# --- joints


def joints(rng: np.random.Generator) -> JointState:
    q, qd, effort = rng.normal(size=(3, 4))
    return JointState(("a", "b", "c", "d"), q, qd, effort, STAMP_NS)


def test_joint_states_come_back() -> None:
    state = joints(np.random.default_rng(1))
    back = convert.joint_state(over_the_wire(convert.joint_state_msg(state)))
    assert back.names == state.names and back.stamp_ns == state.stamp_ns
    assert np.array_equal(back.q_rad, state.q_rad)
    assert np.array_equal(back.qd_rad_s, state.qd_rad_s)
    assert np.array_equal(back.effort_nm, state.effort_nm)


def test_omitted_velocities_and_efforts_are_zero() -> None:
    state = convert.joint_state(JointStateMsg(name=["a", "b"], position=[1.0, 2.0]))
    assert state.qd_rad_s.tolist() == [0.0, 0.0] and state.effort_nm.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("positions", [[], [1.0], [1.0, 2.0, 3.0]])
def test_positions_that_do_not_fit_the_names_are_no_positions(positions: list[float]) -> None:
    state = convert.joint_state(JointStateMsg(name=["a", "b"], position=positions))
    assert state.q_rad.shape == (2,) and np.isnan(state.q_rad).all()


@pytest.mark.parametrize("points", [0, 1, 7])
def test_trajectories_come_back(points: int) -> None:
    rng = np.random.default_rng(points)
    q, qd, qdd = rng.normal(size=(3, points, 2))
    sent = JointTrajectory(("a", "b"), np.cumsum(rng.uniform(0.01, 0.5, points)), q, qd, qdd)
    message = over_the_wire(convert.trajectory_msg(sent))
    back = convert.trajectory(message)
    assert convert.stamp_ns(message.header.stamp) == 0  # from its arrival on
    assert back.names == sent.names
    assert back.t_s == pytest.approx(sent.t_s, abs=1e-9)
    for field in ("q_rad", "qd_rad_s", "qdd_rad_s2"):
        assert np.array_equal(getattr(back, field), getattr(sent, field))


def test_a_trajectory_of_positions_alone_is_read() -> None:
    message = JointTrajectoryMsg(joint_names=["a", "b"])
    message.points = [JointTrajectoryPoint(positions=[1.0, 2.0])]
    back = convert.trajectory(message)
    assert back.q_rad.tolist() == [[1.0, 2.0]] and back.qd_rad_s.tolist() == [[0.0, 0.0]]


# --- images


def pixels(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(6, 5, 3), dtype=np.uint8)


def test_images_come_back() -> None:
    message = over_the_wire(convert.image_msg(pixels(), STAMP_NS, "camera"))
    assert np.array_equal(convert.image(message), pixels())
    assert message.encoding == "rgb8" and message.header.frame_id == "camera"
    assert convert.stamp_ns(message.header.stamp) == STAMP_NS


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
@pytest.mark.parametrize("padding", [0, 1, 13])
def test_rows_may_be_padded_and_colours_in_either_order(encoding: str, padding: int) -> None:
    sent = pixels() if encoding == "rgb8" else pixels()[:, :, ::-1]
    rows = np.full((6, 15 + padding), 99, dtype=np.uint8)
    rows[:, :15] = sent.reshape(6, 15)
    message = ImageMsg(height=6, width=5, encoding=encoding, step=15 + padding)
    message.data = array.array("B", rows.tobytes())
    assert np.array_equal(convert.image(message), pixels())


def test_an_encoding_that_is_not_understood_is_named() -> None:
    message = convert.image_msg(pixels(), STAMP_NS, "camera")
    message.encoding = "yuv422"
    with pytest.raises(ImageInvalid, match=r"yuv422.*rgb8 or bgr8"):
        convert.image(message)


@pytest.mark.parametrize("cut", [0, 1, 89])
def test_an_image_with_bytes_missing_is_named(cut: int) -> None:
    message = convert.image_msg(pixels(), STAMP_NS, "camera")
    message.data = message.data[:cut]
    with pytest.raises(ImageInvalid, match=f"{cut} bytes"):
        convert.image(message)


def test_a_step_shorter_than_a_row_is_named() -> None:
    message = convert.image_msg(pixels(), STAMP_NS, "camera")
    message.step = 10
    with pytest.raises(ImageInvalid, match="step 10"):
        convert.image(message)


def test_a_jpeg_keeps_its_image_s_stamp_and_frame() -> None:
    stamp = convert.time_msg(STAMP_NS)
    message = over_the_wire(convert.compressed_msg(b"\xff\xd8jpeg", stamp, "camera"))
    assert bytes(message.data) == b"\xff\xd8jpeg"
    assert message.header.stamp == stamp and message.header.frame_id == "camera"
    assert "jpeg" in message.format


# --- stamps read without decoding


def cdr(order: str, stamp: Time) -> bytes:
    """A serialized header as either byte order has it."""
    flag = b"\x00\x01\x00\x00" if order == "<" else b"\x00\x00\x00\x00"
    return flag + struct.pack(f"{order}iI", stamp.sec, stamp.nanosec) + b"more"


@given(st.integers(0, 2**31 * 10**9 - 1), st.sampled_from("<>"))
def test_a_stamp_is_read_in_both_byte_orders(stamp_ns: int, order: str) -> None:
    assert convert.stamp_of_serialized(cdr(order, convert.time_msg(stamp_ns))) == stamp_ns


def test_a_stamp_is_read_from_what_the_middleware_writes() -> None:
    message = CompressedImage()
    message.header.stamp = convert.time_msg(STAMP_NS)
    assert convert.stamp_of_serialized(serialize_message(message)) == STAMP_NS


# --- scene and grades


@pytest.mark.parametrize("with_plate", [True, False])
def test_scenes_come_back(with_plate: bool) -> None:
    rng = np.random.default_rng(4)
    plate = PlateTruth(random_pose(rng), 0.11) if with_plate else None
    things = (
        ObjectTruth("carrot_1", "carrot", rng.normal(size=3), True),
        ObjectTruth("can_1", "can", rng.normal(size=3), False, 0.75),
    )
    scene = SceneTruth(STAMP_NS, things, plate, random_pose(rng), True, ("can", "milk"))
    back = convert.scene(over_the_wire(convert.scene_msg(scene)))
    assert back.stamp_ns == scene.stamp_ns and back.gripper_closed
    assert back.T_base_tool == pytest.approx(scene.T_base_tool, abs=1e-12)
    for found, thing in zip(back.objects, things, strict=True):
        assert (found.name, found.category, found.held) == (thing.name, thing.category, thing.held)
        assert found.position_m == pytest.approx(thing.position_m, abs=1e-12)
        assert found.covered == thing.covered
    assert (back.plate is None) == (plate is None)
    if back.plate is not None and plate is not None:
        assert back.plate.radius_m == plate.radius_m
        assert back.plate.T_base_plate == pytest.approx(plate.T_base_plate, abs=1e-12)


def test_grades_come_back_in_their_order() -> None:
    grade = Grade({"b": 0.25, "a": 1.0}, {"b": False, "a": True}, "truth")
    back = convert.grade([over_the_wire(one) for one in convert.grade_msgs(grade)], "truth")
    assert back == grade and list(back.success) == ["b", "a"]


# --- decisions, steps, outcomes


@pytest.mark.parametrize("q", [0.5, math.nan])
def test_decisions_come_back(q: float) -> None:
    action = Action((0.1, -0.2, 0.05), 0.3, Gripper.CLOSE)
    response = SelectAction.Response(
        ok=True, action=convert.action_msg(action), q=q, source="policy", model="m/3", latency=0.25,
        novelty=1.5, q_spread=0.125,
    )  # fmt: skip
    response.image_stamp = convert.time_msg(STAMP_NS)
    decision = convert.decision(over_the_wire(response))
    assert decision.action == action and decision.model == "m/3" and decision.source == "policy"
    assert decision.q == q or (math.isnan(q) and math.isnan(decision.q))
    assert decision.image_stamp_ns == STAMP_NS and decision.latency_s == 0.25
    assert (decision.novelty, decision.q_spread) == (1.5, 0.125)


def test_what_the_arm_did_comes_back() -> None:
    T = random_pose(np.random.default_rng(2))
    result = ExecuteStep.Result(sent=convert.action_msg(Action((0.1, 0.0, 0.0))))
    result.tool = convert.pose_msg(T)
    result.started, result.ended = convert.time_msg(STAMP_NS), convert.time_msg(STAMP_NS + 1)
    taken = convert.action_taken(over_the_wire(result))
    assert taken.sent == Action((0.1, 0.0, 0.0))
    assert taken.T_base_tool == pytest.approx(T, abs=1e-12)
    assert (taken.started_ns, taken.ended_ns) == (STAMP_NS, STAMP_NS + 1)


def step(q: float = math.nan) -> Step:
    rng = np.random.default_rng(3)
    seen = Observation(pixels(), True, 0.125, STAMP_NS, random_pose(rng))
    chosen = Decision(Action((0.5, 0.0, 0.0)), "scripted", q, "", STAMP_NS - 7, 0.5, 2.5, 0.25)
    taken = ActionTaken(Action((0.1, 0.0, 0.0)), random_pose(rng), STAMP_NS + 5, STAMP_NS + 9)
    return Step(3, seen, chosen, taken)


def test_a_step_says_what_was_seen_chosen_and_done() -> None:
    one = step()
    message = over_the_wire(convert.step_msg(one, "id", "cell1", "lift-any"))
    assert (message.episode_id, message.cell, message.task) == ("id", "cell1", "lift-any")
    assert message.index == 3 and message.gripper_closed and message.gripper_height == 0.125
    assert convert.stamp_ns(message.header.stamp) == STAMP_NS + 9
    assert convert.stamp_ns(message.image_stamp) == STAMP_NS - 7
    assert convert.stamp_ns(message.motion_start) == STAMP_NS + 5
    assert convert.stamp_ns(message.motion_end) == STAMP_NS + 9
    assert convert.action(message.chosen) == one.decision.action
    assert convert.action(message.sent) == one.taken.sent
    for pose, T in (
        (message.tool_before, one.observation.T_base_tool),
        (message.tool_after, one.taken.T_base_tool),
    ):
        assert convert.pose(pose) == pytest.approx(T, abs=1e-12)
    assert math.isnan(message.q) and message.latency == 0.5 and message.source == "scripted"
    assert (message.novelty, message.q_spread) == (2.5, 0.25)


def test_an_outcome_says_how_it_ended_and_whether_it_was_graded(registry: TaskRegistry) -> None:
    task = registry["lift-any"]
    episode = Episode(task, 2**31 - 1, (step(), step()), EndReason.CAMERA_FAULT, "no image")
    message = over_the_wire(convert.outcome_msg(episode, None, "id", "cell1", STAMP_NS))
    assert message.end_reason == "camera_fault" and message.message == "no image"
    assert message.steps == 2 and message.seed == 2**31 - 1 and message.task == "lift-any"
    assert not message.graded and message.grader == "" and message.outcomes == []
    grade = Grade({"lift-any": 1.0}, {"lift-any": True}, "truth")
    message = over_the_wire(convert.outcome_msg(episode, grade, "id", "cell1", STAMP_NS))
    assert message.graded and message.grader == "truth" and message.outcomes[0].success


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_reason_comes_back(reason: EndReason) -> None:
    assert convert.end_reason(str(reason)) is reason


def test_an_end_reason_of_another_version_is_a_lost_node() -> None:
    assert convert.end_reason("out_of_coffee") is EndReason.NODE_LOST


# --- cameras and health


def calibration(name: str) -> CameraCalibration:
    K = np.array([[500.0, 0.0, 320.0], [0.0, 501.0, 256.0], [0.0, 0.0, 1.0]])
    T = random_pose(np.random.default_rng(len(name)))
    return CameraCalibration(name, 640, 512, K, np.array([0.1, -0.2, 0.0, 0.0, 0.01]), T)


def test_camera_info_holds_the_intrinsics() -> None:
    camera = calibration("left")
    info = over_the_wire(convert.camera_info_msg(camera, convert.time_msg(STAMP_NS), "frame"))
    assert (info.height, info.width, info.distortion_model) == (512, 640, "plumb_bob")
    assert np.array_equal(np.reshape(info.k, (3, 3)), camera.K)
    assert np.array_equal(np.reshape(info.p, (3, 4))[:, :3], camera.K)
    assert list(info.d) == camera.distortion.tolist()
    assert np.array_equal(np.reshape(info.r, (3, 3)), np.eye(3))


def test_extrinsics_name_each_camera_s_pose() -> None:
    cameras = (calibration("left"), calibration("overhead"))
    message = over_the_wire(convert.extrinsics_msg(cameras, "abc", STAMP_NS))
    assert list(message.cameras) == ["left", "overhead"] and message.calibration_hash == "abc"
    assert message.header.frame_id == "base_link"
    for pose, camera in zip(message.poses, cameras, strict=True):
        assert convert.pose(pose) == pytest.approx(camera.T_base_camera, abs=1e-12)


def test_a_heartbeat_tells_the_worst_and_diagnostics_repeat_it() -> None:
    health = Health()
    health.values["grader"] = "truth"
    health.warn("dusty", "wipe it")
    health.fault("camera_fault", "no image")
    beat = over_the_wire(convert.heartbeat_msg("camera", "active", health, STAMP_NS))
    assert (beat.node, beat.state, beat.level) == ("camera", "active", msg.Heartbeat.FAULT)
    assert (beat.fault, beat.message) == ("camera_fault", "no image")
    assert [(v.key, v.value) for v in beat.values] == [("grader", "truth")]
    well = convert.heartbeat_msg("arm", "active", Health(), STAMP_NS)
    beats, lost = {"camera": beat, "arm": well}, {"bin": "node_lost: silent"}
    told = over_the_wire(diagnostic_array("cell1", beats, lost, STAMP_NS))
    assert [status.name for status in told.status] == ["cell1/arm", "cell1/camera", "cell1/bin"]
    assert [status.level for status in told.status] == [b"\x00", b"\x02", b"\x03"]
    assert told.status[1].message == "camera_fault: no image"
    # What a silent node said last is not what it is now.
    told = diagnostic_array("cell1", beats, {"arm": "node_lost: silent"}, STAMP_NS)
    assert (told.status[0].level, told.status[0].message) == (b"\x03", "node_lost: silent")
