"""Bench `episode`: episodes of a simulated cell in this process, as fast as the machine can.

No ROS, no log: this is what simulation, motion planning, rendering and the loop cost.
"""

from __future__ import annotations

import time

from mtopt_bringup.paths import Paths
from mtopt_core.episode import run_episode
from mtopt_core.scripted import ScriptedPick
from mtopt_data import config_files
from mtopt_sim.cell import SimCell

from .report import Goal, Report

EPISODES = 4
# A robot of the paper's fleet collects 3,300 episodes in a day.
_GOALS = {"episodes_per_hour": Goal(at_least=140.0)}


def measure() -> Report:
    """Scripted picks with their reset; the first, which lays the scene out, is apart."""
    paths = Paths.installed()
    registry = config_files.tasks(paths.tasks)
    actions = paths.node_files["actions_file"]
    bounds = config_files.action_bounds(actions)
    began_s = time.perf_counter()
    cell = SimCell.open(paths.config.parent)
    try:
        policy = ScriptedPick(cell.workcell.workspace, bounds)
        cell.reset(1)
        opened_s = time.perf_counter()
        steps = 0
        for seed in range(1, EPISODES + 1):
            steps += len(run_episode(cell, policy, registry["lift-any"], seed=seed).steps)
            cell.reset(seed)
        ended_s = time.perf_counter()
    finally:
        cell.close()
    figures = {
        "episodes_per_hour": 3600 * EPISODES / (ended_s - opened_s),
        "steps_per_episode": steps / EPISODES,
        "open_s": opened_s - began_s,
    }
    return Report("episode", {name: round(value, 2) for name, value in figures.items()}, _GOALS)
