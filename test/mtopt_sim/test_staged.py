"""Outcomes made on purpose: of every kind, true to what is seen, the same from the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtopt_core.tasks import TaskRegistry
from mtopt_data.labels import read_labels
from mtopt_robot.jpeg import image_of
from mtopt_sim.cell import SimCell
from mtopt_sim.staged import StagedOutcomes, labels_file


def test_outcomes_have_images_and_a_label_of_every_task(
    cell: SimCell, registry: TaskRegistry, tmp_path: Path
) -> None:
    made = StagedOutcomes(cell, registry, tmp_path, "here", seed=3)
    count = made.make(7)
    labels = read_labels(labels_file(tmp_path, "here"))
    assert count >= 7 and len(labels) == count * len(registry)
    assert {label.by for label in labels} == {"truth"}
    successes = {label.task for label in labels if label.success}
    assert "lift-any" in successes and len(successes) >= 2
    outcomes = {label.outcome for label in labels}
    assert outcomes == {path.name for path in tmp_path.iterdir() if path.is_dir()}
    first = image_of((tmp_path / "here-00000" / "left.jpg").read_bytes())
    assert first.shape == (*_own(cell, "left"), 3) and first.std() > 10
    again = StagedOutcomes(cell, registry, tmp_path / "again", "here", seed=3)
    again.make(2)
    same = read_labels(labels_file(tmp_path / "again", "here"))
    assert same == labels[: len(same)]
    for name in ("overhead", "left", "right"):
        one, other = (
            image_of((folder / "here-00000" / f"{name}.jpg").read_bytes())
            for folder in (tmp_path, tmp_path / "again")
        )
        assert np.array_equal(one, other)


def _own(cell: SimCell, name: str) -> tuple[int, int]:
    lens = cell.cameras.lens(name)
    return lens.height_px, lens.width_px
