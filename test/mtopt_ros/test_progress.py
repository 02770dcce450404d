"""What a runner has done: counted once, and only what is kept."""

from __future__ import annotations

import pytest

from mtopt_core.cell import EndReason
from mtopt_core.episode import Episode
from mtopt_core.tasks import TaskRegistry
from mtopt_msgs.msg import CellStatus
from mtopt_ros import progress as progress_module
from mtopt_ros.progress import Progress


class Clock:
    """A clock that the test turns."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


def end(progress: Progress, ended: Episode, success: bool, kept: bool) -> None:
    """As a recording and the loop have it."""
    progress.ledger.begin("id", ended.task.name)
    progress.ledger.graded(ended.reason.ordinary, success)
    progress.ledger.settle(kept)
    progress.end(ended, success, kept)


def episode(registry: TaskRegistry, reason: EndReason = EndReason.TERMINATED) -> Episode:
    return Episode(registry["lift-any"], 1, (), reason)


@pytest.mark.parametrize("reason", EndReason)
@pytest.mark.parametrize("kept", [True, False])
def test_only_ordinary_episodes_on_disk_count(
    registry: TaskRegistry, reason: EndReason, kept: bool
) -> None:
    progress = Progress(wanted=0)
    end(progress, episode(registry, reason), success=True, kept=kept)
    counted = reason in (EndReason.TERMINATED, EndReason.STEP_LIMIT) and kept
    assert (progress.episodes, progress.successes) == ((1, 1) if counted else (0, 0))
    assert progress.last_reason == reason and progress.last_task == "lift-any"


def test_picks_in_vain_are_counted_in_a_row() -> None:
    progress = Progress()
    for lifted, vain in ((False, 1), (False, 2), (True, 0), (False, 1)):
        progress.picked(lifted)
        assert progress.vain_picks == vain


def test_it_is_finished_when_all_that_was_wanted_is_kept(registry: TaskRegistry) -> None:
    progress = Progress(wanted=2)
    end(progress, episode(registry), False, kept=True)
    end(progress, episode(registry, EndReason.CAMERA_FAULT), False, kept=True)
    end(progress, episode(registry), False, kept=False)
    assert not progress.finished
    end(progress, episode(registry), True, kept=True)
    assert progress.finished and progress.state == CellStatus.DONE
    assert (progress.episodes, progress.successes) == (2, 1)


def test_nothing_wanted_has_no_end_unless_told(registry: TaskRegistry) -> None:
    progress = Progress(wanted=0)
    for _ in range(5):
        end(progress, episode(registry), True, kept=True)
    assert not progress.finished
    progress.ledger.tell(finishing=True)
    assert progress.finished


def test_the_rate_is_over_the_last_ten_episodes(clock: Clock, registry: TaskRegistry) -> None:
    progress = Progress(wanted=0)
    assert progress.episodes_per_hour == 0.0
    progress.begin(CellStatus.RESETTING, "lift-any")
    for _ in range(5):
        clock.now_s += 100.0
        end(progress, episode(registry), True, kept=True)
    assert progress.episodes_per_hour == pytest.approx(36.0)
    for _ in range(10):
        clock.now_s += 36.0
        end(progress, episode(registry), True, kept=True)
    assert progress.episodes_per_hour == pytest.approx(100.0)


def test_what_was_lost_costs_time_and_gives_no_rate(clock: Clock, registry: TaskRegistry) -> None:
    progress = Progress(wanted=0)
    progress.begin(CellStatus.RESETTING, "lift-any")
    clock.now_s += 50.0
    end(progress, episode(registry), True, kept=False)
    assert progress.episodes_per_hour == 0.0
    clock.now_s += 50.0
    end(progress, episode(registry), True, kept=True)
    assert progress.episodes_per_hour == pytest.approx(36.0)


def test_an_episode_is_told_from_its_beginning_to_its_end(registry: TaskRegistry) -> None:
    progress = Progress(wanted=3)
    assert progress.message("cell1").state == CellStatus.STARTING
    progress.begin(CellStatus.RESETTING, "lift-any")
    assert progress.message("cell1").state == CellStatus.RESETTING
    progress.started("lift-any", "id-1")
    progress.step = 4
    told = progress.message("cell1")
    assert (told.cell, told.state, told.task) == ("cell1", CellStatus.COLLECTING, "lift-any")
    assert (told.episode_id, told.step, told.episodes_wanted) == ("id-1", 4, 3)
    end(progress, episode(registry), True, kept=True)
    told = progress.message("cell1")
    assert (told.episodes, told.successes, told.last_success) == (1, 1, True)
    assert told.last_end_reason == "terminated" and told.last_task == "lift-any"
    progress.begin(CellStatus.RESETTING, "place-any")
    assert progress.message("cell1").step == 0
