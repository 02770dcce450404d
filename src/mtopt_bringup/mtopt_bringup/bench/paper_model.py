"""A bundle of the paper's network for benches: its size, made-up weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtopt_core.encoding import layout_hash
from mtopt_learner.networks.q_network import QNetwork
from mtopt_learner.networks.release import release
from mtopt_learner.networks.stand_in import Scenes
from mtopt_robot.models.comparison import Scene
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import KIND_Q, Manifest

PAPER_IMAGE = ImageFormat()


def trials_of(scenes: Scenes, count: int) -> list[Scene]:
    """Scenes to compare number formats on."""
    images, states, codes, _ = scenes.batch(17, scenes=count)
    parts = zip(images.numpy(), states.numpy(), codes.numpy(), strict=True)
    return [Scene(*each) for each in parts]


def write(
    store: Path,
    network: QNetwork,
    scenes: Scenes,
    tasks: tuple[str, ...],
    trials: Sequence[Scene],
    image: ImageFormat = PAPER_IMAGE,
) -> Path:
    """A version of it in a store; its folder."""
    manifest = Manifest(
        kind=KIND_Q, name="stand-in", version="1", tasks=tasks, bounds=scenes.bounds,
        action_layout=layout_hash(scenes.bounds), image=image,
        training={"made_by": "mtopt bench: made-up weights"},
    )  # fmt: skip
    examples = [scenes.batch(seed) for seed in (11, 12)]
    return release(store, manifest, network, examples, scenes.golden(13), trials)
