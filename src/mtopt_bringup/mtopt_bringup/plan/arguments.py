"""The arguments of a start: the same for `./mtopt up` and for the launch file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtopt_core.config import option
from mtopt_core.errors import ConfigError
from mtopt_sim.variation.config import LEVELS

from ..spoken import SOURCE, heard
from .fleet import HARDWARE

SCRIPTS = "none"  # as a model store: no model, whatever is there


@dataclass(frozen=True)
class Arguments:
    """What a person may say when starting a fleet."""

    fleet: str = option("", "fleet file; empty takes config/fleet.yaml")
    hardware: str = option(
        "", "hardware of every cell, in place of the fleet file's", choices=("", *HARDWARE)
    )
    cells: str = option("", "how many cells, or their names with commas; empty: all of the file")
    models: str = option(
        "", f"model store; empty: the shipped model in MuJoCo cells; {SCRIPTS}: scripts alone"
    )
    tasks: str = option("", "tasks to collect, with commas; empty: all that a cell may run")
    scene: str = option(
        "", "scene of config/scenes.yaml, for every cell; empty: the fleet file's, or none"
    )
    variation: str = option(
        "",
        "how far simulated cells differ, as config/variation.yaml has it; empty: as the scene says",
        choices=("", *LEVELS),
    )
    data: str = option("data", "folder that the episodes go to")
    console: bool = option(False, "web console; not part of this version", choices=(False,))
    composed: bool = option(False, "one process a cell, for small machines")
    shared_policy: bool = option(False, "one policy server for all cells, in place of one a cell")
    speed: float = option(
        1.0, "simulated seconds per second, MuJoCo cells only", low=0.01, high=100
    )
    episodes: int = option(0, "episodes to collect, over all cells; 0: no end", low=0, high=10**9)
    seed: int = option(0, "of scenes and schedules; 0 draws one", low=0, high=2**31 - 1)
    verbose: bool = option(False, "show the logs of all nodes")

    @property
    def task_names(self) -> tuple[str, ...]:
        """The tasks asked for; empty: no restriction."""
        return _listed(self.tasks)

    @property
    def cell_names(self) -> tuple[str, ...]:
        """The cells asked for by name; empty where a number or nothing was given."""
        return () if self.cell_count is not None else _listed(self.cells)

    @property
    def cell_count(self) -> int | None:
        """The number of cells asked for, if a number was given."""
        return int(self.cells) if self.cells.strip().isdecimal() else None

    @property
    def data_folder(self) -> Path:
        """Absolute."""
        return Path(self.data).expanduser().absolute()


def parse(texts: Mapping[str, str]) -> Arguments:
    """Arguments of their texts, as both starters get them; raises ConfigError."""
    given = heard(Arguments, texts)
    if given.cell_count == 0:
        raise ConfigError(SOURCE, "cells", given.cells, "must be at least 1, or names of cells")
    if not given.data.strip():
        raise ConfigError(SOURCE, "data", given.data, "must name a folder")
    return given


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
