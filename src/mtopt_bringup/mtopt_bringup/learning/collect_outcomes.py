"""`mtopt collect outcomes`: labelled outcomes of simulated cells, for training a detector."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mtopt_core.errors import ConfigError
from mtopt_core.purpose import Purpose
from mtopt_data import config_files
from mtopt_data.naming import check_cell
from mtopt_data.partfile import make_folder
from mtopt_sim.cell import CellConfig, SimCell
from mtopt_sim.config import read_sim
from mtopt_sim.staged import StagedOutcomes, labels_file
from mtopt_sim.variation.scenes import stage

from ..paths import Paths

OK = 0
_SOURCE = "mtopt collect outcomes"


def run(words: Sequence[str]) -> int:
    """0 done; raises MtoptError. A cell whose labels are there is left alone."""
    wanted = _parser().parse_args(words)
    if not 1 <= wanted.count <= 100_000:
        raise ConfigError(_SOURCE, "count", wanted.count, "must be 1 to 100000")
    cells = [name.strip() for name in wanted.cells.split(",") if name.strip()]
    for name in cells:
        check_cell(name)
    paths = Paths.installed()
    files, folder = paths.node_files, Path(wanted.out).expanduser().absolute()
    shown = stage(files["scenes_file"], files["variation_file"], wanted.scene, wanted.variation)
    tasks = config_files.tasks(shown.tasks_file)
    config = CellConfig(shown.sim(read_sim(files["sim_file"])))
    make_folder(folder)
    made = dict.fromkeys(cells, 0)
    for name in cells:
        if labels_file(folder, name).exists():
            continue
        cell = SimCell.open(paths.config.parent, config, variation=shown.variation(name))
        try:
            seed = Purpose.TRAINING.seed("staged", name, wanted.seed)
            made[name] = StagedOutcomes(cell, tasks, folder, name, seed).make(wanted.count)
        finally:
            cell.close()
        if not wanted.json:
            sys.stdout.write(f"{made[name]} outcomes of {name} in {folder}\n")
    if wanted.json:
        sys.stdout.write(json.dumps({"folder": str(folder), "made": made}) + "\n")
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mtopt collect outcomes",
        description="Makes outcomes of every kind in simulated cells: three images each, labelled "
        "by the simulation's truth, as `mtopt learn detector --labels` reads them.",
    )
    parser.add_argument("--cells", required=True, help="names, with commas; each has its own look")
    parser.add_argument("--count", type=int, default=150, help="of each cell (default 150)")
    parser.add_argument("--out", default="labelled", help="folder (default labelled)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default 1)")
    parser.add_argument("--scene", default="everyday", help="of config/scenes.yaml (everyday)")
    parser.add_argument("--variation", default="", metavar="LEVEL", help="how far cells differ")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    return parser
