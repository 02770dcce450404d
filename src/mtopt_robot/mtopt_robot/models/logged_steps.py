"""Recorded decisions as a policy saw them: the image that each step was decided on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtopt_core.errors import UnknownTask
from mtopt_core.observation import Observation
from mtopt_core.tasks import TaskRegistry
from mtopt_data.naming import finished_files
from mtopt_data.reader import EpisodeReader

from ..jpeg import image_of
from ..recorded_camera import recorded_camera, recorded_jpegs, recorded_ns, recorded_pose
from .decide import Asked

_CAMERA = "overhead"
_STEP, _IMAGE = "episode/step", f"camera/{_CAMERA}/image_raw/compressed"
_DICE = 5  # tells these random numbers from those of cells


def logged_decisions(folder: Path, tasks: TaskRegistry) -> Iterator[Asked]:
    """Every step of every episode under a folder, as a question to a Q-function.

    Steps whose image was not recorded, and those of tasks that the registry does not know, are
    left out. Raises DataError for a file that cannot be read, ImageInvalid.
    """
    for path in finished_files(folder):
        with EpisodeReader(path) as reader:
            yield from _of_episode(reader, tasks)


def _of_episode(reader: EpisodeReader, tasks: TaskRegistry) -> Iterator[Asked]:
    start = reader.start
    topics = [f"/{start.cell}/{name}" for name in (_STEP, _IMAGE)]
    if any(topic not in reader.channels for topic in topics):
        return
    try:
        task = tasks[start.task]
    except UnknownTask:
        return
    steps = [item.message for item in reader.decoded(topics[:1])]
    camera = recorded_camera(reader, start.cell, _CAMERA)
    projection = None if camera is None else camera.P_image_base
    stamps_ns = [recorded_ns(step.image_stamp) for step in steps]
    images = recorded_jpegs(reader, topics[1], stamps_ns)
    for step, stamp_ns in zip(steps, stamps_ns, strict=True):
        if stamp_ns in images:
            observation = Observation(
                image_of(images[stamp_ns]),
                step.gripper_closed,
                step.gripper_height,
                stamp_ns,
                recorded_pose(step.tool_before),
                projection,
            )
            yield Asked(observation, task, np.random.default_rng((start.seed, _DICE, step.index)))
