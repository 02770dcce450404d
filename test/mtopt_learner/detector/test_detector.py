"""From labelled images to a bundle that tells outcomes apart on a cell that it never saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fakes.outcomes import TOY_TASKS, toy_config, write_toy_folder
from mtopt_core.errors import ReservedForEvaluation
from mtopt_learner.detector.grading import fit_gradings, outcome_logits, verdicts
from mtopt_learner.detector.labels import LabelBook
from mtopt_learner.detector.outcomes import (
    Labelled,
    LabelledFolder,
    OutcomeCache,
    labelled,
    take_in,
)
from mtopt_learner.detector.publishing import judge, publish_detector
from mtopt_learner.detector.report import errors
from mtopt_learner.detector.split import Role
from mtopt_learner.detector.trainer import DetectorTrainer, plain_views
from mtopt_learner.detector.views import ViewConfig
from mtopt_learner.errors import CheckpointInvalid, OutcomesMissing, SettingsInvalid
from mtopt_robot.models.bundle import Expected, check_success_bundle

torch.set_num_threads(1)

CELLS = {"cell1": 36, "cell2": 36, "calibration1": 30, "heldout1": 30}
Parts = dict[Role, Labelled]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutcomeCache]:
    root = tmp_path_factory.mktemp("toy")
    folder = LabelledFolder(write_toy_folder(root / "labelled", CELLS))
    with OutcomeCache(root, toy_config().views) as made:
        take_in(made, folder)
        made.book = LabelBook(TOY_TASKS, folder.labels())  # type: ignore[attr-defined]
        yield made


@pytest.fixture(scope="module")
def parts(cache: OutcomeCache) -> Parts:
    known = labelled(cache.episodes, cache.book)  # type: ignore[attr-defined]
    roles = np.array(toy_config().split.roles(known.outcomes), dtype=object)
    return {role: known.only(roles == role) for role in Role}


@pytest.fixture(scope="module")
def trained(cache: OutcomeCache, parts: Parts) -> DetectorTrainer:
    trainer = DetectorTrainer(toy_config(), TOY_TASKS, parts[Role.TRAINING])
    while not trainer.done:
        trainer.step(cache.frames)
    return trainer


def test_it_learns_and_what_serves_is_what_was_trained(
    cache: OutcomeCache, parts: Parts, trained: DetectorTrainer, tmp_path: Path
) -> None:
    frames, apart, fitted = cache.frames, parts[Role.HELD_OUT], parts[Role.CALIBRATION]
    logits = outcome_logits(trained.network, frames, fitted)
    gradings = fit_gradings(logits, fitted.labels, TOY_TASKS, 0.02)
    mine = outcome_logits(trained.network, frames, apart)
    marks = verdicts(mine, gradings, TOY_TASKS)
    found = errors(marks, apart.labels, TOY_TASKS)
    assert ((marks == 1) == (apart.labels == 1)).mean() > 0.95
    folder = publish_detector(tmp_path, "toy", "1", trained, gradings, fitted, frames, found)
    bundle = check_success_bundle(folder, Expected(None, TOY_TASKS.names))
    places = np.array([outcome.first for outcome in apart.outcomes])
    served = bundle.function.logits(*plain_views(frames, places, (24, 32)))
    np.testing.assert_allclose(served, mine, atol=1e-4)
    assert judge(bundle, toy_config(), TOY_TASKS, apart, frames) == found
    record = bundle.manifest.training
    assert record["cells"] == ["calibration1", "cell1", "cell2"] and record["outcomes"] == 72
    with pytest.raises(ReservedForEvaluation, match="made with cells calibration1"):
        judge(bundle, toy_config(), TOY_TASKS, fitted, frames)
    other = ViewConfig((32, 40), (32, 40), (22, 30), (22, 30), 0)
    sizes = replace(toy_config().network, size_px=(22, 30))
    wrong = replace(toy_config(), views=other, network=sizes)
    with pytest.raises(SettingsInvalid, match="toy/1 sees overhead as"):
        judge(bundle, wrong, TOY_TASKS, apart, frames)


def test_a_resumed_training_has_the_weights_of_one_never_stopped(
    cache: OutcomeCache, parts: Parts, tmp_path: Path
) -> None:
    def fresh() -> DetectorTrainer:
        return DetectorTrainer(toy_config(8), TOY_TASKS, parts[Role.TRAINING])

    whole, first, second = fresh(), fresh(), fresh()
    for _ in range(8):
        whole.step(cache.frames)
    for _ in range(5):
        first.step(cache.frames)
    first.save(tmp_path / "c.pt")
    torch.manual_seed(99)
    assert second.resume(tmp_path / "c.pt")
    while not second.done:
        second.step(cache.frames)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name]), name


def test_a_training_that_ended_on_other_outcomes_is_not_resumed(
    cache: OutcomeCache, parts: Parts, tmp_path: Path
) -> None:
    ended = DetectorTrainer(toy_config(1), TOY_TASKS, parts[Role.TRAINING])
    ended.step(cache.frames)
    ended.save(tmp_path / "c.pt")
    more = DetectorTrainer(toy_config(1), TOY_TASKS, parts[Role.CALIBRATION])
    assert not more.resume(tmp_path / "c.pt") and more.steps == 0
    with pytest.raises(CheckpointInvalid, match="belongs to settings"):
        other = replace(toy_config(1), seed=2)
        DetectorTrainer(other, TOY_TASKS, parts[Role.TRAINING]).resume(tmp_path / "c.pt")
    longer = DetectorTrainer(toy_config(3), TOY_TASKS, parts[Role.CALIBRATION])
    assert longer.resume(tmp_path / "c.pt") and longer.steps == 1


def test_a_cell_held_out_is_never_trained_on(parts: Parts) -> None:
    with pytest.raises(ReservedForEvaluation, match="heldout1"):
        DetectorTrainer(toy_config(), TOY_TASKS, parts[Role.HELD_OUT])


def test_a_task_without_successes_is_named(parts: Parts) -> None:
    known = parts[Role.TRAINING]
    without = known.only(known.labels[:, 1] == 0)
    with pytest.raises(OutcomesMissing, match="lift-carrot: needs successes"):
        DetectorTrainer(toy_config(), TOY_TASKS, without)
    with pytest.raises(OutcomesMissing, match="calibration of lift-carrot"):
        fit_gradings(np.zeros((len(without), 3), np.float32), without.labels, TOY_TASKS, 0.02)
