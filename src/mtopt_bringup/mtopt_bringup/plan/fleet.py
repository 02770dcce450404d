"""The fleet file: which cells there are, and what is particular about each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtopt_core.config import described, from_mapping, option, section
from mtopt_core.errors import ConfigError
from mtopt_core.tasks import TaskRegistry
from mtopt_data.errors import NameInvalid
from mtopt_data.naming import check_cell
from mtopt_data.yamlfile import read_yaml
from mtopt_ros.settings import (
    CAMERAS,
    ArmSettings,
    BinSettings,
    CameraSettings,
    MujocoSettings,
    PolicySettings,
    RecorderSettings,
    RunnerSettings,
    SuccessSettings,
    WardenSettings,
)
from mtopt_sim.variation.config import LEVELS

HARDWARE = ("mujoco", "gazebo", "mock", "iiwa")
SHARED = "fleet"  # the namespace of what all cells share; no cell may have it
SIMULATED_TIME = ("mujoco", "gazebo")  # hardware whose time comes from /clock

_PREFIXED = {"joint_prefix": "the cell's `prefixed`"}
_STAGED = {"scene": "the cell's `scene`", "variation": "the cell's `variation`"}
# Node settings that have their place elsewhere, and where; a fleet file sets them there alone.
ELSEWHERE = {
    "camera": _PREFIXED
    | dict.fromkeys(("source", *CAMERAS, "calibration_file"), "the cell's `cameras`"),
    "arm": _PREFIXED,
    "bin": _PREFIXED,
    "policy": {
        "models": "the argument `models`",
        "cells": "the graph, from the cells",
        "mixes": "the graph, from each cell's `mix`",
    },
    "success": {"models": "the argument `models`"},
    "warden": {"needs": "the graph, from the argument `shared_policy`"},
    "recorder": _STAGED
    | {"data": "the argument `data`", "robot_serial": "the cell's `robot_serial`"},
    "runner": {
        "tasks": "the cell's `tasks`",
        "episodes": "the argument `episodes`",
        "seed": "the argument `seed`",
        "operator_name": "the cell's `operator`",
        "data": "the argument `data`",
        "ledger": "the starter, a file a start",
    },
    "mujoco": _PREFIXED
    | _STAGED
    | {"seed": "the argument `seed`", "speed": "the argument `speed`"},
}
_ONE_REGISTRY = "the `scene`, config/tasks.yaml without one: one registry for all cells"


@dataclass(frozen=True)
class CameraDevices:
    """Where a cell's three cameras are."""

    source: str = option(
        "topic",
        "what the camera node reads: topics of a driver or simulator, V4L2 devices, video files",
        choices=("topic", "v4l2", "file"),
    )
    overhead: str = option("", "device or video file of the overhead camera")
    left: str = option("", "device or video file of the left camera")
    right: str = option("", "device or video file of the right camera")
    calibration: str = option("", "measured calibration; empty takes the nominal one")


@dataclass(frozen=True)
class NodeOverrides:
    """Settings of single nodes that differ in this cell; see the tables of the nodes."""

    mujoco: MujocoSettings = section(MujocoSettings, "the simulated cell")
    camera: CameraSettings = section(CameraSettings, "the cameras")
    arm: ArmSettings = section(ArmSettings, "arm and gripper")
    bin: BinSettings = section(BinSettings, "the motorized bins")
    policy: PolicySettings = section(PolicySettings, "who decides")
    success: SuccessSettings = section(SuccessSettings, "who grades")
    recorder: RecorderSettings = section(RecorderSettings, "the episode log")
    runner: RunnerSettings = section(RunnerSettings, "the episodes")
    warden: WardenSettings = section(WardenSettings, "who watches")


@dataclass(frozen=True)
class CellConfig:
    """One cell."""

    name: str = option("", "name and ROS namespace: letters, digits and _")
    hardware: str = option("mujoco", "what stands behind the hardware topics", choices=HARDWARE)
    robot_serial: str = option("", "serial number of the arm, for the log")
    operator: str = option("", "who answers for the cell, for the log")
    tasks: tuple[str, ...] = option([], "tasks that the cell may run; empty: all")
    scene: str = option(
        "", "scene of config/scenes.yaml; on a real cell, what people have put into the bins"
    )
    variation: str = option(
        "", "how far a simulated cell differs; empty: as its scene says", choices=("", *LEVELS)
    )
    prefixed: bool = option(
        False, "whether joints and links have the cell's name before theirs, as cell1_"
    )
    cameras: CameraDevices = section(CameraDevices, "where the images come from")
    nodes: NodeOverrides = section(NodeOverrides, "settings of single nodes")

    @property
    def simulated_time(self) -> bool:
        """Whether the cell's nodes follow /clock."""
        return self.hardware in SIMULATED_TIME

    @property
    def joint_prefix(self) -> str:
        """What stands before the names of the cell's joints and links."""
        return f"{self.name}_" if self.prefixed else ""


@dataclass(frozen=True)
class Fleet:
    """All cells, and the file that they stand in."""

    cells: tuple[CellConfig, ...]
    source: str

    @classmethod
    def load(cls, path: Path) -> Fleet:
        """The fleet of a file; raises ConfigError or YamlInvalid, which name file and field."""
        return cls.from_mapping(read_yaml(path), str(path))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], source: str) -> Fleet:
        """The fleet of a parsed file; relative paths in it are relative to that file."""
        for key in values:
            if key != "cells":
                raise ConfigError(source, key, values[key], "no such field; fields are cells")
        entries = values.get("cells")
        if not isinstance(entries, list) or not entries:
            raise ConfigError(source, "cells", entries, "must be a list of at least one cell")
        cells = tuple(_cell(entry, i, source) for i, entry in enumerate(entries))
        names = [cell.name for cell in cells]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(source, "cells", name, "stands in the list twice")
        return cls(cells, source)

    def check_tasks(self, registry: TaskRegistry) -> None:
        """The cells' tasks are among those that there are; raises ConfigError."""
        for index, cell in enumerate(self.cells):
            for task in cell.tasks:
                if task not in registry.names:
                    where = f"{self.source}: cells[{index}] ({cell.name})"
                    allowed = f"must be among {', '.join(registry.names)}"
                    raise ConfigError(where, "tasks", task, allowed)


def _cell(entry: Any, index: int, source: str) -> CellConfig:
    where = f"{source}: cells[{index}]"
    if not isinstance(entry, Mapping):
        fields = ", ".join(described(CellConfig))
        raise ConfigError(where, "cell", entry, f"must be a mapping; fields are {fields}")
    if entry.get("name"):
        where += f" ({entry['name']})"
    _refuse_misplaced(entry.get("nodes"), where)
    cell = from_mapping(CellConfig, entry, where)
    try:
        check_cell(cell.name)
    except NameInvalid as error:
        allowed = str(error).partition(": ")[2]
        raise ConfigError(where, "name", cell.name, allowed) from None
    if cell.name == SHARED:
        raise ConfigError(where, "name", cell.name, "must be another: it is what all cells share")
    _check_cameras(cell.cameras, where)
    _refuse_emptied(cell.nodes, NodeOverrides(), f"{where}: nodes")
    return _anchored(cell, Path(source).absolute().parent)


def _refuse_misplaced(nodes: Any, where: str) -> None:
    if not isinstance(nodes, Mapping):
        return  # from_mapping has the words for that
    for node, values in nodes.items():
        for field in values if isinstance(values, Mapping) else ():
            place = ELSEWHERE.get(node, {}).get(field)
            place = _ONE_REGISTRY if field == "tasks_file" else place
            if place:
                raise ConfigError(
                    f"{where}: nodes: {node}", field, values[field], f"set by {place}"
                )


def _check_cameras(cameras: CameraDevices, where: str) -> None:
    for camera in CAMERAS:
        device = getattr(cameras, camera)
        if cameras.source == "topic" and device:
            allowed = "must be empty while source is topic"
            raise ConfigError(f"{where}: cameras", camera, device, allowed)
        if cameras.source != "topic" and not device:
            kind = "a device such as /dev/video0" if cameras.source == "v4l2" else "a video file"
            raise ConfigError(f"{where}: cameras", camera, device, f"must name {kind}")


def _refuse_emptied(settings: Any, default: Any, where: str) -> None:
    """A list that is not empty by default can't be made so: ROS has no way to say it."""
    for field in dataclasses.fields(settings):
        value, usual = getattr(settings, field.name), getattr(default, field.name)
        if dataclasses.is_dataclass(value):
            _refuse_emptied(value, usual, f"{where}: {field.name}")
        elif value == () and usual:
            raise ConfigError(where, field.name, [], "must have at least one item")


def _anchored(settings: Any, folder: Path) -> Any:
    """The same settings with every path made absolute."""
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            changed[field.name] = _anchored(value, folder)
        elif value and _is_path(settings, field.name):
            changed[field.name] = str(folder / value)
    return dataclasses.replace(settings, **changed)


def _is_path(settings: Any, field: str) -> bool:
    if isinstance(settings, CameraDevices):
        return field == "calibration" or (settings.source == "file" and field in CAMERAS)
    return field.endswith("_file")
