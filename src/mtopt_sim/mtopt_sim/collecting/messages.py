"""Values as the fields of the wire's messages, for files that are written without ROS.

The same fields as the nodes' own conversion gives; a test holds the two together, byte by byte.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtopt_core.action import Action
from mtopt_core.episode import Episode, Step
from mtopt_core.geometry import Transform, quaternion_xyzw
from mtopt_core.joints import JointState
from mtopt_core.success import Grade
from mtopt_robot.calibration import CameraCalibration

Fields = dict[str, Any]
BASE_FRAME = "base_link"
JPEG_FORMAT = "rgb8; jpeg compressed bgr8"
_NS = 1_000_000_000


def time_fields(stamp_ns: int) -> Fields:
    """builtin_interfaces/Time."""
    return {"sec": stamp_ns // _NS, "nanosec": stamp_ns % _NS}


def header(stamp_ns: int, frame: str = "") -> Fields:
    """std_msgs/Header."""
    return {"stamp": time_fields(stamp_ns), "frame_id": frame}


def pose(T: Transform) -> Fields:
    """geometry_msgs/Pose."""
    x, y, z, w = (float(value) for value in quaternion_xyzw(T[:3, :3]))
    return {"position": _xyz(*T[:3, 3]), "orientation": {"x": x, "y": y, "z": z, "w": w}}


def action(wanted: Action) -> Fields:
    """mtopt_msgs/Action."""
    return {
        "delta": _xyz(*wanted.delta_m),
        "yaw": wanted.yaw_rad,
        "gripper": int(wanted.gripper),
        "terminate": wanted.terminate,
    }


def joint_state(state: JointState) -> Fields:
    """sensor_msgs/JointState."""
    return {
        "header": header(state.stamp_ns),
        "name": list(state.names),
        "position": state.q_rad.tolist(),
        "velocity": state.qd_rad_s.tolist(),
        "effort": state.effort_nm.tolist(),
    }


def compressed_image(jpeg: bytes, stamp_ns: int, frame: str) -> Fields:
    """sensor_msgs/CompressedImage."""
    return {"header": header(stamp_ns, frame), "format": JPEG_FORMAT, "data": jpeg}


def camera_info(camera: CameraCalibration, stamp_ns: int, frame: str) -> Fields:
    """sensor_msgs/CameraInfo."""
    return {
        "header": header(stamp_ns, frame),
        "height": camera.height_px,
        "width": camera.width_px,
        "distortion_model": "plumb_bob",
        "d": camera.distortion.tolist(),
        "k": camera.K.ravel().tolist(),
        "r": np.eye(3).ravel().tolist(),
        "p": np.hstack([camera.K, np.zeros((3, 1))]).ravel().tolist(),
    }


def extrinsics(cameras: tuple[CameraCalibration, ...], digest: str, now_ns: int) -> Fields:
    """mtopt_msgs/CameraExtrinsics."""
    return {
        "header": header(now_ns, BASE_FRAME),
        "cameras": [camera.name for camera in cameras],
        "poses": [pose(camera.T_base_camera) for camera in cameras],
        "calibration_hash": digest,
    }


def step(done: Step, episode_id: str, cell: str, task: str) -> Fields:
    """mtopt_msgs/EpisodeStep."""
    seen, chosen, taken = done.observation, done.decision, done.taken
    return {
        "header": header(taken.ended_ns, BASE_FRAME),
        "episode_id": episode_id,
        "cell": cell,
        "task": task,
        "index": done.index,
        "image_stamp": time_fields(chosen.image_stamp_ns),
        "gripper_closed": seen.gripper_closed,
        "gripper_height": seen.gripper_height_m,
        "tool_before": pose(seen.T_base_tool),
        "chosen": action(chosen.action),
        "sent": action(taken.sent),
        "tool_after": pose(taken.T_base_tool),
        "motion_start": time_fields(taken.started_ns),
        "motion_end": time_fields(taken.ended_ns),
        "source": chosen.source,
        "model": chosen.model,
        "q": chosen.q,
        "latency": chosen.latency_s,
        "novelty": chosen.novelty,
        "q_spread": chosen.q_spread,
    }


def outcome(
    episode: Episode, grade: Grade | None, episode_id: str, cell: str, now_ns: int
) -> Fields:
    """mtopt_msgs/EpisodeOutcome."""
    return {
        "header": header(now_ns, BASE_FRAME),
        "episode_id": episode_id,
        "cell": cell,
        "task": episode.task.name,
        "seed": episode.seed,
        "steps": len(episode.steps),
        "end_reason": str(episode.reason),
        "message": episode.message,
        "graded": grade is not None,
        "grader": grade.grader if grade is not None else "",
        "outcomes": _outcomes(grade) if grade is not None else [],
    }


def _outcomes(grade: Grade) -> list[Fields]:
    return [
        {"task": task, "probability": float(p), "success": grade.success[task]}
        for task, p in grade.probability.items()
    ]


def _xyz(x: float, y: float, z: float) -> Fields:
    return {"x": float(x), "y": float(y), "z": float(z)}
