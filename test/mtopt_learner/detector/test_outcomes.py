"""Ends of episodes and labelled folders become outcomes, each decoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fakes.outcomes import CAMERA_PX, TOY_TASKS, toy_config, toy_views, write_toy_folder
from fakes.replay_episodes import CAMERA_PX as REPLAY_PX
from fakes.replay_episodes import scene, write_replay_episode
from mtopt_core.errors import ReservedForEvaluation
from mtopt_data.errors import LabelsInvalid
from mtopt_data.labels import Label, write_labels
from mtopt_learner.detector import outcomes as module
from mtopt_learner.detector.labels import LabelBook
from mtopt_learner.detector.outcomes import (
    LabelledFolder,
    Outcome,
    OutcomeCache,
    episode_end,
    labelled,
    take_in,
)
from mtopt_learner.detector.split import Role, SplitConfig
from mtopt_learner.detector.views import VIEWS, ViewConfig
from mtopt_learner.replay.log_replay import FolderReplay
from mtopt_robot.jpeg import jpeg
from mtopt_robot.models.image import prepare

REPLAY_VIEWS = ViewConfig(REPLAY_PX, REPLAY_PX, (40, 40), (20, 20), 2)


def test_the_end_of_an_episode_is_the_last_image_of_each_camera(tmp_path: Path) -> None:
    end = {name: scene(900 + place) for place, name in enumerate(VIEWS)}
    whole = write_replay_episode(tmp_path, 0, end=end, cell="heldout1")
    write_replay_episode(tmp_path, 1, end=end, end_reason="camera_fault")
    write_replay_episode(tmp_path, 2)  # has no side views
    outcome, (images,) = episode_end(whole)
    assert (outcome.cell, outcome.task, outcome.grader) == ("heldout1", "lift-any", "truth")
    with OutcomeCache(tmp_path / "cache", REPLAY_VIEWS) as cache:
        replay = FolderReplay(tmp_path, cache, lambda path: cache.add(*episode_end(path)))
        progress = replay.follow()
        assert [one.episode_id for one in progress.new] == [outcome.episode_id]
        reasons = " ".join(skipped.reason for skipped in progress.skipped)
        assert "camera_fault" in reasons and "no channel /cell1/camera/left" in reasons
    with OutcomeCache(tmp_path / "cache", REPLAY_VIEWS) as cache:
        (kept,) = cache.episodes
        assert kept.success == {"lift-any": True} and kept.purpose == "training"
        for name in VIEWS:
            middle = cache.frames[kept.first][name][2:-2, 2:-2]
            served = prepare(images[name], REPLAY_VIEWS.view(name).image_format())
            assert np.array_equal(middle, served)
            assert np.abs(images[name].astype(int) - end[name]).mean() < 3


def test_a_folder_is_taken_in_once_with_all_frames_of_a_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_toy_folder(tmp_path / "labelled", {"cell1": 3})
    for name, image in toy_views("milk", 7).items():
        (root / "cell1-1" / f"{name}-2.jpg").write_bytes(jpeg(image, 95))
    folder, views = LabelledFolder(root), toy_config().views
    with OutcomeCache(tmp_path, views) as cache:
        assert take_in(cache, folder) == 3
    monkeypatch.setattr(module, "image_of", lambda data: pytest.fail("decoded again"))
    with OutcomeCache(tmp_path, views) as cache:
        assert take_in(cache, folder) == 0
        assert [(o.episode_id, o.cell, o.steps) for o in cache.episodes] == [
            ("cell1-0", "cell1", 1), ("cell1-1", "cell1", 2), ("cell1-2", "cell1", 1),
        ]  # fmt: skip
        assert cache.count == 4
        known = labelled(cache.episodes, LabelBook(TOY_TASKS, folder.labels()))
    assert known.labels.tolist() == [[1, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert known.by == ("ada",) * 3


def test_an_episode_is_labelled_anew_by_its_id(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels-ada.csv", [Label("e1", "cell1", "ada", "lift-milk", True)])
    folder = LabelledFolder(tmp_path)
    assert folder.outcomes() == {}
    truth = {"lift-any": True, "lift-carrot": True, "lift-milk": False}
    ends = [Outcome("e1", "cell1", grader="truth", success=truth), Outcome("e2", "cell1")]
    known = labelled(ends, LabelBook(TOY_TASKS, folder.labels()))
    assert known.labels.tolist() == [[1, 0, 1]] and known.by == ("ada",)


def test_what_is_wrong_with_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelsInvalid, match=r"has no labels\*\.csv"):
        LabelledFolder(tmp_path).labels()
    root = write_toy_folder(tmp_path / "a", {"cell1": 1})
    (root / "cell1-0" / "left.jpg").unlink()
    with pytest.raises(LabelsInvalid, match="1 overhead, 0 left, 1 right"):
        LabelledFolder(root).frames("cell1-0")
    twice = [Label("x", cell, "ada", "lift-any", True) for cell in ("cell1", "cell2")]
    write_labels(root / "labels.csv", twice)
    with pytest.raises(LabelsInvalid, match="is of cells cell1 and cell2"):
        LabelledFolder(root).outcomes()


def test_cells_are_split_whole() -> None:
    split = SplitConfig(held_out=("heldout*",), calibration=("fit?",))
    cells = ("heldout1", "fit1", "cell1", "cell2")
    listed = [Outcome(f"{cell}-{n}", cell) for cell in cells for n in range(3)]
    listed += [Outcome(purpose, "cell1", purpose=purpose) for purpose in ("evaluation", "gate")]
    wanted = [Role.HELD_OUT] * 3 + [Role.CALIBRATION] * 3 + [Role.TRAINING] * 6
    assert split.roles(listed) == [*wanted, Role.HELD_OUT, Role.HELD_OUT]
    split.admit(listed[3:-2])
    for refused in (listed[0], *listed[-2:]):
        with pytest.raises(ReservedForEvaluation, match="is held out"):
            split.admit([*listed[3:6], refused])


def test_without_cells_for_calibration_a_share_of_outcomes_is() -> None:
    split = SplitConfig(share=0.2)
    listed = [Outcome(str(number), "cell1") for number in range(500)]
    roles = split.roles(listed)
    assert roles == split.roles(listed)
    assert 70 < roles.count(Role.CALIBRATION) < 130
    assert split.roles(listed[:100]) == roles[:100]


def test_cameras_of_another_size_are_refused(tmp_path: Path) -> None:
    from mtopt_learner.errors import ViewInvalid

    image = np.zeros((*CAMERA_PX, 3), np.uint8)
    small = {name: image for name in VIEWS} | {"left": image[:-1]}
    with OutcomeCache(tmp_path, toy_config().views) as cache:
        with pytest.raises(ViewInvalid, match="image is"):
            cache.add(Outcome("x", "cell1"), [small])
        assert cache.count == 0
