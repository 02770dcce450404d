"""Values to messages and back: the only module that touches message fields of the cell.

Poses travel as geometry_msgs/Pose in base_link; times as builtin_interfaces/Time of the
cell's clock, held in code as whole nanoseconds.
"""

from __future__ import annotations

import array
import struct
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import KeyValue
from geometry_msgs.msg import Pose
from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMsg
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import ActionTaken, EndReason
from mtopt_core.episode import Episode, Step
from mtopt_core.geometry import Transform, quaternion_xyzw, rotation_of, transform
from mtopt_core.joints import JointState, JointTrajectory
from mtopt_core.observation import Image
from mtopt_core.policy import Decision
from mtopt_core.scene import ObjectTruth, PlateTruth, SceneTruth
from mtopt_core.success import Grade
from mtopt_msgs import msg
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.errors import ImageInvalid

from .health import Health

BASE_FRAME = "base_link"
_NS = 1_000_000_000


def time_msg(stamp_ns: int) -> Time:
    """Nanoseconds as a Time."""
    return Time(sec=int(stamp_ns // _NS), nanosec=int(stamp_ns % _NS))


def stamp_ns(time: Time) -> int:
    """A Time as nanoseconds."""
    return time.sec * _NS + time.nanosec


def pose_msg(T: Transform) -> Pose:
    """A transform as a Pose."""
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = (float(v) for v in T[:3, 3])
    x, y, z, w = (float(v) for v in quaternion_xyzw(T[:3, :3]))
    pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w = x, y, z, w
    return pose


def pose(message: Pose) -> Transform:
    """A Pose as a transform."""
    p, q = message.position, message.orientation
    return transform(rotation_of(np.array([q.x, q.y, q.z, q.w])), np.array([p.x, p.y, p.z]))


def action_msg(action: Action) -> msg.Action:
    """An action for the wire."""
    message = msg.Action(
        yaw=action.yaw_rad, gripper=int(action.gripper), terminate=action.terminate
    )
    message.delta.x, message.delta.y, message.delta.z = action.delta_m
    return message


def action(message: msg.Action) -> Action:
    """An action from the wire; raises InvalidAction."""
    delta = message.delta
    gripper = message.gripper
    known = Gripper(gripper) if gripper in tuple(Gripper) else gripper
    return Action((delta.x, delta.y, delta.z), message.yaw, known, message.terminate)


def joint_state(message: JointStateMsg) -> JointState:
    """A measurement; missing velocities or efforts read as zero, as drivers may omit them."""
    count = len(message.name)

    def filled(values: Any) -> np.ndarray:
        return np.array(values, dtype=np.float64) if len(values) == count else np.zeros(count)

    q_rad = np.array(message.position, dtype=np.float64)
    if len(q_rad) != count:
        q_rad = np.full(count, np.nan)
    return JointState(
        tuple(message.name),
        q_rad,
        filled(message.velocity),
        filled(message.effort),
        stamp_ns(message.header.stamp),
    )


def joint_state_msg(state: JointState) -> JointStateMsg:
    """A measurement for the wire."""
    message = JointStateMsg(name=list(state.names))
    message.header.stamp = time_msg(state.stamp_ns)
    message.position = array.array("d", state.q_rad.tolist())
    message.velocity = array.array("d", state.qd_rad_s.tolist())
    message.effort = array.array("d", state.effort_nm.tolist())
    return message


def trajectory_msg(trajectory: JointTrajectory) -> JointTrajectoryMsg:
    """A trajectory that starts on arrival (zero stamp), as joint_trajectory_controller reads it."""
    message = JointTrajectoryMsg(joint_names=list(trajectory.names))
    for t_s, q, qd, qdd in zip(
        trajectory.t_s, trajectory.q_rad, trajectory.qd_rad_s, trajectory.qdd_rad_s2, strict=True
    ):
        nanoseconds = round(float(t_s) * _NS)
        message.points.append(
            JointTrajectoryPoint(
                positions=array.array("d", q.tolist()),
                velocities=array.array("d", qd.tolist()),
                accelerations=array.array("d", qdd.tolist()),
                time_from_start=Duration(sec=nanoseconds // _NS, nanosec=nanoseconds % _NS),
            )
        )
    return message


def trajectory(message: JointTrajectoryMsg) -> JointTrajectory:
    """A trajectory from the wire; omitted velocities and accelerations read as zero."""
    joints = len(message.joint_names)

    def rows(field: str) -> np.ndarray:
        values = [list(getattr(point, field)) or [0.0] * joints for point in message.points]
        return np.array(values, dtype=np.float64).reshape(len(message.points), joints)

    t_s = [p.time_from_start.sec + p.time_from_start.nanosec / _NS for p in message.points]
    return JointTrajectory(
        tuple(message.joint_names),
        np.array(t_s),
        rows("positions"),
        rows("velocities"),
        rows("accelerations"),
    )


def image_msg(pixels: Image, stamp: int, frame: str) -> ImageMsg:
    """An RGB image for the wire."""
    height, width, _ = pixels.shape
    message = ImageMsg(height=height, width=width, encoding="rgb8", step=3 * width)
    message.header.stamp, message.header.frame_id = time_msg(stamp), frame
    # An array.array goes through in one copy; a list would be checked byte by byte.
    message.data = array.array("B", pixels.tobytes())
    return message


def image(message: ImageMsg) -> Image:
    """An RGB image from the wire, (H, W, 3); raises ImageInvalid unless it is rgb8 or bgr8."""
    row, whole = 3 * message.width, message.height * message.step
    if message.encoding not in ("rgb8", "bgr8"):
        raise ImageInvalid(f"image encoding {message.encoding!r}: must be rgb8 or bgr8")
    if message.step < row:
        raise ImageInvalid(f"image step {message.step}: {message.width} pixels are {row} bytes")
    if len(message.data) != whole:
        rows_said = f"{message.height} rows of {message.step}"
        raise ImageInvalid(f"image of {len(message.data)} bytes: {rows_said} are {whole}")
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(message.height, message.step)
    pixels = rows[:, :row].reshape(message.height, message.width, 3)
    if message.encoding == "bgr8":
        return pixels[:, :, ::-1]
    return pixels


def compressed_msg(jpeg: bytes, stamp: Time, frame: str) -> CompressedImage:
    """A JPEG for the wire, with the stamp and frame of the image it was made from."""
    message = CompressedImage(format="rgb8; jpeg compressed bgr8")
    message.header.stamp, message.header.frame_id = stamp, frame
    message.data = array.array("B", jpeg)
    return message


def camera_info_msg(camera: CameraCalibration, stamp: Time, frame: str) -> CameraInfo:
    """A camera's intrinsics for the wire."""
    message = CameraInfo(height=camera.height_px, width=camera.width_px)
    message.header.stamp, message.header.frame_id = stamp, frame
    message.distortion_model, message.d = "plumb_bob", camera.distortion.tolist()
    message.k = camera.K.ravel().tolist()
    message.r = np.eye(3).ravel().tolist()
    message.p = np.hstack([camera.K, np.zeros((3, 1))]).ravel().tolist()
    return message


def extrinsics_msg(
    cameras: tuple[CameraCalibration, ...], content_hash: str, now_ns: int
) -> msg.CameraExtrinsics:
    """Where the cameras are, for the wire."""
    message = msg.CameraExtrinsics(
        cameras=[camera.name for camera in cameras],
        poses=[pose_msg(camera.T_base_camera) for camera in cameras],
        calibration_hash=content_hash,
    )
    message.header.stamp, message.header.frame_id = time_msg(now_ns), BASE_FRAME
    return message


def scene_msg(scene: SceneTruth) -> msg.SceneTruth:
    """The true scene for the wire."""
    message = msg.SceneTruth(gripper_closed=scene.gripper_closed, tool=pose_msg(scene.T_base_tool))
    message.put_back = list(scene.put_back)
    message.header.stamp, message.header.frame_id = time_msg(scene.stamp_ns), BASE_FRAME
    for thing in scene.objects:
        T = transform(np.eye(3), thing.position_m)
        message.objects.append(
            msg.SceneObject(
                name=thing.name,
                category=thing.category,
                pose=pose_msg(T),
                held=thing.held,
                covered=thing.covered,
            )
        )
    if scene.plate is not None:
        message.has_plate = True
        message.plate = pose_msg(scene.plate.T_base_plate)
        message.plate_radius = scene.plate.radius_m
    return message


def scene(message: msg.SceneTruth) -> SceneTruth:
    """The true scene from the wire."""
    objects = tuple(
        ObjectTruth(thing.name, thing.category, pose(thing.pose)[:3, 3], thing.held, thing.covered)
        for thing in message.objects
    )
    plate = PlateTruth(pose(message.plate), message.plate_radius) if message.has_plate else None
    return SceneTruth(
        stamp_ns(message.header.stamp),
        objects,
        plate,
        pose(message.tool),
        message.gripper_closed,
        tuple(message.put_back),
    )


def grade_msgs(grade: Grade) -> list[msg.TaskOutcome]:
    """A grade for the wire, in its own (registry) order."""
    return [
        msg.TaskOutcome(task=task, probability=float(p), success=grade.success[task])
        for task, p in grade.probability.items()
    ]


def grade(outcomes: list[msg.TaskOutcome], grader: str) -> Grade:
    """A grade from the wire."""
    return Grade(
        {outcome.task: outcome.probability for outcome in outcomes},
        {outcome.task: outcome.success for outcome in outcomes},
        grader,
    )


def decision(response: Any) -> Decision:
    """A decision from a SelectAction response."""
    return Decision(
        action(response.action),
        response.source,
        response.q,
        response.model,
        stamp_ns(response.image_stamp),
        response.latency,
        response.novelty,
        response.q_spread,
    )


def action_taken(result: Any) -> ActionTaken:
    """What the arm did, from an ExecuteStep result."""
    return ActionTaken(
        action(result.sent), pose(result.tool), stamp_ns(result.started), stamp_ns(result.ended)
    )


def step_msg(step: Step, episode_id: str, cell: str, task: str) -> msg.EpisodeStep:
    """A step for the wire and the log."""
    seen, chosen, taken = step.observation, step.decision, step.taken
    message = msg.EpisodeStep(
        episode_id=episode_id,
        cell=cell,
        task=task,
        index=step.index,
        image_stamp=time_msg(chosen.image_stamp_ns),
        gripper_closed=seen.gripper_closed,
        gripper_height=seen.gripper_height_m,
        tool_before=pose_msg(seen.T_base_tool),
        chosen=action_msg(chosen.action),
        sent=action_msg(taken.sent),
        tool_after=pose_msg(taken.T_base_tool),
        motion_start=time_msg(taken.started_ns),
        motion_end=time_msg(taken.ended_ns),
        source=chosen.source,
        model=chosen.model,
        q=chosen.q,
        latency=chosen.latency_s,
        novelty=chosen.novelty,
        q_spread=chosen.q_spread,
    )
    message.header.stamp, message.header.frame_id = time_msg(taken.ended_ns), BASE_FRAME
    return message


def outcome_msg(
    episode: Episode, grade: Grade | None, episode_id: str, cell: str, now_ns: int
) -> msg.EpisodeOutcome:
    """An episode's end and grade for the wire and the log."""
    message = msg.EpisodeOutcome(
        episode_id=episode_id,
        cell=cell,
        task=episode.task.name,
        seed=episode.seed,
        steps=len(episode.steps),
        end_reason=str(episode.reason),
        message=episode.message,
        graded=grade is not None,
        grader=grade.grader if grade is not None else "",
        outcomes=grade_msgs(grade) if grade is not None else [],
    )
    message.header.stamp, message.header.frame_id = time_msg(now_ns), BASE_FRAME
    return message


def end_reason(text: str) -> EndReason:
    """An end reason from the wire; one that this version does not know is a lost node."""
    return EndReason(text) if text in tuple(EndReason) else EndReason.NODE_LOST


def heartbeat_msg(node: str, state: str, health: Health, now_ns: int) -> msg.Heartbeat:
    """A node's health for the wire."""
    level, fault, message = health.worst
    beat = msg.Heartbeat(node=node, state=state, level=int(level), fault=fault, message=message)
    beat.header.stamp = time_msg(now_ns)
    beat.values = [key_value(key, value) for key, value in health.values.items()]
    return beat


def key_value(key: str, value: str) -> KeyValue:
    """A diagnostics figure."""
    return KeyValue(key=key, value=value)


def stamp_of_serialized(payload: bytes) -> int:
    """The header's stamp of a serialized message that begins with a Header, in nanoseconds.

    CDR: four bytes of encapsulation, then sec (int32) and nanosec (uint32) in its byte order.
    """
    order = "<" if payload[1] & 1 else ">"
    seconds, nanoseconds = struct.unpack_from(f"{order}iI", payload, 4)
    return int(seconds) * _NS + int(nanoseconds)
