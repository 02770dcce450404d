"""The fleet as processes: a pure function that both starters begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtopt_core.tasks import TaskRegistry
from mtopt_ros.parameters import leaves
from mtopt_ros.settings import CAMERAS, SETTINGS

from .arguments import Arguments
from .fleet import CellConfig, Fleet
from .paths import Paths
from .selection import CellStart, starts

Parameters = dict[str, Any]  # dotted names; values are bool, int, float, str or lists of them

PACKAGE = "mtopt_ros"
COMPOSED = "composed"
MANAGED = tuple(name for name in SETTINGS if name != "mujoco")
_SEND_IMAGES = ("mujoco", "camera", COMPOSED)


@dataclass(frozen=True)
class Process:
    """One process of a cell and what it is told.

    `parameters` has one entry a node in the process, by the node's name. `node` is the name
    given to the process's only node, empty where it has several.
    """

    executable: str
    namespace: str
    parameters: Mapping[str, Parameters]
    node: str = ""
    remappings: tuple[tuple[str, str], ...] = ()
    ends_fleet: bool = False
    sends_images: bool = False
    package: str = field(default=PACKAGE)

    @property
    def name(self) -> str:
        """Unique in the fleet: `cell1.arm`."""
        return f"{self.namespace.strip('/')}.{self.executable}"

    @property
    def cell(self) -> str:
        """The cell that the process belongs to."""
        return self.namespace.strip("/")

    @property
    def arguments(self) -> list[str]:
        """ROS arguments that give the node its name, namespace and remappings."""
        rules = [f"__ns:={self.namespace}", *(f"{a}:={b}" for a, b in self.remappings)]
        if self.node:
            rules.insert(0, f"__node:={self.node}")
        return [word for rule in rules for word in ("-r", rule)]


def graph(
    fleet: Fleet, arguments: Arguments, paths: Paths, registry: TaskRegistry
) -> tuple[Process, ...]:
    """Every process of a start; raises ConfigError for what cannot be started."""
    begun = starts(fleet, arguments, registry)
    # Each MuJoCo cell keeps its own time. One alone is everybody's clock; of several, each
    # cell's nodes listen to their own.
    clocks = sum(start.cell.hardware == "mujoco" for start in begun)
    own_clock = clocks > 1 or (clocks == 1 and any(s.cell.hardware == "gazebo" for s in begun))
    return tuple(
        process for start in begun for process in _cell(start, arguments, paths, own_clock)
    )


def _cell(start: CellStart, arguments: Arguments, paths: Paths, own_clock: bool) -> list[Process]:
    cell = start.cell
    namespace = f"/{cell.name}"
    mujoco = cell.hardware == "mujoco"
    remappings = (("/clock", f"{namespace}/clock"),) if own_clock and mujoco else ()
    told = {name: _told(name, start, arguments, paths) for name in SETTINGS}

    def alone(name: str) -> Process:
        return Process(
            name,
            namespace,
            {name: told[name]},
            name,
            remappings,
            ends_fleet=name == "runner",
            sends_images=name in _SEND_IMAGES,
        )

    hardware = [alone("mujoco")] if mujoco else []
    if not arguments.composed:
        return hardware + [alone(name) for name in MANAGED]
    together = {name: told[name] for name in MANAGED}
    return [
        *hardware,
        Process(
            COMPOSED,
            namespace,
            together,
            remappings=remappings,
            ends_fleet=True,
            sends_images=True,
        ),
    ]


def _told(node: str, start: CellStart, arguments: Arguments, paths: Paths) -> Parameters:
    """What one node is told: all that differs from its defaults, files, and whose time."""
    overrides = getattr(start.cell.nodes, node)
    told: Parameters = {"use_sim_time": start.cell.simulated_time}
    for leaf in leaves(SETTINGS[node]):
        value = _at(overrides, leaf.name)
        if value != leaf.default:
            told[leaf.name] = _plain(value)
        elif leaf.name in paths.node_files:
            told[leaf.name] = str(paths.node_files[leaf.name])
    told |= _particular(node, start, arguments)
    return told


def _particular(node: str, start: CellStart, arguments: Arguments) -> Parameters:
    """What the cell and the arguments decide, where it differs from the node's defaults."""
    cell = start.cell
    prefix = {"joint_prefix": cell.joint_prefix}
    staged = {"scene": cell.scene, "variation": cell.variation}
    said: dict[str, Parameters] = {
        "mujoco": {"seed": start.seed, "speed": arguments.speed} | prefix | staged,
        "camera": _camera(cell) | prefix,
        "arm": prefix,
        "bin": prefix,
        "policy": {"models": _absolute(arguments.models)},
        "recorder": {"data": str(arguments.data_folder), "robot_serial": cell.robot_serial}
        | staged,
        "runner": {
            "tasks": list(start.tasks),
            "episodes": start.episodes,
            "seed": start.seed,
            "operator_name": cell.operator,
        },
    }
    defaults = {leaf.name: _plain(leaf.default) for leaf in leaves(SETTINGS[node])}
    return {name: v for name, v in said.get(node, {}).items() if v != defaults[name]}


def _camera(cell: CellConfig) -> Parameters:
    devices = cell.cameras
    sources = {camera: getattr(devices, camera) for camera in CAMERAS}
    return {"source": devices.source, "calibration_file": devices.calibration, **sources}


def _absolute(folder: str) -> str:
    return str(Path(folder).expanduser().absolute()) if folder else ""


def _at(settings: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        settings = getattr(settings, part)
    return settings


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value
