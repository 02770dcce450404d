"""What has fallen silent: told at once, and ended after a while so that it is started anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtopt_bringup.processes.programs import Program
from mtopt_bringup.processes.standstill import GIVEN_UP_S, SILENT_S, Standstill
from mtopt_bringup.processes.supervision import EXITED, RUNNING, State
from mtopt_ros.cell_view import CellView

SILENT = "arm: node_lost: silent for over 3 s"
NAMES = ("cell1.arm", "cell1.runner", "cell1.warden", "cell2.composed", "fleet.policy")
WALL_S = 1e9


def still() -> Standstill:
    return Standstill([Program(name, [], Path(), {}) for name in NAMES])


def states(age_s: float = 1000.0, number: int = RUNNING) -> dict[str, State]:
    return {name: State(number, 0, WALL_S - age_s, 0.0) for name in NAMES}


def ended(found: Standstill, until_s: float, **given: float) -> list[str]:
    return found.to_end(states(**given), until_s, WALL_S)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "fault", "program"),
    [
        ("cell1", SILENT, "cell1.arm"),
        ("cell2", SILENT, "cell2.composed"),
        ("cell1", "fleet/policy: node_lost: silent for over 3 s", "fleet.policy"),
        ("cell1", "runner: node_lost: action arm/move_home refused the goal", ""),
        ("cell1", "arm: tracking_error: behind", ""),
        ("cell1", "arm: node_lost: silent for over 3 s, not up yet", ""),
        ("cell9", SILENT, ""),
    ],
)
def test_what_is_silent_for_long_is_ended_once(cell: str, fault: str, program: str) -> None:
    found = still()
    found.heard(CellView(cell, faults=(fault,)), 0.0)
    found.heard(CellView(cell, faults=(fault,)), GIVEN_UP_S)
    assert ended(found, GIVEN_UP_S) == []
    assert ended(found, GIVEN_UP_S + 0.1) == ([program] if program else [])
    assert ended(found, GIVEN_UP_S + 0.2) == []


def test_what_speaks_again_is_left_alone() -> None:
    found = still()
    found.heard(CellView("cell1", faults=(SILENT,)), 0.0)
    found.heard(CellView("cell1"), 10.0)
    found.heard(CellView("cell1", faults=(SILENT,)), 11.0)
    assert ended(found, 25.0) == [] and ended(found, 26.1) == ["cell1.arm"]


@pytest.mark.parametrize("given", [{"age_s": 5.0}, {"number": EXITED}])
def test_what_is_gone_or_has_just_begun_is_left_alone(given: dict[str, float]) -> None:
    found = still()
    found.heard(CellView("cell1", faults=(SILENT,)), 0.0)
    assert ended(found, 100.0, **given) == []
    assert ended(found, 101.0) == [] and ended(found, 116.0) == ["cell1.arm"]


def test_a_cell_that_says_nothing_has_lost_its_warden() -> None:
    found = still()
    found.heard(CellView("cell1", state="collecting", episodes=7), 0.0)
    found.heard(CellView("cell2", state="done"), 0.0)
    assert found.silent(SILENT_S) == []
    (view,) = found.silent(SILENT_S + 0.1)
    assert (view.cell, view.state, view.episodes) == ("cell1", "faulted", 7)
    assert view.faults[0].startswith("warden: node_lost")
    assert ended(found, SILENT_S + GIVEN_UP_S + 0.2) == ["cell1.warden"]
