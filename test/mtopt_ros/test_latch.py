"""An emergency stop on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_ros.errors import LatchLost
from mtopt_ros.latch import Latch


def test_it_stays_closed_for_whoever_comes_later_until_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "cell1" / "emergency_stop"
    assert not Latch(path).closed
    Latch(path).close("emergency stop at noon")
    assert Latch(path).closed and path.read_text() == "emergency stop at noon\n"
    Latch(path).open()
    assert not Latch(path).closed
    Latch(path).open()  # twice is no harm


def test_without_a_place_nothing_is_kept() -> None:
    latch = Latch(None)
    latch.close("now")
    assert not latch.closed
    latch.open()


def test_one_that_cannot_be_kept_or_cleared_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LatchLost, match="cannot be written"):
        Latch(tmp_path / "file" / "emergency_stop").close("now")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LatchLost, match="cannot be deleted"):
        Latch(tmp_path / "folder").open()
    assert Latch(tmp_path / "folder").closed
