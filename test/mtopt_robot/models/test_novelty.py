"""A calibrated bundle: written, refused where it is wrong, and doubtful where it should be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_cell import FakeCell
from fakes.fake_model import ONE_THREAD, encoder_bytes, golden_examples, head_bytes
from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig
from mtopt_core.observation import Observation
from mtopt_core.tasks import TaskRegistry
from mtopt_core.uncertainty import Doubt, Limits, Novelty, doubt
from mtopt_core.workspace import Workspace
from mtopt_robot.models import calibrating, novelty_file
from mtopt_robot.models.bundle import Bundle, Expected, check_bundle, write_bundle
from mtopt_robot.models.decide import Asked
from mtopt_robot.models.decider import Decider
from mtopt_robot.models.errors import BundleRefused, ManifestInvalid, NoveltyInvalid, Refusal
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.q_policy import QPolicy

CEM = CemConfig(samples=24, elites=4)
LIMITS = Limits(novelty=3.0, q_spread=0.5, decisions=50)
FITTING = Novelty(np.full(3, 0.5, dtype=np.float32), 10 * np.eye(3, dtype=np.float32))


@pytest.fixture
def write(store_folder: Path, manifest: Manifest) -> Callable[..., Path]:
    def written(novelty: Novelty | None, limits: Limits | None = LIMITS, version="1") -> Path:
        made = replace(manifest, uncertainty=limits, version=version)
        size_px, tasks = made.image.size_px, made.tasks
        parts = encoder_bytes(size_px), head_bytes(len(tasks)), golden_examples(tasks, size_px)
        return write_bundle(store_folder, made, *parts, novelty)

    return written


@pytest.fixture
def seen(workspace: Workspace, bounds: ActionBounds) -> Callable[..., Observation]:
    cell = FakeCell(workspace, bounds)

    def of(level: int, noise: int = 20, seed: int = 0) -> Observation:
        """A grey image of about that level."""
        rng, observation = np.random.default_rng((level, seed)), cell.observe()
        pixels = level + rng.integers(-noise, noise + 1, size=(1, 1, 3))
        image = np.broadcast_to(pixels, observation.image.shape).astype(np.uint8)
        return replace(observation, image=np.ascontiguousarray(image))

    return of


def test_what_was_written_is_what_measures(
    write: Callable[..., Path], expected: Expected, seen: Callable, registry: TaskRegistry
) -> None:
    bundle = check_bundle(write(FITTING), expected, ONE_THREAD)
    assert bundle.manifest.uncertainty == LIMITS
    assert np.array_equal(bundle.novelty.whitening, FITTING.whitening)
    policy, task = QPolicy(Decider(bundle, CEM)), registry["lift-any"]
    policy.begin(task, 1)
    near, far = policy(seen(128), task), policy(seen(250, 0), task)
    assert near.novelty < 3.0 < far.novelty
    assert far.novelty == pytest.approx(10 * (250 / 255 - 0.5), abs=1e-3)
    assert 0.0 <= far.q_spread < 0.5


def test_without_a_calibration_nobody_knows(
    write: Callable[..., Path], expected: Expected, seen: Callable, registry: TaskRegistry
) -> None:
    bundle = check_bundle(write(None, None), expected, ONE_THREAD)
    assert bundle.novelty is None
    policy, task = QPolicy(Decider(bundle, CEM)), registry["lift-any"]
    policy.begin(task, 1)
    decision = policy(seen(250), task)
    assert math.isnan(decision.novelty)
    assert decision.q_spread >= 0.0


def test_a_held_out_share_stays_within_and_what_was_never_seen_does_not(
    write: Callable[..., Path], expected: Expected, seen: Callable, registry: TaskRegistry
) -> None:
    plain = check_bundle(write(None, None), expected, ONE_THREAD)
    novelty = calibrating.familiar(plain, [seen(128, seed=k) for k in range(60)])
    task = registry["lift-any"]

    def asked(first: int, count: int) -> list[Asked]:
        return [
            Asked(seen(128, seed=first + k), task, np.random.default_rng(k)) for k in range(count)
        ]

    limits = calibrating.limits(plain, novelty, asked(1000, 80), CEM)
    bundle = check_bundle(write(novelty, limits, "2"), expected, ONE_THREAD)
    policy = QPolicy(Decider(bundle, CEM))
    policy.begin(task, 1)

    def doubted(observation: Observation) -> Doubt | None:
        decision = policy(observation, task)
        return doubt(decision.novelty, decision.q_spread, bundle.manifest.uncertainty)

    # Two limits of 5% each, 60 decisions.
    assert sum(doubted(each.observation) is not None for each in asked(5000, 60)) <= 15
    for level in (40, 80, 180, 230):
        assert "novelty" in doubted(seen(level)).past


def test_limits_and_what_they_are_of_go_together(write: Callable[..., Path]) -> None:
    for novelty, limits in ((FITTING, None), (None, LIMITS)):
        with pytest.raises(ManifestInvalid, match="go together"):
            write(novelty, limits)


@pytest.mark.parametrize(
    "wrong",
    [
        Novelty(np.zeros(4, dtype=np.float32), np.eye(4, dtype=np.float32)),
        Novelty(np.zeros(3, dtype=np.float32), np.full((3, 3), 3e38, dtype=np.float32)),
    ],
)
def test_a_measure_that_does_not_fit_the_encoder_is_not_written(
    write: Callable[..., Path], wrong: Novelty
) -> None:
    with np.errstate(over="ignore"), pytest.raises(BundleRefused) as caught:
        write(wrong)
    assert caught.value.law is Refusal.NOVELTY


def test_a_measure_of_more_features_than_there_is_time_for_is_not_written(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novelty_file, "MAX_FEATURES", 2)
    with pytest.raises(BundleRefused, match="3 features are too slow to score, at most 2"):
        write(FITTING)


def test_a_damaged_or_missing_measure_is_refused(
    write: Callable[..., Path], expected: Expected, reseal: Callable[..., None]
) -> None:
    folder = write(FITTING)
    path = folder / novelty_file.NOVELTY_FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert _refused(folder, expected) is Refusal.HASH
    reseal(folder)
    assert _refused(folder, expected) is Refusal.NOVELTY
    path.unlink()
    assert _refused(folder, expected) is Refusal.MISSING


def test_a_file_gives_back_what_it_holds_or_nothing() -> None:
    data = novelty_file.to_bytes(FITTING)
    assert novelty_file.to_bytes(novelty_file.from_bytes(data)) == data
    for wrong in (b"", data[:-10], data.replace(b"mean", b"meat")):
        with pytest.raises(NoveltyInvalid):
            novelty_file.from_bytes(wrong)


def _refused(folder: Path, expected: Expected) -> Refusal:
    with pytest.raises(BundleRefused) as caught:
        check_bundle(folder, expected, ONE_THREAD)
    return caught.value.law


def test_the_bundle_of_a_decision_is_not_changed_by_measuring(
    write: Callable[..., Path], expected: Expected, seen: Callable, registry: TaskRegistry
) -> None:
    task, choices = registry["lift-any"], []
    for version, parts in (("1", (None, None)), ("2", (FITTING, LIMITS))):
        bundle: Bundle = check_bundle(write(*parts, version), expected, ONE_THREAD)
        policy = QPolicy(Decider(bundle, CEM))
        policy.begin(task, 9)
        choices.append(policy(seen(200), task))
    assert choices[0].action == choices[1].action and choices[0].q == choices[1].q
