"""The schedule: a pick, on its success a place, and a reset where one is due."""

from __future__ import annotations

from collections import Counter

import pytest

from mtopt_core.cell import EndReason
from mtopt_core.errors import CoreError
from mtopt_core.schedule import Last, Schedule, ScheduleConfig, Turn
from mtopt_core.tasks import Task, TaskRegistry

FAULTS = [reason for reason in EndReason if not reason.ordinary]


def ended(
    task: Task,
    success: bool = False,
    lifted: bool | None = None,
    reason: EndReason = EndReason.TERMINATED,
) -> Last:
    return Last(task, success, reason, success if lifted is None else lifted)


@pytest.fixture
def schedule(registry: TaskRegistry) -> Schedule:
    return Schedule(registry.tasks, ScheduleConfig(tries_before_reset=3), seed=1)


def test_a_fresh_start_is_a_reset_and_a_pick(schedule: Schedule) -> None:
    turn = schedule.next(None)
    assert turn.reset
    assert turn.task.skill == "lift"


def test_after_a_lift_comes_a_place_without_a_reset(schedule: Schedule) -> None:
    pick = schedule.next(None)
    for lifted_only in (False, True):
        turn = schedule.next(ended(pick.task, success=not lifted_only, lifted=True))
        assert turn.task.skill == "place"
        assert not turn.reset


@pytest.mark.parametrize("success", [True, False])
def test_after_a_place_comes_a_reset_and_a_pick(
    schedule: Schedule, registry: TaskRegistry, success: bool
) -> None:
    turn = schedule.next(ended(registry["place-any"], success, lifted=False))
    assert turn.reset
    assert turn.task.skill == "lift"


def test_after_some_failed_picks_in_a_row_comes_a_reset(schedule: Schedule) -> None:
    turn = schedule.next(None)
    resets = []
    for _ in range(9):
        turn = schedule.next(ended(turn.task))
        assert turn.task.skill == "lift"
        resets.append(turn.reset)
    assert resets == [False, False, True] * 3


def test_a_lift_or_a_fault_starts_the_count_anew(schedule: Schedule) -> None:
    def fails(turn: Turn, times: int) -> list[bool]:
        resets = []
        for _ in range(times):
            turn = schedule.next(ended(turn.task))
            resets.append(turn.reset)
        return resets

    turn = schedule.next(None)
    assert fails(turn, 2) == [False, False]
    place = schedule.next(ended(turn.task, success=True))
    after = schedule.next(ended(place.task))
    assert after.reset
    assert fails(after, 2) == [False, False]
    after = schedule.next(ended(turn.task, reason=EndReason.CONTACT))
    assert fails(after, 3) == [False, False, True]


@pytest.mark.parametrize("reason", FAULTS)
@pytest.mark.parametrize("name", ["lift-can", "place-any"])
def test_after_any_fault_comes_a_reset_and_a_pick(
    schedule: Schedule, registry: TaskRegistry, name: str, reason: EndReason
) -> None:
    turn = schedule.next(ended(registry[name], success=True, reason=reason))
    assert turn.reset
    assert turn.task.skill == "lift"


@pytest.mark.parametrize("reason", [EndReason.TERMINATED, EndReason.STEP_LIMIT])
def test_both_ordinary_ends_count_alike(schedule: Schedule, reason: EndReason) -> None:
    pick = schedule.next(None)
    assert schedule.next(ended(pick.task, success=True, reason=reason)).task.skill == "place"


def test_where_only_picks_are_allowed_a_lift_is_followed_by_a_reset(
    registry: TaskRegistry,
) -> None:
    schedule = Schedule(registry.of_skill("lift"), seed=2)
    turn = schedule.next(ended(registry["lift-any"], success=True))
    assert turn.reset
    assert turn.task.skill == "lift"


def test_tasks_are_drawn_evenly_and_only_from_those_allowed(registry: TaskRegistry) -> None:
    allowed = registry.only(("lift-can", "lift-box", "place-bottom"))
    schedule = Schedule(allowed, seed=3)
    drawn: Counter[str] = Counter()
    for _ in range(600):
        pick = schedule.next(None)
        drawn[pick.task.name] += 1
        drawn[schedule.next(ended(pick.task, success=True)).task.name] += 1
    assert set(drawn) == {"lift-can", "lift-box", "place-bottom"}
    assert drawn["place-bottom"] == 600
    assert drawn["lift-can"] == pytest.approx(300, abs=50)


def test_a_seed_draws_the_same_turns(registry: TaskRegistry) -> None:
    def turns(seed: int) -> list[str]:
        schedule = Schedule(registry.tasks, seed=seed)
        return [schedule.next(None).task.name for _ in range(20)]

    assert turns(1) == turns(1)
    assert turns(1) != turns(2)


def test_no_pick_among_the_allowed_tasks_is_refused_by_name(registry: TaskRegistry) -> None:
    with pytest.raises(CoreError, match="lift task, allowed: place-any, place-bottom"):
        Schedule(registry.only(("place-any", "place-bottom")))


def test_by_need_the_task_with_the_fewest_successes_comes_first(registry: TaskRegistry) -> None:
    allowed = registry.only(("lift-can", "lift-box", "lift-milk", "place-any", "place-bottom"))
    known = {"lift-can": 2, "lift-milk": 1, "place-any": 5}
    schedule = Schedule(allowed, ScheduleConfig(need=1.0), seed=3, successes=known)
    turn, drawn = schedule.next(None), []
    for _ in range(6):
        drawn.append(turn.task.name)
        place = schedule.next(ended(turn.task, success=True))
        assert place.task.name == "place-bottom"
        turn = schedule.next(ended(place.task))
    # box; then box and milk, which have 1; then all three, with 2 each.
    assert drawn[0] == "lift-box" and sorted(drawn[1:3]) == ["lift-box", "lift-milk"]
    assert sorted(drawn[3:]) == ["lift-box", "lift-can", "lift-milk"]


def test_a_task_that_never_succeeds_leaves_the_others_their_share(registry: TaskRegistry) -> None:
    allowed = registry.only(("lift-can", "lift-box"))
    schedule = Schedule(allowed, ScheduleConfig(need=0.5), seed=4, successes={"lift-can": 9})
    drawn = Counter(schedule.next(None).task.name for _ in range(400))
    assert drawn["lift-box"] == pytest.approx(300, abs=40)
