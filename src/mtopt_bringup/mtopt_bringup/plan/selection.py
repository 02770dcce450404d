"""Which cells of a fleet a start means, and what they collect."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mtopt_core.errors import ConfigError, CoreError
from mtopt_core.schedule import Schedule
from mtopt_core.tasks import TaskRegistry

from ..spoken import SOURCE
from .arguments import Arguments
from .fleet import SIMULATED_TIME, CameraDevices, CellConfig, Fleet

_SEEDS = 2**31 - 1  # seeds are 1.._SEEDS; 0 means to draw one


@dataclass(frozen=True)
class CellStart:
    """One cell with all that this start asks of it. `episodes` and `seed`: 0 is unset."""

    cell: CellConfig
    tasks: tuple[str, ...]
    episodes: int
    seed: int


def starts(fleet: Fleet, arguments: Arguments, registry: TaskRegistry) -> tuple[CellStart, ...]:
    """The cells to start, in the fleet's order; raises ConfigError.

    `episodes` is shared out evenly, the first cells get what is left over; a cell that would
    get none is not started.
    """
    fleet.check_tasks(registry)
    cells = _chosen(_on_hardware(fleet, arguments), arguments)
    if arguments.speed != 1.0 and any(cell.hardware != "mujoco" for cell in cells):
        other = next(cell for cell in cells if cell.hardware != "mujoco")
        allowed = f"must be 1: {other.name} runs on {other.hardware}, only mujoco can change pace"
        raise ConfigError(SOURCE, "speed", arguments.speed, allowed)
    begun = [
        CellStart(
            cell,
            _tasks(cell, arguments, registry),
            _share(arguments.episodes, len(cells), index),
            (arguments.seed - 1 + index) % _SEEDS + 1 if arguments.seed else 0,
        )
        for index, cell in enumerate(cells)
    ]
    return tuple(start for start in begun if start.episodes or not arguments.episodes)


def _share(total: int, parts: int, index: int) -> int:
    return total // parts + (index < total % parts)


def _on_hardware(fleet: Fleet, arguments: Arguments) -> Fleet:
    """The fleet on the hardware asked for; a simulator brings its own cameras."""
    if not arguments.hardware:
        return fleet
    return replace(fleet, cells=tuple(_moved(cell, arguments.hardware) for cell in fleet.cells))


def _moved(cell: CellConfig, hardware: str) -> CellConfig:
    if cell.hardware == hardware:
        return cell
    cameras = CameraDevices() if hardware in SIMULATED_TIME else cell.cameras
    return replace(cell, hardware=hardware, cameras=cameras)


def _chosen(fleet: Fleet, arguments: Arguments) -> tuple[CellConfig, ...]:
    if arguments.cell_count is not None:
        return _first(fleet, arguments.cell_count)
    known = {cell.name: cell for cell in fleet.cells}
    for name in arguments.cell_names:
        if name not in known:
            allowed = f"must be a number or among {', '.join(known)} ({fleet.source})"
            raise ConfigError(SOURCE, "cells", name, allowed)
    names = arguments.cell_names
    return tuple(cell for cell in fleet.cells if not names or cell.name in names)


def _first(fleet: Fleet, count: int) -> tuple[CellConfig, ...]:
    """So many cells; where the file has fewer, more of the kind of its first."""
    model = fleet.cells[0]
    if count > len(fleet.cells) and model.hardware == "iiwa":
        allowed = f"at most {len(fleet.cells)}: real cells must stand in {fleet.source}"
        raise ConfigError(SOURCE, "cells", count, allowed)
    cells = list(fleet.cells[:count])
    taken = {cell.name for cell in fleet.cells}
    number = 1
    while len(cells) < count:
        if f"cell{number}" not in taken:
            cells.append(replace(model, name=f"cell{number}"))
        number += 1
    return tuple(cells)


def _tasks(cell: CellConfig, arguments: Arguments, registry: TaskRegistry) -> tuple[str, ...]:
    """The cell's tasks among those asked for, in registry order; empty: all."""
    for name in arguments.task_names:
        if name not in registry.names:
            allowed = f"must be among {', '.join(registry.names)}"
            raise ConfigError(SOURCE, "tasks", name, allowed)
    if not arguments.task_names:
        return _schedulable(cell.tasks, cell, registry)
    allowed_here = cell.tasks or registry.names
    both = tuple(n for n in registry.names if n in arguments.task_names and n in allowed_here)
    if not both:
        allowed = f"{cell.name} may run only {', '.join(allowed_here)}"
        raise ConfigError(SOURCE, "tasks", arguments.tasks, allowed)
    return _schedulable(both, cell, registry)


def _schedulable(
    names: tuple[str, ...], cell: CellConfig, registry: TaskRegistry
) -> tuple[str, ...]:
    """The names, if a cell can live on these tasks: a place needs a lift before it."""
    try:
        Schedule(registry.only(names))
    except CoreError as error:
        said = ", ".join(names)
        raise ConfigError(f"tasks of {cell.name}", "tasks", said, str(error)) from None
    return names
