"""The engine that serves is the best that works: tried, reported, refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import Flaw, encoder_bytes, golden_examples, head_bytes, write_fake
from mtopt_robot.models import onnx_engine, openvino_engine, runtime
from mtopt_robot.models.bundle import check_bundle, write_bundle
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.errors import BundleRefused, ManifestInvalid, Refusal
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.golden import Golden
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.runtime import Graphs, fastest

Speeds = Callable[[dict[str, float]], None]
ONE = InferenceConfig(threads=1)


@pytest.fixture
def graphs(manifest: Manifest) -> Graphs:
    made = encoder_bytes(manifest.image.size_px), head_bytes(len(manifest.tasks))
    return Graphs(*made, integers=made)


@pytest.fixture
def golden(manifest: Manifest) -> Golden:
    return golden_examples(manifest.tasks, manifest.image.size_px)


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> Speeds:
    """Decides beforehand how long each provider takes, in the order in which they are tried."""

    def given(by_provider: dict[str, float]) -> None:
        named = iter(by_provider.values())
        monkeypatch.setattr(runtime, "decision_ms", lambda *_: next(named))

    return given


@pytest.fixture
def only_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_engine, "precisions", lambda: ("fp32",))


@pytest.mark.parametrize(
    ("openvino_ms", "cpu_ms", "taken"), [(1.0, 5.0, "openvino"), (5.0, 1.0, "cpu")]
)
def test_the_fastest_that_works_is_taken(
    graphs: Graphs,
    manifest: Manifest,
    golden: Golden,
    speeds: Speeds,
    openvino_ms: float,
    cpu_ms: float,
    taken: str,
) -> None:
    speeds({"openvino": openvino_ms, "cpu": cpu_ms})
    _, found = fastest(graphs, manifest, golden, ONE)
    assert (found.provider, found.precision) == (taken, "fp32")
    assert found.describe().startswith(f"{taken} fp32: 1.0 ms")
    assert "(tried: " in found.describe()


def test_a_finer_format_is_not_tried_where_a_faster_one_works(
    graphs: Graphs, manifest: Manifest, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_engine, "precisions", lambda: ("fp32", "bf16", "int8"))
    good = replace(manifest, precisions=("fp32", "bf16", "int8"))
    _, found = fastest(graphs, good, golden, replace(ONE, provider="openvino"))
    assert [v.precision for v in found.verdicts] == ["int8"]
    assert found.verdicts[0].agreement > 0.9


def test_hardware_without_the_format_is_passed_over(
    graphs: Graphs, manifest: Manifest, golden: Golden, only_fp32: None
) -> None:
    good = replace(manifest, precisions=("fp32", "bf16"))
    _, found = fastest(graphs, good, golden, replace(ONE, provider="openvino"))
    assert (found.provider, found.precision) == ("openvino", "fp32")
    assert "no unit for it, only for fp32" in found.describe()


def test_a_format_that_the_model_does_not_state_is_refused(
    graphs: Graphs, manifest: Manifest, golden: Golden, folder: Path, expected: Expected
) -> None:
    with pytest.raises(BundleRefused, match="bf16 is asked for, it is good for fp32") as caught:
        check_bundle(folder, expected, replace(ONE, precision="bf16"))
    assert caught.value.law is Refusal.PRECISION
    _, found = fastest(graphs, manifest, golden, ONE)
    assert {verdict.precision for verdict in found.verdicts} == {"fp32"}


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_an_engine_that_is_not_here_is_refused_by_name(
    folder: Path, expected: Expected, provider: str
) -> None:
    if provider in onnx_engine.installed():
        pytest.skip("it is here")
    with pytest.raises(BundleRefused, match=f"{provider} is not installed") as caught:
        check_bundle(folder, expected, replace(ONE, provider=provider))
    assert caught.value.law is Refusal.PROVIDER


def test_an_engine_that_falls_back_to_another_does_not_work(
    graphs: Graphs, manifest: Manifest, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime says that it knows CUDA, and quietly runs on the CPU where there is none."""
    if "cuda" in onnx_engine.installed():
        pytest.skip("it is here")
    monkeypatch.setattr(onnx_engine, "installed", lambda: ("cuda", "cpu"))
    monkeypatch.setattr(openvino_engine, "installed", lambda: False)
    _, found = fastest(graphs, manifest, golden, ONE)
    assert found.provider == "cpu"
    assert "cuda fp32: encoder cannot be loaded" in found.describe()


class _Off:
    """A network that is wrong in one way."""

    def __init__(self, network, wrong) -> None:
        self._network, self._wrong = network, wrong
        self.inputs, self.outputs = network.inputs, network.outputs

    def run(self, inputs):
        found = self._network.run(inputs)
        return found if "q" not in self.outputs else self._wrong(found)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda q: q + 0.2, "values are off by 0.2"),
        (lambda q: np.where(q == q.max(), np.nan, q), "not finite"),
        (lambda q: q - q.mean(axis=1, keepdims=True), "among others"),
    ],
    ids=["shifted", "nan", "by company"],
)
def test_an_engine_that_is_wrong_does_not_serve(
    graphs: Graphs,
    manifest: Manifest,
    golden: Golden,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[np.ndarray], np.ndarray],
    said: str,
) -> None:
    load = openvino_engine.OpenVinoEngine.load
    monkeypatch.setattr(
        openvino_engine.OpenVinoEngine, "load", lambda *given: _Off(load(*given), wrong)
    )
    _, found = fastest(graphs, manifest, golden, ONE)
    assert found.provider == "cpu"
    assert said in found.describe()


def test_a_bundle_in_integers_holds_them_and_plain_cpus_run_them(
    manifest: Manifest, golden: Golden, graphs: Graphs, store_folder: Path, expected: Expected
) -> None:
    good = replace(manifest, precisions=("fp32", "int8"))
    with pytest.raises(ManifestInvalid, match="int8"):
        write_bundle(store_folder, good, graphs.encoder, graphs.head, golden)
    with pytest.raises(ManifestInvalid, match="int8"):
        write_bundle(
            store_folder, manifest, graphs.encoder, graphs.head, golden, integers=graphs.integers
        )
    folder = write_bundle(
        store_folder, good, graphs.encoder, graphs.head, golden, integers=graphs.integers
    )
    bundle = check_bundle(folder, expected, InferenceConfig(1, "cpu"))
    assert bundle.runtime.precision == "int8"
    bundle = check_bundle(folder, expected, InferenceConfig(1, "cpu", "fp32"))
    assert bundle.runtime.precision == "fp32"
    (folder / "head.int8.onnx").unlink()
    with pytest.raises(BundleRefused) as caught:
        check_bundle(folder, expected, InferenceConfig(1, "cpu"))
    assert caught.value.law is Refusal.MISSING


def test_integers_that_say_something_else_are_not_written(
    manifest: Manifest, golden: Golden, graphs: Graphs, store_folder: Path
) -> None:
    good = replace(manifest, precisions=("fp32", "int8"))
    mixed = graphs.encoder, head_bytes(len(manifest.tasks), Flaw(samples_mix=True))
    with pytest.raises(BundleRefused, match="int8") as caught:
        write_bundle(store_folder, good, graphs.encoder, graphs.head, golden, integers=mixed)
    assert caught.value.law is Refusal.PRECISION
    assert not list(store_folder.rglob("encoder.onnx"))


def test_a_model_says_what_runs_it(
    store_folder: Path, manifest: Manifest, expected: Expected
) -> None:
    folder = write_fake(store_folder, manifest)
    bundle = check_bundle(folder, expected, InferenceConfig(1, "cpu"))
    assert bundle.runtime.describe() == "cpu fp32"
