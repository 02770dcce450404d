"""What a collected episode's file holds: the topics, types and offers of a cell's ROS nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtopt_data.cdr import CdrEncoder
from mtopt_data.qos import QosProfile, offered_qos
from mtopt_data.schema import ament_finder, message_definition

from ..lens import CAMERAS

_DRIVER = QosProfile(depth=10)
_STATES = QosProfile(depth=100)
_LATCHED = QosProfile(depth=1, durability="transient_local")

EXTRINSICS, JOINTS = "camera/extrinsics", "joint_states"
STEP, OUTCOME = "episode/step", "episode/outcome"


def image_topic(camera: str) -> str:
    """Where a camera's JPEGs are."""
    return f"camera/{camera}/image_raw/compressed"


def info_topic(camera: str) -> str:
    """Where a camera's intrinsics are."""
    return f"camera/{camera}/camera_info"


@dataclass(frozen=True, eq=False)
class Channel:
    """A topic relative to the cell's namespace, and how its messages become bytes."""

    topic: str
    type_name: str
    definition: str
    qos: str
    encode: CdrEncoder


_TYPES: Mapping[str, tuple[str, QosProfile]] = {
    **{image_topic(c): ("sensor_msgs/msg/CompressedImage", _DRIVER) for c in CAMERAS},
    **{info_topic(c): ("sensor_msgs/msg/CameraInfo", _DRIVER) for c in CAMERAS},
    EXTRINSICS: ("mtopt_msgs/msg/CameraExtrinsics", _LATCHED),
    JOINTS: ("sensor_msgs/msg/JointState", _DRIVER),
    STEP: ("mtopt_msgs/msg/EpisodeStep", _STATES),
    OUTCOME: ("mtopt_msgs/msg/EpisodeOutcome", _STATES),
}


def prefixes() -> list[Path]:
    """Where message definitions are installed: the sourced workspaces, then this interpreter's."""
    named = os.environ.get("AMENT_PREFIX_PATH", "").split(":")
    return [Path(prefix) for prefix in (*named, sys.prefix) if prefix]


def channels(places: list[Path] | None = None) -> dict[str, Channel]:
    """All channels of an episode by topic; raises SchemaMissing, SchemaInvalid."""
    find_file = ament_finder(prefixes() if places is None else places)
    made: dict[str, Channel] = {}
    for topic, (type_name, qos) in _TYPES.items():
        definition = message_definition(type_name, find_file)
        encode = CdrEncoder(type_name, definition)
        made[topic] = Channel(topic, type_name, definition, offered_qos([qos]), encode)
    return made
