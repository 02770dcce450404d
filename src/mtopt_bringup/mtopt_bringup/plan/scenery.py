"""Which scene each cell of a fleet shows, and the tasks that go with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mtopt_core.errors import ConfigError
from mtopt_core.purpose import Purpose
from mtopt_sim.variation.scenes import read_scenes, stage

from ..paths import Paths
from ..spoken import SOURCE
from .arguments import Arguments
from .fleet import CellConfig, Fleet

_SIMULATED = "mujoco"  # the hardware that can be varied


def staged(fleet: Fleet, arguments: Arguments, paths: Paths) -> Fleet:
    """The fleet with the scene of each cell and how far it is varied, arguments first.

    Raises ConfigError, UnknownScene, and ReservedForEvaluation: a fleet trains.
    """
    cells = tuple(_staged(cell, fleet.source, arguments, paths) for cell in fleet.cells)
    return replace(fleet, cells=cells)


def with_tasks(paths: Paths, fleet: Fleet) -> Paths:
    """The paths with the task file of the fleet's scenes; raises ConfigError for several."""
    files = {cell.scene: _tasks_file(cell, paths) for cell in fleet.cells}
    if len(set(files.values())) > 1:
        said = "; ".join(f"{scene or 'none'}: {file.name}" for scene, file in files.items())
        allowed = f"must be scenes with one task file for all cells, and they have {said}"
        raise ConfigError(fleet.source, "scene", ", ".join(files), allowed)
    return replace(paths, tasks_file=next(iter(files.values())))


def _staged(cell: CellConfig, source: str, arguments: Arguments, paths: Paths) -> CellConfig:
    hardware, scene = arguments.hardware or cell.hardware, arguments.scene or cell.scene
    if hardware != _SIMULATED:
        _refuse_variation(cell, source, arguments, hardware)
        if scene:
            read_scenes(_file(cell, "scenes_file", paths)).serve(scene, Purpose.TRAINING)
        return replace(cell, scene=scene, variation="")
    level = arguments.variation or cell.variation
    scenes, ranges = _file(cell, "scenes_file", paths), _file(cell, "variation_file", paths)
    return replace(cell, scene=scene, variation=stage(scenes, ranges, scene, level).scene.level)


def _refuse_variation(cell: CellConfig, source: str, arguments: Arguments, hardware: str) -> None:
    """Only a simulation can be varied; a cell that is moved to other hardware leaves it behind."""
    allowed = f"must be empty: {cell.name} runs on {hardware}, only {_SIMULATED} can be varied"
    if arguments.variation:
        raise ConfigError(SOURCE, "variation", arguments.variation, allowed)
    if cell.variation and hardware == cell.hardware:
        raise ConfigError(f"{source}: {cell.name}", "variation", cell.variation, allowed)


def _tasks_file(cell: CellConfig, paths: Paths) -> Path:
    if not cell.scene:
        return paths.tasks
    file = _file(cell, "scenes_file", paths)
    return file.parent / read_scenes(file).serve(cell.scene, Purpose.TRAINING).tasks


def _file(cell: CellConfig, name: str, paths: Paths) -> Path:
    """One of the simulation's files: the cell's own, or the project's."""
    return Path(getattr(cell.nodes.mujoco, name) or paths.node_files[name])
