"""An episode file as what a network learns from: an image, a state and an action for each step.

Nothing is valued after an episode's last step, so no image of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtopt_core.action import Action, ActionBounds
from mtopt_core.encoding import Numbers, encode_action, encode_state
from mtopt_core.geometry import Transform, rotation_of, transform, yaw_of
from mtopt_core.purpose import Purpose
from mtopt_data.metadata import EpisodeMetadata
from mtopt_data.naming import SUFFIX
from mtopt_data.reader import EpisodeReader
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.jpeg import image_of

from ..errors import EpisodeUnfit
from .view import TOOL, View

STEP, EXTRINSICS = "episode/step", "camera/extrinsics"
CAMERA = "overhead"
IMAGE, INFO = f"camera/{CAMERA}/image_raw/compressed", f"camera/{CAMERA}/camera_info"
POSE = ("x_m", "y_m", "z_m", "yaw_rad")


@dataclass(frozen=True, eq=False)
class Replayed:
    """An episode of N steps: `images` (N, H, W, 3) as its view cuts them, `states` (N, 2) and
    `actions` (N, 8) encoded, `tool` (N, 4) the tool's x, y, z and yaw before each step, base frame.

    `success` is by task name; `grader` is who said so, "truth" for a simulation's own state.
    """

    episode_id: str
    task: str
    end_reason: str
    grader: str
    success: Mapping[str, bool]
    images: NDArray[np.uint8]
    states: Numbers
    actions: Numbers
    tool: Numbers


def replayed(path: Path, view: View, bounds: ActionBounds) -> Replayed:
    """Decode a file.

    Raises DataError for one that is damaged, ImageInvalid for an image that is none, and
    EpisodeUnfit for one that is whole but of no use: kept for an evaluation, ended by a fault,
    without grades, with steps or images missing.
    """
    with EpisodeReader(path) as reader:
        metadata = reader.metadata
        _check_use(path, metadata)
        steps = _steps(path, reader, metadata)
        images = _images(path, reader, metadata, steps)
        poses = [_pose(step.tool_before) for step in steps]
        pixels = _tool_px(path, reader, metadata, poses, view)
    cut = [view.cut(image_of(data), at) for data, at in zip(images, pixels, strict=True)]
    return Replayed(
        metadata.episode_id,
        metadata.task,
        metadata.end_reason,
        metadata.grader,
        metadata.success,
        np.stack(cut),
        np.stack([encode_state(step.gripper_closed, step.gripper_height) for step in steps]),
        np.stack([encode_action(bounds.clamp(_action(step.sent)), bounds) for step in steps]),
        np.array([[*T[:3, 3], yaw_of(T)] for T in poses], dtype=np.float32),
    )


def _check_use(path: Path, metadata: EpisodeMetadata) -> None:
    if path.name != f"{metadata.episode_id}{SUFFIX}":
        raise EpisodeUnfit(f"{path}: holds episode {metadata.episode_id}")
    if metadata.purpose != Purpose.TRAINING:
        raise EpisodeUnfit(f"{path}: is kept for {metadata.purpose}")
    if not metadata.ordinary:
        raise EpisodeUnfit(f"{path}: ended with {metadata.end_reason}")
    if metadata.task not in metadata.success:
        raise EpisodeUnfit(f"{path}: was not graded for its own task {metadata.task}")
    if not metadata.steps:
        raise EpisodeUnfit(f"{path}: has no step")


def _steps(path: Path, reader: EpisodeReader, metadata: EpisodeMetadata) -> list[Any]:
    steps = [item.message for item in _messages(path, reader, metadata, STEP)]
    if [step.index for step in steps] != list(range(metadata.steps)):
        raise EpisodeUnfit(f"{path}: holds {len(steps)} steps, the episode had {metadata.steps}")
    return steps


def _images(
    path: Path, reader: EpisodeReader, metadata: EpisodeMetadata, steps: list[Any]
) -> list[bytes]:
    """The JPEG that each step was decided on."""
    stamps = [_ns(step.image_stamp) for step in steps]
    wanted, found = set(stamps), {}
    for item in _messages(path, reader, metadata, IMAGE):
        stamp_ns = _ns(item.message.header.stamp)
        if stamp_ns in wanted:
            found[stamp_ns] = bytes(item.message.data)
    missing = [index for index, stamp_ns in enumerate(stamps) if stamp_ns not in found]
    if missing:
        raise EpisodeUnfit(f"{path}: lacks the images of steps {missing}")
    return [found[stamp_ns] for stamp_ns in stamps]


def _tool_px(
    path: Path,
    reader: EpisodeReader,
    metadata: EpisodeMetadata,
    poses: list[Transform],
    view: View,
) -> list[NDArray[np.float64]]:
    """Where the tool is in each image, (u, v); looked up only for a view that asks."""
    if view.at != TOOL:
        return [np.zeros(2)] * len(poses)
    info = _first(path, reader, metadata, INFO)
    extrinsics = _first(path, reader, metadata, EXTRINSICS)
    if CAMERA not in extrinsics.cameras:
        raise EpisodeUnfit(f"{path}: does not say where camera {CAMERA} is")
    camera = CameraCalibration(
        CAMERA,
        info.width,
        info.height,
        np.array(info.k, dtype=np.float64).reshape(3, 3),
        np.resize(np.array([*info.d, 0, 0, 0, 0, 0], dtype=np.float64), 5),
        _pose(extrinsics.poses[list(extrinsics.cameras).index(CAMERA)]),
    )
    return [camera.project(T[:3, 3]) for T in poses]


def _first(path: Path, reader: EpisodeReader, metadata: EpisodeMetadata, name: str) -> Any:
    for item in _messages(path, reader, metadata, name):
        return item.message
    raise EpisodeUnfit(f"{path}: has no message of {name}")


def _messages(path: Path, reader: EpisodeReader, metadata: EpisodeMetadata, name: str) -> Any:
    topic = f"/{metadata.cell}/{name}"
    if topic not in reader.channels:
        raise EpisodeUnfit(f"{path}: has no channel {topic}")
    return reader.decoded([topic])


def _action(message: Any) -> Action:
    """What was sent; raises InvalidAction."""
    delta = message.delta.x, message.delta.y, message.delta.z
    return Action(delta, message.yaw, message.gripper, message.terminate)


def _pose(message: Any) -> Transform:
    turn, place = message.orientation, message.position
    rotation = rotation_of(np.array([turn.x, turn.y, turn.z, turn.w]))
    return transform(rotation, np.array([place.x, place.y, place.z]))


def _ns(stamp: Any) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
