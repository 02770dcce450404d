"""Outcomes of a toy cell, which a small network can tell apart within seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtopt_core.config import from_mapping
from mtopt_core.tasks import TaskRegistry
from mtopt_data.labels import Label, write_labels
from mtopt_learner.detector.config import DetectorConfig
from mtopt_robot.jpeg import jpeg

CAMERA_PX = (32, 40)
TOY_TASKS = TaskRegistry.from_mapping(
    {
        "tasks": [
            {"name": f"lift-{what}", "skill": "lift", "text": f"Lift {what}.",
             "success": {"rule": "lifted", "category": what}}
            for what in ("any", "carrot", "milk")
        ]
    },
    "toy",
)  # fmt: skip


def toy_config(steps: int = 90) -> DetectorConfig:
    """The settings of a tiny network."""
    values = {
        "network": {
            "size_px": [24, 32], "channels": [8, 12], "pool": 2, "hidden": 16,
            "dropout": 0.0, "norm_momentum": 0.2,
        },
        "views": {
            "overhead_px": list(CAMERA_PX), "side_px": list(CAMERA_PX), "crop_px": [24, 32],
            "size_px": [24, 32], "margin_px": 2,
        },
        "augment": {"brightness": 0.1, "colour": 0.05, "shadows": 1, "shadow": 0.2},
        "training": {"steps": steps, "batch": 16, "warm_up": 5, "log": 10, "checkpoint": 20,
                     "learning_rate": 0.01},
        "false_positives": 0.02,
    }  # fmt: skip
    return from_mapping(DetectorConfig, values, "toy")


def toy_views(lifted: str, seed: int) -> dict[str, np.ndarray]:
    """A carrot is a red block in all views, milk a blue one, nothing is grey."""
    rng = np.random.default_rng(seed)
    views = {}
    for name in ("overhead", "left", "right"):
        image = np.full((*CAMERA_PX, 3), int(rng.integers(60, 120)), np.uint8)
        if lifted:
            row, column = rng.integers(8, 14), rng.integers(8, 18)
            image[row : row + 10, column : column + 12] = 30
            image[row : row + 10, column : column + 12, 0 if lifted == "carrot" else 2] = 230
        views[name] = image
    return views


def write_toy_folder(root: Path, cells: dict[str, int], by: str = "ada") -> Path:
    """A labelled folder: outcomes by cell, in turn carrot, milk and nothing."""
    root.mkdir(parents=True, exist_ok=True)
    labels = []
    for cell, count in cells.items():
        for number in range(count):
            outcome, lifted = f"{cell}-{number}", ("carrot", "milk", "")[number % 3]
            folder = root / outcome
            folder.mkdir()
            seed = number + 1000 * list(cells).index(cell)
            for name, image in toy_views(lifted, seed).items():
                (folder / f"{name}.jpg").write_bytes(jpeg(image, 95))
            # What a person says; all else follows from it.
            task = f"lift-{lifted or 'any'}"
            labels.append(Label(outcome, cell, by, task, bool(lifted)))
    write_labels(root / "labels.csv", labels)
    return root
