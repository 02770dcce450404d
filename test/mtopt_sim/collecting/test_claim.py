"""One parent a data folder, and none while a worker of an earlier one lives."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mtopt_sim.collecting.claim import hold_as_parent, hold_as_worker
from mtopt_sim.collecting.errors import FolderBusy


def test_a_second_parent_is_refused_at_once(tmp_path: Path) -> None:
    with hold_as_parent(tmp_path), pytest.raises(FolderBusy, match=str(tmp_path)):
        hold_as_parent(tmp_path).__enter__()
    with hold_as_parent(tmp_path):
        pass


def test_workers_are_many_beside_their_parent(tmp_path: Path) -> None:
    with hold_as_parent(tmp_path), hold_as_worker(tmp_path), hold_as_worker(tmp_path):
        pass


def test_a_worker_that_was_left_behind_is_waited_for(tmp_path: Path) -> None:
    with hold_as_parent(tmp_path):
        left = hold_as_worker(tmp_path)
        left.__enter__()
    with pytest.raises(FolderBusy):
        hold_as_parent(tmp_path, wait_s=0.1).__enter__()
    timer = threading.Timer(0.2, left.__exit__, (None, None, None))
    timer.start()
    with hold_as_parent(tmp_path, wait_s=20.0):
        assert timer.finished.is_set()
    timer.join()
