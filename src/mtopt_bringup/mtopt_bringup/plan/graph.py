"""The fleet as processes: a pure function that both starters begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from mtopt_core.errors import ConfigError
from mtopt_core.exploration import MixConfig, words_of
from mtopt_core.tasks import TaskRegistry
from mtopt_ros.parameters import leaves
from mtopt_ros.settings import CAMERAS, SETTINGS, WardenSettings

from ..paths import Paths
from . import acting
from .arguments import Arguments
from .fleet import SHARED, CellConfig, Fleet
from .selection import CellStart, starts

Parameters = dict[str, Any]  # dotted names; values are bool, int, float, str or lists of them

PACKAGE = "mtopt_ros"
COMPOSED = "composed"
MANAGED = tuple(name for name in SETTINGS if name != "mujoco")
LATCH = "emergency_stop"
_WARDEN = WardenSettings()
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
        """The cell that the process belongs to; empty for what all cells share."""
        return "" if self.namespace == f"/{SHARED}" else self.namespace.strip("/")

    @property
    def words(self) -> list[str]:
        """What the executable is told beside ROS's arguments: the nodes, where it has several."""
        return [] if self.node else list(self.parameters)

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
    processes = [p for start in begun for p in _cell(start, arguments, paths, own_clock)]
    if arguments.shared_policy:
        processes = [_leaning(p) for p in processes if p.node != "policy"]
        processes += _server(begun, arguments, paths, fleet.source)
    return tuple(processes)


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


def _server(
    begun: Sequence[CellStart], arguments: Arguments, paths: Paths, source: str
) -> list[Process]:
    """The policy server of all cells and the warden that brings it up; raises ConfigError."""
    first = begun[0].cell.nodes.policy
    for start in begun[1:]:
        _check_alike(begun[0].cell.name, first, start.cell, source)
    served = [start.cell.name for start in begun]
    meant = {start.cell.name: _mix(start, arguments, paths) for start in begun}
    common = meant[begun[0].cell.name]
    mixes = [f"{name}={words_of(mix)}" for name, mix in meant.items() if mix != common]
    policy = _told("policy", begun[0], arguments, paths) | {"cells": served}
    policy |= {"mixes": mixes} if mixes else {}
    told: dict[str, Parameters] = {"policy": policy, "warden": {"nodes": ["policy"]}}
    return [
        Process(name, f"/{SHARED}", {name: parameters | {"use_sim_time": False}}, name)
        for name, parameters in told.items()
    ]


def _check_alike(name: str, policy: Any, other: CellConfig, source: str) -> None:
    """One server has one of each setting; only the mix may differ from cell to cell."""
    for each in fields(policy):
        value = getattr(other.nodes.policy, each.name)
        if each.name != "mix" and value != getattr(policy, each.name):
            allowed = f"must be as in {name}, since they share a policy server; only mix may differ"
            raise ConfigError(f"{source}: {other.name}: nodes: policy", each.name, value, allowed)


def remembering(processes: Sequence[Process], folder: Path) -> tuple[Process, ...]:
    """The processes of one start, whose runners keep their counts in its folder."""

    def told(process: Process) -> Process:
        if "runner" not in process.parameters:
            return process
        kept = {"ledger": str(folder / f"{process.cell}.json")}
        runner = {**process.parameters["runner"], **kept}
        return replace(process, parameters={**process.parameters, "runner": runner})

    return tuple(told(process) for process in processes)


def _leaning(process: Process) -> Process:
    """A cell's process where the policy is the fleet's: whom to ask, whom to wait for."""
    parameters = {node: told for node, told in process.parameters.items() if node != "policy"}
    if "runner" in parameters:
        service = "policy/select_action"
        rule = (service, f"/{SHARED}/{service}")
        process = replace(process, remappings=(*process.remappings, rule))
    if "warden" in parameters:
        told = parameters["warden"]
        nodes = [name for name in told.get("nodes", _WARDEN.nodes) if name != "policy"]
        parameters["warden"] = told | {"nodes": nodes, "needs": [f"{SHARED}/policy"]}
    return replace(process, parameters=parameters)


def _plain_mix(mix: MixConfig) -> Parameters:
    return {f"mix.{each.name}": _plain(getattr(mix, each.name)) for each in fields(MixConfig)}


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
    told |= _particular(node, start, arguments, _mix(start, arguments, paths))
    if node == "arm" and paths.state is not None and "latch" not in told:
        told["latch"] = str(paths.state / start.cell.name / LATCH)
    return told


def _mix(start: CellStart, arguments: Arguments, paths: Paths) -> MixConfig:
    """Who acts: as the cell has it, else as the models go."""
    own = start.cell.nodes.policy.mix
    return acting.mix(arguments, paths) if own == MixConfig() else own


def _particular(node: str, start: CellStart, arguments: Arguments, mix: MixConfig) -> Parameters:
    """What the cell and the arguments decide, where it differs from the node's defaults."""
    cell = start.cell
    prefix = {"joint_prefix": cell.joint_prefix}
    staged = {"scene": cell.scene, "variation": cell.variation}
    said: dict[str, Parameters] = {
        "mujoco": {"seed": start.seed, "speed": arguments.speed} | prefix | staged,
        "camera": _camera(cell) | prefix,
        "arm": prefix,
        "bin": prefix,
        "policy": {"models": _absolute(arguments.models)} | _plain_mix(mix),
        "success": {"models": _absolute(arguments.models)},
        "recorder": {"data": str(arguments.data_folder), "robot_serial": cell.robot_serial}
        | staged,
        "runner": {
            "tasks": list(start.tasks),
            "episodes": start.episodes,
            "seed": start.seed,
            "operator_name": cell.operator,
            "data": str(arguments.data_folder),
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
