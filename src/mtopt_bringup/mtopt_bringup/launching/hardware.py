"""What ros2_control, Gazebo and their bridge are told about one cell: no ROS here, only values.

The files in config/ name joints and topics plainly. A cell's own names are put to them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mtopt_core.config import option
from mtopt_data.naming import check_cell
from mtopt_data.yamlfile import read_yaml
from mtopt_robot.description import RobotDescription

from ..paths import Paths
from ..spoken import heard

HARDWARE = ("mock", "gazebo", "iiwa")
# In the order in which they are started: states are there before anybody moves.
CONTROLLERS = ("joint_state_broadcaster", "arm_controller", "gripper_controller", "bin_controller")


@dataclass(frozen=True)
class HardwareArguments:
    """What a person may say when starting the hardware of a cell."""

    cell: str = option("cell1", "name of the cell: the namespace of its topics")
    hardware: str = option("mock", "what drives the joints", choices=HARDWARE)
    prefixed: bool = option(
        False, "put the cell's name before every joint and link, for several cells in one tree"
    )
    headless: bool = option(True, "Gazebo without its window")


@dataclass(frozen=True)
class HardwareFiles:
    """One cell's own files and its description."""

    description: RobotDescription
    controllers: Path
    bridge: Path
    world: Path


def parse(texts: Mapping[str, str]) -> HardwareArguments:
    """Arguments of their texts; raises ConfigError or NameInvalid."""
    given = heard(HardwareArguments, texts)
    check_cell(given.cell)
    return given


def prepare(given: HardwareArguments, paths: Paths, folder: Path) -> HardwareFiles:
    """Write a cell's own files to a folder; raises MtoptError."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"{given.cell}_" if given.prefixed else ""
    controllers = _write(
        folder / f"{given.cell}.controllers.yaml",
        prefixed(read_yaml(paths.config / "controllers.yaml"), prefix),
    )
    entries = yaml.safe_load((paths.config / "gazebo" / "bridge.yaml").read_text(encoding="utf-8"))
    bridge = _write(folder / f"{given.cell}.bridge.yaml", bridged(entries, given.cell))
    description = RobotDescription.expand(
        paths.node_files["description_file"],
        {
            "cell": given.cell if given.prefixed else "",
            "namespace": given.cell,
            "hardware": given.hardware,
            "controllers": str(controllers.absolute()),
        },
    )
    return HardwareFiles(description, controllers, bridge, paths.config / "gazebo" / "cell.sdf")


def prefixed(controllers: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The controllers' parameters with a prefix before every joint's name."""
    named = {}
    for node, values in controllers.items():
        parameters = dict(values["ros__parameters"])
        plain = parameters.get("joints", [])
        if plain:
            parameters["joints"] = [prefix + joint for joint in plain]
            parameters["constraints"] = {
                prefix + key if key in plain else key: value
                for key, value in parameters["constraints"].items()
            }
        named[node] = {"ros__parameters": parameters}
    return named


def bridged(entries: Sequence[Mapping[str, str]], cell: str) -> list[dict[str, str]]:
    """The bridge's entries with a cell's name before every relative topic."""
    topics = ("ros_topic_name", "gz_topic_name")
    return [
        {key: _below(cell, value) if key in topics else value for key, value in entry.items()}
        for entry in entries
    ]


def _below(cell: str, topic: str) -> str:
    return topic if topic.startswith("/") else f"/{cell}/{topic}"


def _write(path: Path, values: Any) -> Path:
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path
