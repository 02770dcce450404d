"""What an operator reads on the terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from mtopt_bringup.operating.advice import advised
from mtopt_bringup.operating.live import Places, screen
from mtopt_bringup.operating.story import Story
from mtopt_core.cell import EndReason
from mtopt_ros.cell_view import CellView

ROOT = Path(__file__).resolve().parents[3]


def shown(*views: CellView) -> str:
    story = Story.of([view.cell for view in views])
    for view in views:
        story.heard(view)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(screen(story, Places(Path("d"), Path("l"))))
    return console.export_text()


def test_the_screen_tells_rates_tasks_disk_models_and_what_to_do() -> None:
    text = shown(
        CellView(
            "cell1", "collecting", "lift-can", episodes=4, successes=1, last_task="lift-can",
            last_success=True, episodes_per_hour=141.0, disk_free=12_300_000_000,
            policy_model="q/0007",
        ),
        CellView("cell2", "parked", faults=("runner: parked: a hinge stuck; resume",)),
    )  # fmt: skip
    for wanted in ("141", "12.3 GB", "q/0007", "lift-can 1/4", "25%"):
        assert wanted in text
    assert "cell2: runner: parked: a hinge stuck" in text
    assert "./mtopt cell resume --cell cell2" in text


def test_an_unknown_fault_is_shown_without_advice() -> None:
    assert advised("arm: something_new: it broke") == []
    assert advised("nonsense") == []


def test_every_fault_that_ends_an_episode_has_advice() -> None:
    for reason in EndReason:
        if not reason.ordinary and reason is not EndReason.STOPPED:
            assert advised(f"runner: {reason}: said"), reason


def test_every_advised_fault_is_in_the_operators_page() -> None:
    from mtopt_bringup.operating import advice

    page = (ROOT / "docs" / "fleet.md").read_text()
    named = set(re.findall(r"\w+", page))
    assert set(advice._ADVICE) <= named
