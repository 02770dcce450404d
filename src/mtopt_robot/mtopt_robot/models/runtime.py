"""Which engine runs a model here: the best that truly works, found by trying.

Plain CPU in fp32 must pass every check first; it is what the others are held against. Then each
provider that is installed tries the model's number formats, fastest first, on the golden
examples. It works if its values are numbers, near the trained ones, in their order, and choose as
well; of those that work the fastest serves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mtopt_core.encoding import Numbers

from . import onnx_engine, openvino_engine
from .agreement import rank_agreement, regret
from .engine import (
    AUTO,
    BF16,
    CPU,
    CUDA,
    FP16,
    FP32,
    INT8,
    OPENVINO,
    TENSORRT,
    Engine,
    InferenceConfig,
)
from .errors import GoldenInvalid, GraphInvalid, PrecisionUnfit, ProviderUnfit
from .golden import Golden
from .manifest import Manifest
from .onnx_engine import OnnxEngine
from .openvino_engine import OpenVinoEngine
from .q_function import QFunction
from .trial import golden_values, try_extremes, try_golden

# How far values may be off on average, how well the order must be kept, how much Q a choice may
# cost. This finds engines that do not work; what a format costs was measured when the bundle was
# made, and is why it states the format.
MOST_OFF = {FP32: 1e-3, FP16: 0.02, BF16: 0.05, INT8: 0.1}
LEAST_AGREEMENT = 0.9
MOST_REGRET = 0.02
_EXAMPLES, _REPEATS = 4, 3

_FORMATS = {
    TENSORRT: (FP16, FP32),
    CUDA: (FP32,),
    OPENVINO: (INT8, BF16, FP32),
    CPU: (INT8, FP32),
}


@dataclass(frozen=True, eq=False)
class Graphs:
    """A bundle's networks as bytes: encoder and head, and both in integers if it has them."""

    encoder: bytes
    head: bytes
    integers: tuple[bytes, bytes] | None = None

    def of(self, precision: str) -> tuple[bytes, bytes]:
        """Those that serve a number format; raises PrecisionUnfit."""
        if precision != INT8:
            return self.encoder, self.head
        if self.integers is None:
            raise PrecisionUnfit("the bundle has no networks in int8")
        return self.integers


@dataclass(frozen=True)
class Verdict:
    """How a provider did in a number format; `reason` says why it does not serve."""

    provider: str
    precision: str
    reason: str = ""
    decision_ms: float = math.nan
    agreement: float = math.nan
    regret: float = math.nan

    def __str__(self) -> str:
        name = f"{self.provider} {self.precision}"
        if self.reason:
            return f"{name}: {self.reason}"
        parts = [name]
        if not math.isnan(self.decision_ms):
            parts = [f"{name}: {self.decision_ms:.1f} ms"]
        if not math.isnan(self.agreement):
            parts.append(f"rank agreement {self.agreement:.3f}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Runtime:
    """What runs a model, and how everything that was tried did."""

    provider: str = CPU
    precision: str = FP32
    verdicts: tuple[Verdict, ...] = ()

    def describe(self) -> str:
        """One line for people: what serves, then the others."""
        mine = [v for v in self.verdicts if (v.provider, v.precision) == self._name]
        others = [str(verdict) for verdict in self.verdicts if verdict not in mine]
        said = str(mine[0]) if mine else " ".join(self._name)
        return f"{said} (tried: {'; '.join(others)})" if others else said

    @property
    def _name(self) -> tuple[str, str]:
        return self.provider, self.precision


def fastest(
    graphs: Graphs, manifest: Manifest, golden: Golden, config: InferenceConfig
) -> tuple[QFunction, Runtime]:
    """The networks on the engine that serves them best here.

    Raises GraphInvalid, NotNumbers and GoldenInvalid where plain CPU does not pass, PrecisionUnfit
    and ProviderUnfit where something is asked for by name that the model or the machine lacks.
    """
    if config.precision not in (AUTO, *manifest.precisions):
        good = ", ".join(manifest.precisions)
        raise PrecisionUnfit(f"precision {config.precision} is asked for, it is good for {good}")
    plain = _load(OnnxEngine(threads=config.threads), graphs, manifest)
    try_golden(plain, manifest, golden)
    try_extremes(plain, manifest)
    tried = [*_tries(graphs, manifest, golden, config)]
    works = [(q_function, verdict) for q_function, verdict in tried if q_function is not None]
    if config.precision in (AUTO, FP32) and config.provider in (AUTO, CPU):
        speed = decision_ms(plain, manifest, config.block) if works else math.nan
        works.append((plain, Verdict(CPU, FP32, decision_ms=speed)))
        tried.append(works[-1])
    verdicts = tuple(verdict for _, verdict in tried)
    if not works:
        said = "; ".join(map(str, verdicts)) or f"{config.provider} is not installed here"
        asked = f"{config.provider} {config.precision}"
        raise ProviderUnfit(f"{asked} is asked for and does not work: {said}")
    if config.provider == CPU:  # asked for the plain one: what is finer than fp32 is faster
        q_function, verdict = works[0]
    else:
        q_function, verdict = min(works, key=lambda found: found[1].decision_ms)
    return q_function, Runtime(verdict.provider, verdict.precision, verdicts)


def decision_ms(q_function: QFunction, manifest: Manifest, actions: int) -> float:
    """How long one look and two rounds over so many actions take, at best."""
    image = np.zeros((1, *manifest.image.size_px, 3), dtype=np.uint8)
    state = np.zeros((1, 2), dtype=np.float32)
    task = np.eye(1, len(manifest.tasks), dtype=np.float32)
    rows = np.zeros((1, actions, 8), dtype=np.float32)
    best_s = math.inf
    for _ in range(_REPEATS):
        began_s = time.perf_counter()
        features = q_function.features(image)
        for _ in range(2):
            q_function.score(features, state, task, rows)
        best_s = min(best_s, time.perf_counter() - began_s)
    return 1e3 * best_s


def _tries(
    graphs: Graphs, manifest: Manifest, golden: Golden, config: InferenceConfig
) -> Iterator[tuple[QFunction | None, Verdict]]:
    """What each provider makes of the model, up to its first format that works."""
    found = False
    for provider, formats in _FORMATS.items():
        if config.provider not in (AUTO, provider) or not _installed(provider):
            continue
        if provider == CPU and config.provider == AUTO and found:
            continue  # integers on the plain CPU: only where nothing is made for them
        for precision in formats:
            if precision not in _good_for(manifest, config) or (provider, precision) == (CPU, FP32):
                continue
            q_function, verdict = _tried(provider, precision, graphs, manifest, golden, config)
            yield q_function, verdict
            if q_function is not None:
                found = True
                break


def _good_for(manifest: Manifest, config: InferenceConfig) -> tuple[str, ...]:
    return manifest.precisions if config.precision == AUTO else (config.precision,)


def _installed(provider: str) -> bool:
    return (
        openvino_engine.installed()
        if provider == OPENVINO
        else (provider in onnx_engine.installed())
    )


def engine_of(provider: str, precision: str, config: InferenceConfig) -> Engine:
    """The engine of that name; raises ProviderUnfit where the hardware lacks the format."""
    if provider != OPENVINO:
        return OnnxEngine(provider, precision, config.threads)
    able = openvino_engine.precisions()
    if precision not in able:
        raise ProviderUnfit(f"this CPU has no unit for it, only for {', '.join(able)}")
    return OpenVinoEngine(precision, config.threads, config.block)


def _tried(
    provider: str,
    precision: str,
    graphs: Graphs,
    manifest: Manifest,
    golden: Golden,
    config: InferenceConfig,
) -> tuple[QFunction | None, Verdict]:
    try:
        q_function = _load(engine_of(provider, precision, config), graphs, manifest)
        agreement, lost = _self_test(q_function, manifest, golden, precision)
        speed = decision_ms(q_function, manifest, config.block)
    except (GraphInvalid, GoldenInvalid, PrecisionUnfit, ProviderUnfit) as error:
        return None, Verdict(provider, precision, reason=str(error))
    return q_function, Verdict(provider, precision, "", speed, agreement, lost)


def _load(engine: Engine, graphs: Graphs, manifest: Manifest) -> QFunction:
    encoder, head = graphs.of(engine.precision)
    tasks = len(manifest.tasks)
    image = manifest.image
    return QFunction(encoder, head, image.size_px, tasks, engine=engine, posed=image.posed)


def _self_test(
    q_function: QFunction, manifest: Manifest, golden: Golden, precision: str
) -> tuple[float, float]:
    """Rank agreement and regret over golden examples; raises GoldenInvalid, NotNumbers."""
    try_extremes(q_function, manifest, tasks=manifest.tasks[:1])
    values = golden_values(q_function, manifest, golden, range(len(golden.tasks))[:_EXAMPLES])
    found: Numbers = np.stack([q for _, q in values])
    wanted = golden.q[: len(found)]
    off = float(np.abs(found - wanted).mean())
    # Written so that NaN fails too.
    if not off <= MOST_OFF[precision]:
        raise GoldenInvalid(f"values are off by {off:g}, at most {MOST_OFF[precision]:g} allowed")
    clear = np.ptp(wanted, axis=1) > 4.0 * MOST_OFF[precision]
    agreement = rank_agreement(wanted[clear], found[clear]) if clear.any() else 1.0
    lost = regret(wanted, found)
    if agreement < LEAST_AGREEMENT or lost > MOST_REGRET:
        raise GoldenInvalid(
            f"rank agreement {agreement:.3f} (at least {LEAST_AGREEMENT:g}), "
            f"regret {lost:.3f} (at most {MOST_REGRET:g})"
        )
    return agreement, lost
