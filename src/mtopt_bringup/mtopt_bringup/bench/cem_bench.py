"""Bench `cem`: a whole decision of the paper's network, ours beside three plainer ways.

A decision is preprocessing, encoder, two rounds of CEM over 64 samples and decoding, at 472 x 472
and on two cores. The contestants take turns, so that whatever else the machine does meets all of
them, and so does the multiplication of bfloat16 matrices whose best rate counts as this machine's
peak. `unsplit` is the whole network on a copy of the image for each action, `split_ort` the same
bundle as ours in plain ONNX Runtime, `split_torch` the split network in PyTorch and bfloat16.
Weights are made up (`mtopt_learner.networks.stand_in`); what ours costs in Q is held against fp32.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mtopt_bringup.paths import Paths
from mtopt_core.cem import CemConfig
from mtopt_core.observation import Observation
from mtopt_core.tasks import Task
from mtopt_data import config_files
from mtopt_learner.networks.config import NetworkConfig
from mtopt_learner.networks.q_network import useful_flops
from mtopt_learner.networks.stand_in import Scenes, scene, stand_in
from mtopt_learner.networks.torch_q import TorchQ, UnsplitQ
from mtopt_robot.models.bundle import Bundle, check_bundle
from mtopt_robot.models.comparison import compare
from mtopt_robot.models.decide import Asked, decide
from mtopt_robot.models.engine import CPU, FP32, InferenceConfig
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.model_cli import expected as fleet_expects

from .paper_model import trials_of, write
from .report import Goal, Report

CORES = 2
NETWORK, IMAGE = NetworkConfig(), ImageFormat()
CEM = CemConfig()
TURNS, OURS_EACH, UNSPLIT_EVERY = 24, 8, 8
TRIALS = 8
PEAK_SIDES = (512, 1024, 2048)
_GOALS = {
    "ours_p50_ms": Goal(at_most=18.0),
    "ours_p99_ms": Goal(at_most=25.0),
    "ratio_unsplit": Goal(at_least=170.0),
    "ratio_split_ort": Goal(at_least=8.0),
    "ratio_split_torch": Goal(at_least=4.0),
    "peak_share": Goal(at_least=0.9),
    "regret": Goal(at_most=0.01),
}

Times = dict[str, list[float]]


def measure() -> Report:
    """Milliseconds a decision; ratios of medians; shares of the peak in useful operations."""
    with tempfile.TemporaryDirectory(prefix="mtopt-bench-") as folder, _two_cores():
        bench = Bench(Path(folder))
        times = bench.race()
        peak = max(statistics.median(times[f"peak_{side}"]) for side in PEAK_SIDES)
        cost = compare(
            bench.plain.q_function, bench.ours.q_function, bench.trials(TRIALS),
            bench.ours.manifest.bounds, CEM,
        )  # fmt: skip
        runtime = bench.ours.runtime
    p50 = {name: statistics.median(times[name]) for name in bench.ways}
    figures = {
        "ours_p50_ms": p50["ours"],
        "ours_p99_ms": float(np.percentile(times["ours"], 99)),
        "ours_cpu_ms": statistics.median(times["ours_cpu"]),
        "unsplit_p50_ms": p50["unsplit"],
        "split_ort_p50_ms": p50["split_ort"],
        "split_ort_p99_ms": float(np.percentile(times["split_ort"], 99)),
        "split_torch_p50_ms": p50["split_torch"],
        "split_torch_p99_ms": float(np.percentile(times["split_torch"], 99)),
        "ratio_unsplit": p50["unsplit"] / p50["ours"],
        "ratio_split_ort": p50["split_ort"] / p50["ours"],
        "ratio_split_torch": p50["split_torch"] / p50["ours"],
        "peak_tflops": peak,
        "peak_share": useful_tflop() / (p50["ours"] / 1e3) / peak,
        "rank_agreement": cost.agreement,
        "regret": cost.regret,
        "load": os.getloadavg()[0],
    }
    notes = {
        "ours_p50_ms": runtime.describe(),
        "ours_cpu_ms": "what the cores worked for it, which others' work lengthens less",
        "load": "how many programs wanted the cores in the last minute, this one included",
    }
    rounded = {name: round(value, 4) for name, value in figures.items()}
    return Report("cem", rounded, _GOALS, notes=notes)


def useful_tflop() -> float:
    """Work of a decision that nothing saves: the head's first convolution is done once a look."""
    encoder, head = useful_flops(NETWORK)
    rows, columns = NETWORK.features_px
    first = 2 * rows * columns * (NETWORK.head_kernel * NETWORK.channels) ** 2
    return (encoder + first + CEM.rounds * CEM.samples * (head - first)) / 1e12


class Bench:
    """The contestants, which all answer the same observations through the same `decide`."""

    def __init__(self, folder: Path) -> None:
        config = Paths.installed().config
        tasks_file = config / "tasks.yaml"
        self.tasks = config_files.tasks(tasks_file)
        expects = fleet_expects(config)
        if expects.bounds is None:
            raise TypeError("a fleet has action bounds")
        self.scenes = Scenes(NETWORK, len(self.tasks), expects.bounds)
        network = stand_in(NETWORK, len(self.tasks), expects.bounds)
        self.trials = partial(trials_of, self.scenes)
        version = write(folder, network, self.scenes, self.tasks.names, self.trials(TRIALS), IMAGE)
        ours = InferenceConfig(threads=CORES)
        self.ours = check_bundle(version, expects, ours)
        plain = dataclasses.replace(ours, provider=CPU, precision=FP32)
        self.plain = check_bundle(version, expects, plain)
        self.ways = {
            "ours": self.ours,
            "split_ort": self.plain,
            "split_torch": _by(self.plain, TorchQ(network, torch.bfloat16)),
            "unsplit": _by(self.plain, UnsplitQ(network)),
        }
        self._rng = np.random.default_rng(3)

    def race(self) -> Times:
        """What each took, in ms a decision, and the peak in TFLOP/s."""
        times: Times = {}
        for way in ("ours", "split_ort", "split_torch"):
            self._timed(way)  # the first run makes room
        for turn in range(TURNS):
            counts = {"ours": OURS_EACH, "split_ort": 1, "split_torch": 1}
            counts["unsplit"] = 1 if turn % UNSPLIT_EVERY == 0 else 0
            for way, count in counts.items():
                for _ in range(count):
                    taken_ms, cpu_ms = self._timed(way)
                    times.setdefault(way, []).append(taken_ms)
                    times.setdefault(f"{way}_cpu", []).append(cpu_ms)
            for side in PEAK_SIDES:
                times.setdefault(f"peak_{side}", []).append(matmul_tflops(side))
        return times

    def _timed(self, way: str) -> tuple[float, float]:
        """Milliseconds that a decision took, by the clock and of the cores."""
        asked = self._asked()
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        decide(self.ways[way], [asked], CEM)
        return 1e3 * (time.perf_counter() - began_s), 1e3 * (time.process_time() - began_cpu_s)

    def _asked(self) -> Asked:
        image = scene(IMAGE.camera_px, self._rng)
        seed = int(self._rng.integers(2**31))
        task: Task = self.tasks[self.tasks.names[seed % len(self.tasks)]]
        observation = Observation(image, False, 0.1, 0, np.eye(4))
        return Asked(observation, task, np.random.default_rng(seed))


def matmul_tflops(side: int, repeats: int = 4) -> float:
    """The best rate of a few multiplications of bfloat16 squares."""
    a, b = (torch.ones(side, side, dtype=torch.bfloat16) for _ in range(2))
    best_s = float("inf")
    for _ in range(repeats):
        began_s = time.perf_counter()
        torch.mm(a, b)
        best_s = min(best_s, time.perf_counter() - began_s)
    return 2 * side**3 / best_s / 1e12


def _by(bundle: Bundle, q_function: TorchQ | UnsplitQ) -> Bundle:
    """The same bundle, its values reckoned by something else."""
    return dataclasses.replace(bundle, q_function=q_function)  # type: ignore[arg-type]


@contextmanager
def _two_cores() -> Iterator[None]:
    """This process on two of its cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:CORES])
    torch.set_num_threads(CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
