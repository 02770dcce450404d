"""A learner small enough for a test, and a cache of made-up episodes for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_core.encoding import layout_hash, state_layout
from mtopt_core.tasks import TaskRegistry
from mtopt_learner.config import LearnConfig, PaceConfig, SamplingConfig
from mtopt_learner.learner import Learner
from mtopt_learner.networks.config import NetworkConfig
from mtopt_learner.networks.look_config import LookConfig
from mtopt_learner.replay.cache import FrameCache
from mtopt_learner.replay.decoding import Replayed
from mtopt_learner.replay.view import View
from mtopt_learner.training.trainer import TrainConfig
from mtopt_learner.updater import TargetConfig

BOUNDS = ActionBounds()
TASKS = TaskRegistry.from_mapping(
    {
        "tasks": [
            {"name": f"lift-{item}", "skill": "lift", "text": item,
             "success": {"rule": "lifted", "category": item}}
            for item in ("any", "can")
        ]
    },
    "test",
)  # fmt: skip
CONFIG = LearnConfig(
    network=NetworkConfig(
        size_px=(24, 24), channels=6, stem_pool=1, body_convs=1, body_kernel=3, body_pool=2,
        merge_width=12, head_convs=1, tail_convs=1, dense=(8,), norm_momentum=0.1,
    ),
    view=View((32, 40), (24, 24), (24, 24), 2),
    targets=TargetConfig(decay=0.9, lag=4, returns_first=6),
    cem=CemConfig(samples=10, elites=3),
    training=TrainConfig(batch=16, warm_up=2, uses=2, precision="fp32", learning_rate=3e-3),
    pace=PaceConfig(label=24, pool=32),
)  # fmt: skip

# The head of a config/learn.yaml that is learned in a moment, for the images of replay episodes.
SMALLEST = """\
network: {size_px: [24, 24], channels: 4, stem_pool: 1, body_convs: 1, body_kernel: 3,
          body_pool: 2, merge_width: 8, head_convs: 1, tail_convs: 1, dense: [8]}
view: {camera_px: [48, 64], crop_px: [24, 24], size_px: [24, 24], margin_px: 2}
cem: {samples: 8, elites: 2}
"""

LOOKING = dataclasses.replace(
    CONFIG,
    architecture="look",
    look=LookConfig((24, 24), stem=4, channels=6, fine=1, coarse_channels=6, coarse=1, width=12),
    view=View((32, 40), size_px=(24, 24), margin_px=1, at="tool", m_per_px=0.01),
    sampling=SamplingConfig(siblings=True),
)


def changed(part: str, **values: Any) -> LearnConfig:
    """The settings with some of one part's changed."""
    section = dataclasses.replace(getattr(CONFIG, part), **values)
    return dataclasses.replace(CONFIG, **{part: section})


def made_up(number: int, steps: int = 4, config: LearnConfig = CONFIG) -> Replayed:
    """An episode that succeeds where the square is bright."""
    rows, columns = config.view.kept_px
    width = len(state_layout(config.view.posed))
    rng, good = np.random.default_rng(number), number % 2 == 0
    images = rng.integers(0, 60, (steps, rows, columns, 3), dtype=np.uint8)
    images[:, 8:20, 8:20] += np.uint8(150 if good else 0)
    actions = rng.uniform(-1, 1, (steps, 8)).astype(np.float32)
    actions[:, 3:] = [0.0, 1.0, 0.0, 0.0, 0.0]
    actions[-1] = [0, 0, 0, 0, 1, 0, 0, 1]
    return Replayed(
        f"e{number}", TASKS.names[number % 3 % 2], "terminated", "truth",
        {name: good for name in TASKS.names}, images,
        rng.uniform(0, 0.3, (steps, width)).astype(np.float32), actions,
        np.zeros((steps, 4), np.float32),
    )  # fmt: skip


def filled_cache(folder: Path, episodes: int = 24, config: LearnConfig = CONFIG) -> FrameCache:
    """Open, with so many episodes in it."""
    cache = FrameCache(folder, config.view, layout_hash(BOUNDS, config.view.posed))
    for number in range(len(cache.episodes), episodes):
        cache.add(made_up(number, config=config))
    return cache


def small_learner(cache: FrameCache, config: LearnConfig = CONFIG) -> Learner:
    """With everything in the cache filed."""
    learner = Learner(config, TASKS, BOUNDS)
    learner.file(cache.episodes)
    return learner
