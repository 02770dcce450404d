"""From a learner to a version in the model store, tried on what it learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtopt_core.encoding import layout_hash
from mtopt_robot.models.comparison import Scene
from mtopt_robot.models.manifest import KIND_Q, Manifest

from .batches import Transitions
from .learner import Learner
from .networks.calibration import Batch
from .networks.release import release

EXAMPLES, TRIALS, DICE = 32, 8, 9
GOLDEN_ACTIONS = 16


def publish(
    learner: Learner, frames: NDArray[np.void], store: Path, name: str, version: str
) -> Path:
    """Write the learner's network as a version; its folder.

    Raises as `write_bundle` does; NothingToReplay; ViewInvalid for a view that no bundle can say.
    """
    image = learner.config.view.image_format()
    rng = np.random.default_rng((learner.config.seed, DICE, learner.steps))
    seen = learner.draw(frames, EXAMPLES, rng)
    manifest = Manifest(
        kind=KIND_Q, name=name, version=version, tasks=learner.tasks.names,
        bounds=learner.bounds, action_layout=layout_hash(learner.bounds, image.posed), image=image,
        training=_record(learner),
    )  # fmt: skip
    trials = [
        Scene(*each)
        for each in zip(
            seen.images[:TRIALS], seen.states[:TRIALS], seen.tasks[:TRIALS], strict=True
        )
    ]
    return release(
        store,
        manifest,
        learner.network,
        [_batch(learner, seen, seen.tasks, rng)],
        _golden(learner, seen, rng),
        trials,
    )


def _golden(learner: Learner, seen: Transitions, rng: np.random.Generator) -> Batch:
    """A scene of every task."""
    tasks = np.eye(len(learner.tasks), dtype=np.float32)
    rows = np.arange(len(tasks)) % len(seen.images)
    image, state, _, actions = _batch(learner, seen, seen.tasks, rng)
    places = torch.from_numpy(rows)
    return image[places], state[places], torch.from_numpy(tasks), actions[places]


def _batch(
    learner: Learner, seen: Transitions, tasks: NDArray[np.float32], rng: np.random.Generator
) -> Batch:
    """Scenes with actions as a search looks at them."""
    noise = learner.search.noise(len(seen.images), rng)[0]
    actions = learner.search.proposals(noise)[:, :GOLDEN_ACTIONS].cpu().contiguous()
    image, state, task = (torch.from_numpy(a) for a in (seen.images, seen.states, tasks))
    return image, state, task, actions


def _record(learner: Learner) -> dict[str, Any]:
    """What the bundle tells of its training."""
    episodes = {
        f"{task} {'successes' if success else 'failures'}": count
        for (task, success), count in learner.buffers.episodes.items()
    }
    return {
        "steps": learner.steps,
        "seed": learner.config.seed,
        "settings": learner.settings_key,
        "heads": learner.config.task.heads,
        "task_code": learner.config.task.code,
        "episodes_lent": episodes,
    }
