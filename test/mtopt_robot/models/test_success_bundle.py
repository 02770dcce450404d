"""A success detector's bundle: written and checked as a Q-function's is, or refused by law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.fake_model import ONE_THREAD, write_fake
from fakes.fake_success import (
    Flaw,
    expected_logits,
    success_bytes,
    success_golden,
    success_manifest,
    write_fake_success,
)
from mtopt_core.platt import TaskGrading
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import (
    Expected,
    check_bundle,
    check_success_bundle,
    write_success_bundle,
)
from mtopt_robot.models.errors import BundleRefused, GoldenInvalid, ManifestInvalid, Refusal
from mtopt_robot.models.manifest import Manifest, SuccessManifest, manifest_from_text
from mtopt_robot.models.store import ModelStore
from mtopt_robot.models.success_golden import SuccessGolden

Reseal = Callable[..., None]


@pytest.fixture
def watcher(registry: TaskRegistry) -> SuccessManifest:
    return success_manifest(registry.names)


@pytest.fixture
def detector(store_folder: Path, watcher: SuccessManifest) -> Path:
    return write_fake_success(store_folder, watcher)


@pytest.fixture
def for_success(expected: Expected) -> Expected:
    return Expected(None, expected.tasks)


def refused(folder: Path, expected: Expected) -> BundleRefused:
    with pytest.raises(BundleRefused) as caught:
        check_success_bundle(folder, expected, ONE_THREAD)
    return caught.value


def test_what_is_written_is_what_grades(detector: Path, for_success: Expected) -> None:
    bundle = check_success_bundle(detector, for_success, ONE_THREAD)
    rng = np.random.default_rng(1)
    views = [rng.integers(0, 256, size=(3, 4, 4, 3), dtype=np.uint8) for _ in range(3)]
    found = bundle.function.logits(*views)
    np.testing.assert_allclose(found, expected_logits(views, 12), atol=1e-3)


def test_the_text_of_a_manifest_gives_it_back(watcher: SuccessManifest) -> None:
    grading = {t: TaskGrading(0.3, 1.7, -0.2) for t in watcher.tasks}
    kept = replace(watcher, grading=grading, version="1e5")
    assert manifest_from_text(kept.to_text(), "m") == kept
    assert kept.gradings[3] == TaskGrading(0.3, 1.7, -0.2)


def test_the_card_says_how_each_task_is_graded(detector: Path) -> None:
    card = (detector / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| lift-carrot | 0.6 | 1 | 0 |" in card
    assert "Left: the middle 8 x 8 px of 8 x 10 px" in card


@pytest.mark.parametrize(
    ("changes", "law", "said"),
    [
        ({"tasks": ["lift-any"]}, Refusal.MANIFEST, "grading: needs each"),
        ({"kind": "q"}, Refusal.MANIFEST, "no such field"),
        ({"kind": "reward"}, Refusal.MANIFEST, ""),
        ({"left": {"camera_px": [8, 10], "crop_px": [9, 9]}}, Refusal.MANIFEST, "fit into"),
        ({"left": {"camera_px": [8, 10], "crop_px": [8, 8], "size_px": [5, 5]}}, Refusal.GRAPH,
         "left"),
        ({"golden": "none.npz"}, Refusal.MISSING, "none.npz"),
    ],
)  # fmt: skip
def test_a_manifest_that_does_not_fit_is_refused(
    detector: Path,
    for_success: Expected,
    reseal: Reseal,
    changes: dict[str, Any],
    law: Refusal,
    said: str,
) -> None:
    reseal(detector, **changes)
    refusal = refused(detector, for_success)
    assert refusal.law is law
    assert said in refusal.reason


@pytest.mark.parametrize(
    ("grading", "said"),
    [
        ({"threshold": 0.0}, "at least 0.01"),
        ({"threshold": 1.0}, "at most 0.99"),
        ({"slope": -1.0}, "at least 0.001"),
        ({"offset": float("nan")}, "offset"),
        ({"temperature": 2.0}, "no such field"),
        (0.5, "threshold"),
    ],
)
def test_a_grading_out_of_bounds_is_refused_by_task_and_field(
    watcher: SuccessManifest, grading: Any, said: str
) -> None:
    values = watcher.to_mapping()
    values["grading"]["lift-can"] = grading
    with pytest.raises(ManifestInvalid, match=said) as caught:
        SuccessManifest.from_mapping(values, "here.yaml")
    assert "lift-can" in str(caught.value)


def test_a_grading_out_of_bounds_is_not_written(watcher: SuccessManifest) -> None:
    with pytest.raises(ManifestInvalid, match="threshold"):
        replace(watcher, grading={t: TaskGrading(2.0) for t in watcher.tasks}).to_text()


@pytest.mark.parametrize(
    ("flaw", "law"),
    [
        (Flaw(tasks=11), Refusal.GRAPH),
        (Flaw(logits_name="scores"), Refusal.GRAPH),
        (Flaw(batch=1), Refusal.GRAPH),
        (Flaw(left_px=(5, 5)), Refusal.GRAPH),
        (Flaw(bright_is_nan=True), Refusal.NUMBERS),
        (Flaw(company_matters=True), Refusal.GRAPH),
    ],
)
def test_a_network_that_must_not_grade_is_not_written(
    store_folder: Path, watcher: SuccessManifest, flaw: Flaw, law: Refusal
) -> None:
    golden = success_golden(watcher.tasks)
    with pytest.raises(BundleRefused) as caught:
        write_success_bundle(store_folder, watcher, success_bytes(12, flaw), golden)
    assert caught.value.law is law
    assert not (store_folder / "watcher" / "1").exists()


def test_golden_logits_of_another_network_are_refused(
    store_folder: Path, watcher: SuccessManifest
) -> None:
    golden = success_golden(watcher.tasks)
    swapped = (watcher.tasks[1], watcher.tasks[0], *watcher.tasks[2:])
    for wrong in (
        replace(golden, logits=golden.logits + np.float32(0.01)),
        replace(golden, logits=golden.logits * np.float32("nan")),
        replace(golden, tasks=swapped),
        replace(golden, right=np.zeros((4, 5, 5, 3), dtype=np.uint8)),
    ):
        with pytest.raises(BundleRefused) as caught:
            write_success_bundle(store_folder, watcher, success_bytes(12), wrong)
        assert caught.value.law is Refusal.GOLDEN


def test_golden_examples_come_back_from_their_file_or_not_at_all(registry: TaskRegistry) -> None:
    golden = success_golden(registry.names)
    data = golden.to_bytes()
    again = SuccessGolden.from_bytes(data)
    assert again.to_bytes() == data and again.tasks == golden.tasks
    for cut in (data[:-30], b"", data.replace(b"logits", b"logicS")):
        with pytest.raises(GoldenInvalid):
            SuccessGolden.from_bytes(cut)
    with pytest.raises(GoldenInvalid, match="overhead"):
        replace(golden, overhead=golden.overhead.astype(np.float32))
    with pytest.raises(GoldenInvalid, match="logits"):
        replace(golden, logits=golden.logits[:, :-1])


def test_each_kind_is_refused_where_the_other_is_wanted(
    detector: Path, folder: Path, expected: Expected
) -> None:
    assert "kind q" in refused(folder, expected).reason
    with pytest.raises(BundleRefused, match="is of kind success") as caught:
        check_bundle(detector, expected, ONE_THREAD)
    assert caught.value.law is Refusal.MANIFEST


def test_whoever_has_no_bounds_lets_no_q_function_pass(folder: Path, for_success: Expected) -> None:
    with pytest.raises(BundleRefused) as caught:
        check_bundle(folder, for_success, ONE_THREAD)
    assert caught.value.law is Refusal.LAYOUT


def test_a_store_tells_kinds_apart(
    store_folder: Path, manifest: Manifest, watcher: SuccessManifest, expected: Expected
) -> None:
    write_fake(store_folder, manifest)
    broken = write_fake_success(store_folder, watcher)
    store = ModelStore(store_folder, expected, ONE_THREAD)
    assert store.load().manifest.id == "fake/1"
    assert store.load_success().manifest.id == "watcher/1"
    store.promote("watcher", "1")
    assert store.check("watcher", "1").manifest.kind == "success"
    (broken / "manifest.yaml").write_text("kind: success")
    assert store.kind("watcher") == ""
    with pytest.raises(BundleRefused) as caught:
        store.load_success("watcher")
    assert caught.value.law is Refusal.HASH
