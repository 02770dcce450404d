"""Collecting: turns, grades, and what a fault leaves behind for the next turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.fake_cell import FakeCell
from fakes.fake_grader import TruthDetector, grade_of
from fakes.fake_policy import Playback
from mtopt_core.action import Action, ActionBounds
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.collection import Collector, Outcome
from mtopt_core.episode import Episode, Step
from mtopt_core.exploration import ExplorationMix
from mtopt_core.policy import Policy
from mtopt_core.schedule import LIFT, PLACE, Schedule, ScheduleConfig, Turn
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.success import Grade
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace


class Ledger:
    """An observer that keeps the outcomes and the order of what it was told."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.outcomes: list[Outcome] = []

    def started(self, task: Task, seed: int) -> None:
        self.log.append("started")

    def stepped(self, step: Step) -> None:
        self.log.append("stepped")

    def ended(self, episode: Episode) -> None:
        self.log.append("ended")

    def graded(self, outcome: Outcome) -> None:
        self.log.append("graded")
        self.outcomes.append(outcome)


@pytest.fixture
def cell(workspace: Workspace, bounds: ActionBounds) -> FakeCell:
    return FakeCell(workspace, bounds)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


Make = Callable[..., Collector]


@pytest.fixture
def make(cell: FakeCell, ledger: Ledger, registry: TaskRegistry) -> Make:
    def made(grade: Callable[[], Grade], policy: Policy | None = None) -> Collector:
        schedule = Schedule(registry.tasks, ScheduleConfig(tries_before_reset=3), seed=5)
        return Collector(cell, policy or Playback(), grade, schedule, [ledger])

    return made


def lost() -> Grade:
    raise CellFault(EndReason.GRADER_LOST, "no answer from the success node")


def test_a_turn_resets_runs_grades_and_tells(
    make: Make, cell: FakeCell, ledger: Ledger, registry: TaskRegistry
) -> None:
    grade = grade_of(registry, "lift-box")
    outcome = make(lambda: grade).collect(Turn(registry["lift-box"], reset=True), seed=8)
    assert cell.calls == ["reset", "begin", "observe"]
    assert ledger.log == ["started", "stepped", "ended", "graded"]
    assert ledger.outcomes == [outcome]
    assert outcome.grade is grade
    assert outcome.success
    assert outcome.episode.seed == 8


def test_a_turn_without_reset_leaves_the_scene_alone(
    make: Make, cell: FakeCell, registry: TaskRegistry
) -> None:
    make(lambda: grade_of(registry)).collect(Turn(registry["place-any"], reset=False), seed=0)
    assert "reset" not in cell.calls


@pytest.mark.parametrize(
    ("task", "succeeded", "success", "lifted"),
    [
        ("lift-box", ("lift-box", "lift-any"), True, True),
        ("lift-box", ("lift-box",), True, True),
        ("lift-box", ("lift-any", "lift-can"), False, True),
        ("lift-box", ("lift-can",), False, False),
        ("lift-box", (), False, False),
        ("place-any", ("place-any",), True, False),
        ("place-any", ("lift-any",), False, False),
    ],
)
def test_success_is_of_the_asked_task_and_lifted_of_any(
    make: Make,
    registry: TaskRegistry,
    task: str,
    succeeded: tuple[str, ...],
    success: bool,
    lifted: bool,
) -> None:
    collector = make(lambda: grade_of(registry, *succeeded))
    outcome = collector.collect(Turn(registry[task], reset=True), seed=0)
    assert (outcome.success, outcome.lifted) == (success, lifted)
    expected = "place" if lifted else "lift"
    assert collector.next_turn().task.skill == expected


def test_a_faulted_episode_is_not_graded_and_leads_to_a_reset(
    make: Make, cell: FakeCell, ledger: Ledger, registry: TaskRegistry
) -> None:
    cell.faults["observe"] = CellFault(EndReason.CAMERA_FAULT, "left camera is dark")
    asked: list[int] = []

    def grade() -> Grade:
        asked.append(1)
        return grade_of(registry, "lift-any")

    collector = make(grade)
    outcome = collector.collect(Turn(registry["lift-any"], reset=False), seed=0)
    assert outcome.episode.reason is EndReason.CAMERA_FAULT
    assert outcome.grade is None
    assert not outcome.success
    assert not outcome.lifted
    assert asked == []
    assert ledger.outcomes == [outcome]
    assert collector.next_turn().reset


def test_a_lost_grader_turns_the_episode_into_that_fault(
    make: Make, ledger: Ledger, registry: TaskRegistry
) -> None:
    collector = make(lost, Playback([Action((0.0, 0.0, -0.01))]))
    outcome = collector.collect(Turn(registry["lift-any"], reset=False), seed=0)
    assert outcome.episode.reason is EndReason.GRADER_LOST
    assert "success node" in outcome.episode.message
    assert len(outcome.episode.steps) == 2
    assert outcome.grade is None
    assert ledger.log[-1] == "graded"
    turn = collector.next_turn()
    assert turn.reset
    assert turn.task.skill == LIFT


def test_a_faulted_reset_escapes_and_forgets_what_was_before(
    make: Make, cell: FakeCell, ledger: Ledger, registry: TaskRegistry
) -> None:
    collector = make(lambda: grade_of(registry, "lift-any"))
    collector.collect(Turn(registry["lift-any"], reset=True), seed=0)
    cell.faults["reset"] = CellFault(EndReason.BIN_JAM, "left bin stopped")
    with pytest.raises(CellFault, match="bin_jam"):
        collector.collect(Turn(registry["lift-any"], reset=True), seed=1)
    assert len(ledger.outcomes) == 1
    turn = collector.next_turn()
    assert turn.reset
    assert turn.task.skill == LIFT


def test_a_day_of_scripted_collecting_picks_then_places_then_resets(
    cell: FakeCell,
    ledger: Ledger,
    registry: TaskRegistry,
    workspace: Workspace,
    bounds: ActionBounds,
) -> None:
    scripts: dict[str, Policy] = {
        LIFT: ScriptedPick(workspace, bounds),
        PLACE: ScriptedPlace(workspace, bounds),
    }
    policy = ExplorationMix(scripts, None, bounds)
    detector = TruthDetector(cell, registry)
    tasks = registry.only(("lift-carrot", "place-any"))
    collector = Collector(
        cell,
        policy,
        lambda: detector.grade(cell.outcome_images()),
        Schedule(tasks, seed=1),
        [ledger],
    )
    turns = []
    for seed in range(120):
        turns.append(collector.next_turn())
        collector.collect(turns[-1], seed)
    assert turns[0].reset
    for before, turn, outcome in zip(turns[:-1], turns[1:], ledger.outcomes[:-1], strict=True):
        assert (turn.task.skill == PLACE) == outcome.lifted
        assert turn.reset or before.task.skill == LIFT
    assert all(outcome.episode.reason.ordinary for outcome in ledger.outcomes)
    assert {o.episode.task.name for o in ledger.outcomes if o.success} == {t.name for t in tasks}
