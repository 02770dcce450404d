"""The loop: how episodes end, who is told of it in which order, and that the arm is held."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from fakes.fake_cell import FakeCell
from fakes.fake_policy import Playback
from mtopt_core.action import HOLD, TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.cell import CellFault, EndReason, PolicyLate
from mtopt_core.episode import Episode, EpisodeLimits, Observer, Step, run_episode
from mtopt_core.errors import GuardRefusal, InvalidAction
from mtopt_core.tasks import Task, TaskRegistry
from mtopt_core.workspace import Workspace

FAULTS = [reason for reason in EndReason if not reason.ordinary]
MOVE = Action((0.0, 0.0, -0.02))
LATE = PolicyLate("no answer in 0.5 s")


class Diary:
    """An observer that writes down what it is told, and may object to it."""

    def __init__(self, name: str = "", log: list[str] | None = None) -> None:
        self.name = name
        self.log: list[str] = [] if log is None else log
        self.veto: CellFault | None = None
        self.veto_at: int | None = None
        self.episode: Episode | None = None
        self.steps: list[Step] = []

    def started(self, task: Task, seed: int) -> None:
        self.log.append(f"{self.name}started")
        if self.veto is not None and self.veto_at is None:
            raise self.veto

    def stepped(self, step: Step) -> None:
        self.log.append(f"{self.name}stepped {step.index}")
        self.steps.append(step)
        if self.veto is not None and self.veto_at == step.index:
            raise self.veto

    def ended(self, episode: Episode) -> None:
        self.log.append(f"{self.name}ended")
        self.episode = episode


@pytest.fixture
def cell(workspace: Workspace, bounds: ActionBounds) -> FakeCell:
    return FakeCell(workspace, bounds)


@pytest.fixture
def task(registry: TaskRegistry) -> Task:
    return registry["lift-any"]


def run(
    cell: FakeCell,
    task: Task,
    actions: Sequence[Action | Exception],
    observers: Sequence[Observer] = (),
    limits: EpisodeLimits = EpisodeLimits(),
) -> Episode:
    return run_episode(cell, Playback(actions), task, observers, limits, seed=4)


def test_a_policy_that_terminates_ends_the_episode(cell: FakeCell, task: Task) -> None:
    episode = run(cell, task, [MOVE, MOVE])
    assert (episode.reason, episode.message) == (EndReason.TERMINATED, "")
    assert episode.reason.ordinary
    assert [step.index for step in episode.steps] == [0, 1, 2]
    assert (episode.task, episode.seed, episode.late) == (task, 4, 0)


def test_terminating_moves_nothing_and_is_recorded_as_sent(cell: FakeCell, task: Task) -> None:
    episode = run(cell, task, [Action((0.05, 0.0, 0.0), 0.3, Gripper.CLOSE, terminate=True)])
    (step,) = episode.steps
    assert step.taken.sent == TERMINATE
    assert step.taken.started_ns == step.taken.ended_ns == step.observation.stamp_ns
    assert "act" not in cell.calls
    assert "hold" not in cell.calls


def test_the_step_limit_ends_the_episode(cell: FakeCell, task: Task) -> None:
    episode = run(cell, task, [MOVE] * 99, limits=EpisodeLimits(max_steps=5))
    assert episode.reason is EndReason.STEP_LIMIT
    assert episode.reason.ordinary
    assert len(episode.steps) == 5
    assert cell.calls.count("act") == 5
    assert "hold" not in cell.calls


def test_twenty_steps_are_the_papers_limit(cell: FakeCell, task: Task) -> None:
    assert len(run(cell, task, [MOVE] * 99).steps) == 20


def test_a_step_holds_what_was_seen_chosen_and_done(cell: FakeCell, task: Task) -> None:
    beyond = Action((0.0, 0.0, -0.5))
    step = run(cell, task, [beyond]).steps[0]
    assert step.decision.action == beyond
    assert step.taken.sent.delta_m[2] == pytest.approx(-0.12)
    assert step.decision.image_stamp_ns == step.observation.stamp_ns
    assert step.observation.stamp_ns <= step.taken.started_ns


@pytest.mark.parametrize("where", ["begin", "observe", "act"])
@pytest.mark.parametrize("reason", FAULTS)
def test_each_fault_of_the_cell_ends_the_episode_by_its_name_with_the_arm_held(
    cell: FakeCell, task: Task, reason: EndReason, where: str
) -> None:
    cell.faults[where] = CellFault(reason, "so it was")
    diary = Diary()
    episode = run(cell, task, [MOVE], [diary])
    assert (episode.reason, episode.message) == (reason, "so it was")
    assert not episode.reason.ordinary
    assert episode.steps == ()
    assert cell.calls[-1] == "hold"
    assert diary.episode is episode


def test_steps_before_a_fault_are_kept(cell: FakeCell, task: Task) -> None:
    gone = CellFault(EndReason.NODE_LOST, "the policy node is gone")
    episode = run(cell, task, [MOVE, MOVE, gone])
    assert episode.reason is EndReason.NODE_LOST
    assert len(episode.steps) == 2
    assert cell.calls.count("hold") == 1


@pytest.mark.parametrize(
    "error", [GuardRefusal("pose", "not finite"), InvalidAction("yaw must be finite: nan")]
)
def test_a_command_that_no_arm_may_be_given_ends_the_episode_with_the_arm_held(
    cell: FakeCell, task: Task, error: Exception
) -> None:
    episode = run(cell, task, [MOVE, error])
    assert (episode.reason, episode.message) == (EndReason.COMMAND_REFUSED, str(error))
    assert len(episode.steps) == 1
    assert cell.calls[-1] == "hold"


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("q")])
def test_a_defect_escapes_but_leaves_the_arm_held(
    cell: FakeCell, task: Task, error: Exception
) -> None:
    with pytest.raises(type(error)):
        run(cell, task, [MOVE, error])
    assert cell.calls[-1] == "hold"


def test_late_decisions_are_holds_and_are_counted(cell: FakeCell, task: Task) -> None:
    episode = run(cell, task, [LATE, MOVE, LATE, LATE, MOVE], limits=EpisodeLimits(max_late=3))
    assert episode.reason is EndReason.TERMINATED
    assert episode.late == 3
    assert [s.decision.source for s in episode.steps].count("late") == 3
    for step in episode.steps:
        if step.decision.source == "late":
            assert step.decision.action == HOLD
            assert step.decision.image_stamp_ns == step.observation.stamp_ns
            assert not step.taken.sent.moves


def test_too_many_late_decisions_are_a_policy_timeout(cell: FakeCell, task: Task) -> None:
    episode = run(cell, task, [LATE, MOVE, LATE, LATE], limits=EpisodeLimits(max_late=2))
    assert episode.reason is EndReason.POLICY_TIMEOUT
    assert "3 decisions were late, at most 2 may be" in episode.message
    assert str(LATE) in episode.message
    assert episode.late == 3
    assert len(episode.steps) == 3
    assert cell.calls[-1] == "hold"


def test_no_lateness_at_all_may_be_allowed(cell: FakeCell, task: Task) -> None:
    episode = run(cell, task, [LATE], limits=EpisodeLimits(max_late=0))
    assert episode.reason is EndReason.POLICY_TIMEOUT
    assert episode.steps == ()


def test_observers_are_told_in_their_order_before_the_arm_moves(cell: FakeCell, task: Task) -> None:
    log: list[str] = []
    cell.calls = log
    observers = [Diary("a ", log), Diary("b ", log)]
    run(cell, task, [MOVE], observers)
    assert log == [
        "a started", "b started", "begin",
        "observe", "act", "a stepped 0", "b stepped 0",
        "observe", "a stepped 1", "b stepped 1",
        "a ended", "b ended",
    ]  # fmt: skip
    episode = observers[0].episode
    assert episode is not None
    assert tuple(observers[0].steps) == episode.steps


def test_an_observer_may_veto_an_episode_before_it_begins(cell: FakeCell, task: Task) -> None:
    first, second = Diary(), Diary()
    first.veto = CellFault(EndReason.RECORDER_LOST, "nobody writes")
    episode = run(cell, task, [MOVE], [first, second])
    assert (episode.reason, episode.message) == (EndReason.RECORDER_LOST, "nobody writes")
    assert cell.calls == ["hold"]
    assert first.log == ["started", "ended"]
    assert second.episode is episode


def test_an_observer_may_end_an_episode_after_a_step(cell: FakeCell, task: Task) -> None:
    diary = Diary()
    diary.veto, diary.veto_at = CellFault(EndReason.STOPPED, "asked to"), 1
    episode = run(cell, task, [MOVE] * 9, [diary])
    assert episode.reason is EndReason.STOPPED
    assert len(episode.steps) == 2
    assert cell.calls[-1] == "hold"
    assert diary.episode is episode


def test_the_policy_begins_after_the_cell_with_the_same_seed(cell: FakeCell, task: Task) -> None:
    told: list[tuple[Task, int]] = []

    class Listening(Playback):
        def begin(self, task: Task, seed: int) -> None:
            cell.calls.append("policy")
            told.append((task, seed))

    run_episode(cell, Listening(), task, seed=77)
    assert cell.calls[:2] == ["begin", "policy"]
    assert told == [(task, 77)]


def test_faults_say_their_reason() -> None:
    fault = CellFault(EndReason.BIN_JAM, "left bin stopped at 0.4 rad")
    assert str(fault) == "bin_jam: left bin stopped at 0.4 rad"


def test_only_two_ends_are_ordinary() -> None:
    assert {r for r in EndReason if r.ordinary} == {EndReason.TERMINATED, EndReason.STEP_LIMIT}
