"""When a fleet has ended, and when it will not run."""

from __future__ import annotations

from pathlib import Path

from mtopt_bringup.processes.programs import Program
from mtopt_bringup.processes.supervision import EXITED, FATAL, RUNNING, State
from mtopt_bringup.processes.watch import Verdict, Watch


def program(name: str, ends: bool = False) -> Program:
    return Program(name, ["true"], Path("/log"), {}, ends)


def state(number: int = RUNNING, code: int = 0, started_s: float = 100.0) -> State:
    return State(number, code, started_s, 0.0)


PROGRAMS = [program("a.arm"), program("a.runner", True), program("b.runner", True)]
RUN = {"a.arm": state(), "a.runner": state(), "b.runner": state()}


def test_a_fleet_runs_until_all_its_runners_have_ended() -> None:
    watch = Watch(PROGRAMS)
    assert watch.look({})[0] is Verdict.RUNNING
    assert watch.look(RUN)[0] is Verdict.RUNNING
    assert watch.look(RUN | {"a.runner": state(EXITED)})[0] is Verdict.RUNNING
    both = RUN | {"a.runner": state(EXITED), "b.runner": state(EXITED)}
    assert watch.look(both)[0] is Verdict.ENDED


def test_a_runner_that_crashed_has_not_ended() -> None:
    both = RUN | {"a.runner": state(EXITED, 1), "b.runner": state(EXITED)}
    assert Watch(PROGRAMS).look(both)[0] is Verdict.RUNNING


def test_a_process_given_up_is_named() -> None:
    assert Watch(PROGRAMS).look(RUN | {"a.arm": state(FATAL)}) == (Verdict.FAILED, "a.arm")


def test_a_process_that_keeps_ending_soon_fails() -> None:
    watch = Watch(PROGRAMS)
    verdicts = [
        watch.look(RUN | {"a.arm": state(started_s=100.0 + 5 * turn)})[0] for turn in range(5)
    ]
    assert verdicts == [Verdict.RUNNING] * 4 + [Verdict.FAILED]


def test_crashes_far_apart_never_add_up() -> None:
    watch = Watch(PROGRAMS)
    for turn in range(50):
        verdict, _ = watch.look(RUN | {"a.arm": state(started_s=100.0 + 60 * turn)})
        assert verdict is Verdict.RUNNING
    assert watch.restarts() == {}
