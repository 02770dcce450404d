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
from mtopt_core.encoding import Numbers, encode_action
from mtopt_core.geometry import yaw_of
from mtopt_core.observation import Observation
from mtopt_core.purpose import Purpose
from mtopt_data.metadata import EpisodeMetadata
from mtopt_data.naming import SUFFIX
from mtopt_data.reader import EpisodeReader
from mtopt_robot.jpeg import image_of
from mtopt_robot.models.image import state_of
from mtopt_robot.recorded_camera import (
    recorded_camera,
    recorded_jpegs,
    recorded_ns,
    recorded_pose,
)

from ..errors import EpisodeUnfit
from .view import View

STEP, CAMERA = "episode/step", "overhead"
IMAGE = f"camera/{CAMERA}/image_raw/compressed"
POSE = ("x_m", "y_m", "z_m", "yaw_rad")


@dataclass(frozen=True, eq=False)
class Replayed:
    """An episode of N steps: `images` (N, H, W, 3) as its view cuts them, `states` (N, S) and
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
        poses = [recorded_pose(step.tool_before) for step in steps]
        projection = _projection(path, reader, metadata) if view.posed else None
    seen = [
        Observation(
            image_of(data), step.gripper_closed, step.gripper_height,
            recorded_ns(step.image_stamp), T, projection,
        )
        for data, step, T in zip(images, steps, poses, strict=True)
    ]  # fmt: skip
    wanted = view.image_format()
    return Replayed(
        metadata.episode_id,
        metadata.task,
        metadata.end_reason,
        metadata.grader,
        metadata.success,
        np.stack([view.cut(o.image, o.T_base_tool, projection) for o in seen]),
        np.stack([state_of(o, wanted) for o in seen]),
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
    topic = _topic(path, reader, metadata, STEP)
    steps = [item.message for item in reader.decoded([topic])]
    if [step.index for step in steps] != list(range(metadata.steps)):
        raise EpisodeUnfit(f"{path}: holds {len(steps)} steps, the episode had {metadata.steps}")
    return steps


def _images(
    path: Path, reader: EpisodeReader, metadata: EpisodeMetadata, steps: list[Any]
) -> list[bytes]:
    """The JPEG that each step was decided on."""
    stamps = [recorded_ns(step.image_stamp) for step in steps]
    found = recorded_jpegs(reader, _topic(path, reader, metadata, IMAGE), stamps)
    missing = [index for index, stamp_ns in enumerate(stamps) if stamp_ns not in found]
    if missing:
        raise EpisodeUnfit(f"{path}: lacks the images of steps {missing}")
    return [found[stamp_ns] for stamp_ns in stamps]


def _projection(
    path: Path, reader: EpisodeReader, metadata: EpisodeMetadata
) -> NDArray[np.float64]:
    """Maps points of the base frame to the camera's pixels, (3, 4)."""
    camera = recorded_camera(reader, metadata.cell, CAMERA)
    if camera is None:
        raise EpisodeUnfit(f"{path}: does not say where camera {CAMERA} is, or what its lens is")
    return camera.P_image_base


def _topic(path: Path, reader: EpisodeReader, metadata: EpisodeMetadata, name: str) -> str:
    topic = f"/{metadata.cell}/{name}"
    if topic not in reader.channels:
        raise EpisodeUnfit(f"{path}: has no channel {topic}")
    return topic


def _action(message: Any) -> Action:
    """What was sent; raises InvalidAction."""
    delta = message.delta.x, message.delta.y, message.delta.z
    return Action(delta, message.yaw, message.gripper, message.terminate)
