"""The cache: what was decoded is there again after every end, and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from mtopt_learner.errors import CacheBusy
from mtopt_learner.replay.cache import FRAMES, INDEX, FrameCache, Skipped
from mtopt_learner.replay.decoding import Replayed
from mtopt_learner.replay.view import View

VIEW = View((12, 12), (8, 8), (8, 8), 2)


def episode(number: int, steps: int = 3) -> Replayed:
    rng = np.random.default_rng(number)
    return Replayed(
        f"e{number}", "a", "terminated", "truth", {"a": number % 2 == 0},
        rng.integers(0, 256, (steps, 12, 12, 3), dtype=np.uint8),
        rng.random((steps, 2), dtype=np.float32), rng.random((steps, 8), dtype=np.float32),
        rng.random((steps, 4), dtype=np.float32),
    )  # fmt: skip


def assert_holds(cache: FrameCache, numbers: range) -> None:
    assert [kept.episode_id for kept in cache.episodes] == [f"e{n}" for n in numbers]
    assert cache.count == sum(kept.steps for kept in cache.episodes) == len(cache.frames)
    for number, kept in zip(numbers, cache.episodes, strict=True):
        wanted, rows = episode(number, kept.steps), cache.frames[kept.first :][: kept.steps]
        assert np.array_equal(rows["image"], wanted.images)
        assert np.array_equal(rows["action"], wanted.actions)
        assert np.array_equal(rows["state"], wanted.states)
        assert np.array_equal(rows["tool"], wanted.tool)
        assert kept.success == wanted.success


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    with FrameCache(tmp_path, VIEW, "l") as cache:
        for number in range(4):
            cache.add(episode(number, 2 + number))
        cache.skip(Skipped("x.mcap", 7, "broken"))
        assert_holds(cache, range(4))
    with FrameCache(tmp_path, VIEW, "l") as again:
        assert_holds(again, range(4))
        assert again.skipped == {"x.mcap": Skipped("x.mcap", 7, "broken")}
        assert "e3" in again and "e4" not in again
        again.add(episode(4))
        assert_holds(again, range(5))


def test_other_pixels_or_encodings_lie_apart(tmp_path: Path) -> None:
    with FrameCache(tmp_path, VIEW, "l") as cache:
        cache.add(episode(0))
    for view, layout in ((View((12, 12), (8, 8), (8, 8), 1), "l"), (VIEW, "m")):
        with FrameCache(tmp_path, view, layout) as other:
            assert other.count == 0


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with FrameCache(tmp_path, VIEW, "l"), pytest.raises(CacheBusy):
        FrameCache(tmp_path, VIEW, "l")


def test_every_end_of_the_index_leaves_whole_episodes(tmp_path: Path) -> None:
    """Whatever byte the index ends at, the episodes before it are there and can be added to."""
    with FrameCache(tmp_path, VIEW, "l") as cache:
        for number in range(3):
            cache.add(episode(number))
        folder = cache.folder
    index, frames = (folder / INDEX).read_bytes(), (folder / FRAMES).read_bytes()
    for end in range(len(index) + 1):
        (folder / INDEX).write_bytes(index[:end])
        (folder / FRAMES).write_bytes(frames)
        with FrameCache(tmp_path, VIEW, "l") as cache:
            whole = index[:end].count(b"\n")
            assert len(cache.episodes) == whole
            if end % 97 == 0:
                assert_holds(cache, range(whole))
                for number in range(whole, 3):
                    cache.add(episode(number))
                assert_holds(cache, range(3))


@pytest.mark.parametrize("spoilt", ["line", "frames"])
def test_behind_what_is_spoilt_everything_is_decoded_again(tmp_path: Path, spoilt: str) -> None:
    with FrameCache(tmp_path, VIEW, "l") as cache:
        for number in range(3):
            cache.add(episode(number))
        index, frames = cache.folder / INDEX, cache.folder / FRAMES
        size = cache.record.itemsize
    if spoilt == "line":
        lines = index.read_bytes().split(b"\n")
        lines[1] = lines[1].replace(b"e1", b"e7")
        index.write_bytes(b"\n".join(lines))
    else:
        os.truncate(frames, 4 * size)
    with FrameCache(tmp_path, VIEW, "l") as cache:
        assert_holds(cache, range(1))


WRITER = """
    import sys
    from pathlib import Path
    sys.path[:0] = {path!r}
    from mtopt_learner_cache_test import VIEW, FrameCache, episode
    cache = FrameCache(Path({folder!r}), VIEW, "l")
    print(len(cache.episodes), flush=True)
    for number in range(len(cache.episodes), 100_000):
        cache.add(episode(number))
"""


def test_killed_at_random_moments_it_goes_on(tmp_path: Path) -> None:
    module = tmp_path / "mtopt_learner_cache_test.py"
    module.write_bytes(Path(__file__).read_bytes())
    code = textwrap.dedent(WRITER.format(path=[str(tmp_path), *sys.path], folder=str(tmp_path)))
    rng, most = np.random.default_rng(5), 0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert int(process.stdout.readline()) >= most
        try:
            process.wait(float(rng.uniform(0.02, 0.2)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with FrameCache(tmp_path, VIEW, "l") as cache:
            assert len(cache.episodes) >= most
            most = len(cache.episodes)
            assert_holds(cache, range(most))
    assert most > 0
