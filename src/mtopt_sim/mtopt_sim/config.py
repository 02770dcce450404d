"""Settings of the simulated cell, from config/sim.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtopt_core.config import from_mapping, option
from mtopt_data.yamlfile import read_yaml

EVERY_OBJECT = [
    "banana",
    "bottle",
    "sausage",
    "milk",
    "box",
    "can",
    "carrot",
    "tomato",
    "aubergine",
]

LATER_OBJECTS = ["transparent_bottle", "cloth"]  # of the tasks that are learned later


@dataclass(frozen=True)
class SimConfig:
    """How the cell is simulated: physics, what lies in it, what its cameras give."""

    timestep_s: float = option(0.004, "length of a physics step", unit="s", low=0.0005, high=0.01)
    solver_iterations: int = option(
        50, "most iterations of the contact solver a step; too few and grasps slip", low=5, high=200
    )
    sleep_m_s: float = option(
        0.01,
        "speed below which what lies still sleeps until something touches it; 0: never",
        unit="m/s",
        low=0.0,
        high=0.05,
    )
    objects: tuple[str, ...] = option(
        EVERY_OBJECT,
        "what lies in the right bin; a kind may come more than once, the cloth once",
        choices=(*EVERY_OBJECT, *LATER_OBJECTS),
    )
    spacing_m: float = option(
        0.065, "least distance of two objects' centres when scattered", unit="m", low=0.0, high=0.2
    )
    settle_s: float = option(
        4.0, "most time given to scattered objects to come to rest", unit="s", low=0.0, high=20.0
    )
    resting_m_s: float = option(
        0.01, "speed below which an object counts as at rest", unit="m/s", low=0.0005, high=0.1
    )
    grip_force_n: float = option(30.0, "most force of each finger", unit="N", low=1.0, high=60.0)
    plate_colours: tuple[str, ...] = option(
        ["blue", "green", "red"],
        "colours that the plate may have",
        choices=("blue", "green", "red"),
    )
    policy_height_px: int = option(512, "height of the policy image", unit="px", low=32, high=1024)
    policy_width_px: int = option(640, "width of the policy image", unit="px", low=32, high=1280)
    shadows: bool = option(False, "whether images have shadows; they cost 40 ms each on a CPU")
    samples: int = option(0, "samples a pixel against jagged edges", low=0, high=8)
    seed: int = option(0, "seed of the first scene", low=0)


def read_sim(path: Path) -> SimConfig:
    """The settings of a file; raises ConfigError or DataError."""
    return from_mapping(SimConfig, read_yaml(path), str(path))
