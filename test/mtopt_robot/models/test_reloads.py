"""A server that reloads all its life: neither memory nor file descriptors may grow."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fakes.fake_model import manifest_of, write_fake
from fakes.spoilt_model import SPOILT
from mtopt_core.action import ActionBounds
from mtopt_core.observation import Observation
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import Expected
from mtopt_robot.models.decide import Asked
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.engine import CPU, FP32, InferenceConfig
from mtopt_robot.models.errors import BundleRefused
from mtopt_robot.models.store import ModelStore

RELOADS, WARM_UP = 1000, 200
PLAIN = InferenceConfig(threads=1, provider=CPU, precision=FP32)  # quick to load a thousand times
MOST_GROWTH_MB = 8.0  # an ONNX session of the fake model alone holds about 0.1


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_thousand_reloads_leak_nothing(
    store_folder: Path,
    expected: Expected,
    bounds: ActionBounds,
    registry: TaskRegistry,
    open_handles: Callable[[], tuple[int, int]],
) -> None:
    for version in ("1", "2", "bad"):
        write_fake(store_folder, manifest_of(expected.tasks[:1], bounds, version=version))
    SPOILT["other_shape"][0](store_folder / "fake" / "bad")
    store = ModelStore(store_folder, expected, PLAIN)
    decider = Decider(store.load("fake", "1"))
    image = np.full((8, 10, 3), 90, dtype=np.uint8)
    seen = Observation(image, False, 0.1, 0, np.eye(4))
    before = (0, 0), 0.0
    refused = 0
    for number in range(RELOADS):
        if number == WARM_UP:
            gc.collect()
            before = open_handles(), memory_mb()
        try:
            decider.swap(store.load("fake", ("1", "2", "bad")[number % 3]))
        except BundleRefused:
            refused += 1
        if number % 10 == 0:
            decider(Asked(seen, registry[expected.tasks[0]], np.random.default_rng(number)))
    gc.collect()
    assert refused == RELOADS // 3
    assert open_handles() == before[0]
    assert memory_mb() - before[1] < MOST_GROWTH_MB
