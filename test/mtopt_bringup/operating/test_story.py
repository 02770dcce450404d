"""What is told of a fleet, and how it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console, RenderableType

from mtopt_bringup.operating.live import TRUTH, Places, screen, summary
from mtopt_bringup.operating.story import Story
from mtopt_data.metadata import GRADED_BY_TRUTH
from mtopt_ros.cell_view import CellView

BUSY = CellView(
    "a",
    "collecting",
    task="lift-can",
    step=4,
    episodes=1,
    wanted=3,
    successes=1,
    last_task="lift-any",
    last_success=True,
    last_end_reason="terminated",
    episodes_per_hour=120.0,
    grader=GRADED_BY_TRUTH,
    disk_free=5 * 10**9,
)
PLACES = Places(Path("/data"), Path("/logs"))


def shown(renderable: RenderableType) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_an_episode_is_told_and_counted_once() -> None:
    story = Story.of(["a"])
    assert story.heard(BUSY) == ["a  episode 1/3  lift-any  success, terminated  120 an hour"]
    assert story.heard(replace(BUSY, step=5)) == []
    assert (story.episodes, story.tried["lift-any"], story.succeeded["lift-any"]) == (1, 1, 1)


def test_a_failure_counts_as_tried_alone() -> None:
    story = Story.of(["a"])
    story.heard(BUSY)
    story.heard(replace(BUSY, episodes=2, last_task="lift-box", last_success=False))
    assert (story.tried["lift-box"], story.succeeded["lift-box"]) == (1, 0)


def test_a_runner_that_came_back_counts_on() -> None:
    story = Story.of(["a"])
    story.heard(replace(BUSY, episodes=2))
    story.heard(replace(BUSY, episodes=0))
    story.heard(replace(BUSY, episodes=1))
    assert story.episodes == 3


def test_a_change_of_state_and_a_fault_are_told_once() -> None:
    story = Story.of(["a"])
    faulted = CellView("a", "faulted", faults=("camera: stopped: for 1.3 s",))
    assert story.heard(faulted) == ["a  faulted", "a  fault  camera: stopped: for 1.3 s"]
    assert story.heard(replace(faulted, faults=("camera: stopped: for 2.3 s",))) == []
    both = ("camera: stopped: for 3.3 s", "arm: stale: 0.2 s")
    assert story.heard(replace(faulted, faults=both)) == ["a  fault  arm: stale: 0.2 s"]


def test_the_screen_has_all_that_a_person_wants() -> None:
    story = Story.of(["a", "b"])
    story.heard(replace(BUSY, faults=("arm: stale: 0.2 s",)))
    text = shown(screen(story, PLACES, "Started again: a.arm (1)"))
    for part in (
        "a",
        "collecting",
        "lift-can",
        "4",
        "lift-any: success",
        "1/3",
        "100%",
        "120",
        "5.0 GB",
        "b",
        "starting",
        "arm: stale: 0.2 s",
        TRUTH,
        "/data",
        "/logs",
        "Started again",
    ):
        assert part in text


def test_brackets_in_a_fault_are_text() -> None:
    story = Story.of(["a"])
    story.heard(CellView("a", "faulted", faults=("arm: [red] out of [0, 1]",)))
    assert "[red] out of [0, 1]" in shown(screen(story, PLACES))


def test_the_summary_says_what_came_of_it() -> None:
    story = Story.of(["a"])
    story.heard(BUSY)
    text = shown(summary(story, PLACES, 1))
    for part in ("lift-any", "1 episode file in /data", "/logs", TRUTH):
        assert part in text


def test_without_truth_nothing_is_said_of_it() -> None:
    story = Story.of(["a"])
    story.heard(replace(BUSY, grader="success 1.2"))
    assert TRUTH not in shown(screen(story, PLACES)) + shown(summary(story, PLACES, 1))
