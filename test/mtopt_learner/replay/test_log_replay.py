"""A growing folder: every file is decoded once, what is of no use is skipped by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.replay_episodes import CAMERA_PX, write_replay_episode
from mtopt_core.action import ActionBounds
from mtopt_data.catalog.revision import relabel
from mtopt_data.errors import EpisodeMissing
from mtopt_data.reader import read_metadata
from mtopt_learner.replay import log_replay
from mtopt_learner.replay.cache import FrameCache
from mtopt_learner.replay.log_replay import FolderWatch, LogReplay
from mtopt_learner.replay.view import View

VIEW, BOUNDS = View(CAMERA_PX, (40, 40), (20, 20), 2), ActionBounds()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files as they are decoded."""
    names: list[str] = []
    real = log_replay.replayed

    def counted(path: Path, view: View, bounds: ActionBounds) -> object:
        names.append(path.name)
        return real(path, view, bounds)

    monkeypatch.setattr(log_replay, "replayed", counted)
    return names


def test_a_folder_is_followed_and_nothing_decoded_twice(
    root: Path, tmp_path: Path, decoded: list[str]
) -> None:
    write_replay_episode(root, 0)
    with FrameCache(tmp_path, VIEW, "l") as cache:
        replay = LogReplay(root, cache, VIEW, BOUNDS)
        assert len(replay.follow().new) == 1
        assert replay.follow().new == ()
        write_replay_episode(root, 1)
        write_replay_episode(root, 2)
        progress = replay.follow(most=1)
        assert (len(progress.new), progress.waiting) == (1, 1)
        assert len(replay.follow().new) == 1
    with FrameCache(tmp_path, VIEW, "l") as cache:
        assert LogReplay(root, cache, VIEW, BOUNDS).follow().new == ()
        assert len(cache.episodes) == 3
    assert len(decoded) == len(set(decoded)) == 3


def test_what_is_of_no_use_is_skipped_by_name_once(
    root: Path, tmp_path: Path, decoded: list[str]
) -> None:
    write_replay_episode(root, 0)
    damaged = write_replay_episode(root, 1)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    write_replay_episode(root, 2, end_reason="camera_fault")
    with FrameCache(tmp_path, VIEW, "l") as cache:
        progress = LogReplay(root, cache, VIEW, BOUNDS).follow()
        assert len(progress.new) == 1
        reasons = {skipped.name: skipped.reason for skipped in progress.skipped}
        assert "EpisodeDamaged" in reasons[damaged.name] and len(reasons) == 2
    with FrameCache(tmp_path, VIEW, "l") as cache:
        assert LogReplay(root, cache, VIEW, BOUNDS).follow().skipped == ()
        assert len(decoded) == 3
    damaged.write_bytes(whole)  # somebody brought the file again, whole this time
    with FrameCache(tmp_path, VIEW, "l") as cache:
        assert len(LogReplay(root, cache, VIEW, BOUNDS).follow().new) == 1


def test_quarantine_and_unfinished_files_are_left_alone(root: Path) -> None:
    path = write_replay_episode(root, 0)
    day = root / "quarantine" / "2026-01-01"
    day.mkdir(parents=True)
    (day / path.name).write_bytes(path.read_bytes())
    path.with_name(path.name + ".part").write_bytes(b"")
    assert FolderWatch(root).new() == [path]


def test_only_days_that_changed_are_listed_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_replay_episode(root, 0)
    now_ns = path.parent.stat().st_mtime_ns
    listed: list[Path] = []
    glob = Path.glob

    def counted(folder: Path, pattern: str) -> object:
        if folder == path.parent:
            listed.append(folder)
        return glob(folder, pattern)

    monkeypatch.setattr(Path, "glob", counted)
    watch = FolderWatch(root, lambda: now_ns + 60_000_000_000)
    assert watch.new() == [path]
    assert watch.new() == [] and len(listed) == 1
    os.utime(path.parent, ns=(now_ns + 1, now_ns + 1))
    assert watch.new() == [] and len(listed) == 2
    hasty = FolderWatch(root, lambda: now_ns + 2)
    hasty.new()
    hasty.new()
    assert len(listed) == 4


def test_a_folder_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(EpisodeMissing, match="nowhere"):
        FolderWatch(root / "nowhere").new()


def test_an_outcome_that_a_person_corrected_is_learned_as_corrected(
    root: Path, tmp_path: Path
) -> None:
    paths = [write_replay_episode(root, index) for index in range(2)]
    graded = read_metadata(paths[0]).success["lift-any"]
    relabel(root, paths[0].stem, not graded, who="ada", task="lift-any")
    with FrameCache(tmp_path, VIEW, "l") as cache:
        LogReplay(root, cache, VIEW, BOUNDS).follow()
        said = {kept.episode_id: kept.success["lift-any"] for kept in cache.episodes}
    assert said[paths[0].stem] is not graded
    assert said[paths[1].stem] is read_metadata(paths[1]).success["lift-any"]
