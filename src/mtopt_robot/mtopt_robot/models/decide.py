"""A decision for every cell that waits: one look, then CEM's rounds over all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtopt_core.action import Action
from mtopt_core.cem import CemConfig, Choice, choose_many, first_belief
from mtopt_core.encoding import Numbers
from mtopt_core.observation import Image, Observation
from mtopt_core.tasks import Task
from mtopt_core.uncertainty import pooled

from .bundle import Bundle
from .errors import TaskNotServed
from .image import prepare, state_of
from .trial import one_hot


@dataclass(frozen=True, eq=False)
class Asked:
    """One cell's question. `last` is the action chosen a step ago in the same episode."""

    observation: Observation
    task: Task
    rng: np.random.Generator
    last: Action | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """What the networks read of one cell: `image` (H, W, 3), `state` (S,), `task` (T,)."""

    image: Image
    state: Numbers
    task: Numbers


def question(bundle: Bundle, asked: Asked) -> Question:
    """One cell's inputs; raises TaskNotServed, ImageMismatch and CameraUnknown, before anybody
    else waits."""
    seen, manifest = asked.observation, bundle.manifest
    return Question(
        prepare(seen.image, manifest.image, seen.T_base_tool, seen.P_image_base),
        state_of(seen, manifest.image),
        task_code(bundle, asked.task),
    )


def decide(bundle: Bundle, asked: Sequence[Asked], cem: CemConfig) -> list[Choice]:
    """The best action found for each cell: the same alone and in company.

    The encoder runs once, the head once a round, whoever many ask. A choice has the novelty of
    its image where the bundle knows the images that it is at home with. Raises TaskNotServed,
    ImageMismatch, and CoreError where the network gives NaN.
    """
    questions = [question(bundle, each) for each in asked]
    features = bundle.q_function.features(np.stack([each.image for each in questions]))
    state = np.stack([each.state for each in questions])
    task = np.stack([each.task for each in questions])

    def score(actions: Numbers) -> Numbers:
        return bundle.q_function.score(features, state, task, actions)

    bounds = bundle.manifest.bounds
    starts = [first_belief(bounds, cem, each.last) for each in asked]
    choices = choose_many(score, bounds, cem, [each.rng for each in asked], starts)
    if bundle.novelty is None:
        return choices
    strange = bundle.novelty.score(pooled(features))
    return [replace(choice, novelty=float(s)) for choice, s in zip(choices, strange, strict=True)]


def task_code(bundle: Bundle, task: Task) -> Numbers:
    """The task in the bundle's own one-hot, (T,); raises TaskNotServed."""
    manifest = bundle.manifest
    if task.name not in manifest.tasks:
        raise TaskNotServed(task.name, manifest.id, manifest.tasks)
    return one_hot(manifest.tasks, task.name)
