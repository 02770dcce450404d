"""The detector calibrates, holds against thresholds, and gives grades that a scene can have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import ONE_THREAD
from fakes.fake_success import GAIN, success_manifest, views_of, write_fake_success
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.platt import TaskGrading, sigmoid
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import Expected, SuccessBundle, check_success_bundle
from mtopt_robot.models.manifest import SuccessManifest
from mtopt_robot.models.model_detector import ModelDetector

ANY, CARROT, PLACE_ANY = 0, 7, 8  # places of these tasks, hence of the means they read
HIGH, LOW = GAIN * (235 / 255 - 0.5), GAIN * (20 / 255 - 0.5)


@pytest.fixture
def loaded(tmp_path: Path, registry: TaskRegistry):
    def of(manifest: SuccessManifest) -> SuccessBundle:
        folder = write_fake_success(tmp_path, manifest)
        return check_success_bundle(folder, Expected(None, registry.names), ONE_THREAD)

    return of


def successes(detector: ModelDetector, *bright: int) -> list[str]:
    return [task for task, yes in detector.grade(views_of(*bright)).success.items() if yes]


def test_a_lifted_carrot_is_lifted_whatever_lift_any_says(loaded, registry: TaskRegistry) -> None:
    detector = ModelDetector(loaded(success_manifest(registry.names)), registry)
    # place-bottom reads what lift-any reads: a lift, the surer for being first, overrules it.
    assert successes(detector, ANY, CARROT) == ["lift-any", "lift-carrot"]
    assert successes(detector) == []


def test_each_tasks_own_calibration_and_threshold_count(loaded, registry: TaskRegistry) -> None:
    manifest = success_manifest(registry.names)
    strict = TaskGrading(0.9, 0.1, 0.3)
    grading = {**manifest.grading, "lift-carrot": strict, "lift-any": strict}
    detector = ModelDetector(loaded(replace(manifest, grading=grading)), registry)
    grade = detector.grade(views_of(ANY, CARROT))
    assert grade.probability["lift-carrot"] == pytest.approx(
        float(sigmoid(np.array(0.1 * HIGH + 0.3))), abs=1e-3
    )
    assert not grade.success["lift-carrot"] and grade.grader == "watcher/1"
    assert grade.probability["lift-milk"] == pytest.approx(float(sigmoid(np.array(LOW))), abs=1e-3)


def test_a_model_of_some_tasks_grades_those_and_names_the_others(
    loaded, registry: TaskRegistry
) -> None:
    some = tuple(name for name in registry.names if name.startswith("lift"))
    detector = ModelDetector(loaded(success_manifest(some)), registry)
    assert tuple(detector.grade(views_of()).success) == some
    assert detector.unknown == tuple(name for name in registry.names if name not in some)


def test_another_model_grades_from_the_next_outcome_on(loaded, registry: TaskRegistry) -> None:
    detector = ModelDetector(loaded(success_manifest(registry.names)), registry)
    some = registry.names[:3]
    detector.swap(loaded(success_manifest(some, version="2")))
    grade = detector.grade(views_of(ANY))
    assert grade.grader == detector.model == "watcher/2"
    assert tuple(grade.success) == some and grade.success["lift-any"]


def test_views_of_another_size_are_a_camera_fault_by_name(loaded, registry: TaskRegistry) -> None:
    detector = ModelDetector(loaded(success_manifest(registry.names)), registry)
    images = replace(views_of(), left=np.zeros((8, 9, 3), dtype=np.uint8))
    with pytest.raises(CellFault, match="left") as caught:
        detector.grade(images)
    assert caught.value.reason is EndReason.CAMERA_FAULT


def test_a_network_without_numbers_is_a_grader_lost(
    loaded, registry: TaskRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = loaded(success_manifest(registry.names))
    detector = ModelDetector(bundle, registry)
    nothing = np.full((1, len(registry)), np.nan, dtype=np.float32)
    monkeypatch.setattr(bundle.function, "logits", lambda *views: nothing)
    with pytest.raises(CellFault, match="watcher/1") as caught:
        detector.grade(views_of())
    assert caught.value.reason is EndReason.GRADER_LOST
