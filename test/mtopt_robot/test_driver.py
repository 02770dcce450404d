"""The driver: nothing that it hands out ever leaves the limits, whatever it is told.

A small machine plays both sides: commands in any order, measurements that are wrong in every
way that a wire can be wrong, clocks that jump. What the driver lets out is judged by the laws
of any trajectory, and against what it was told before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.trajectory_laws import assert_rests
from mtopt_core.action import Action, Gripper
from mtopt_core.cell import EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.joints import JointState, JointTrajectory
from mtopt_robot.arm import Arm
from mtopt_robot.convergence import Progress
from mtopt_robot.driver import ArmDriver, ArmStopped, reason_of

SECOND = 1_000_000_000
SLACK = 1.0 + 0.02 + 1e-6  # the guard's
BAD = (math.nan, math.inf, -math.inf, 1e300, -1e300, 1e6, 7.0)

wide = st.one_of(st.sampled_from(BAD), st.floats(-3.0, 3.0))
wild = st.tuples(wide, wide, wide, wide, st.sampled_from(list(Gripper)), st.booleans())
small = st.floats(-0.06, 0.06)
steps = st.builds(
    Action, st.tuples(small, small, small), st.floats(-0.5, 0.5), st.sampled_from(list(Gripper))
)
where = st.tuples(wide, wide, wide)
events = st.one_of(
    st.tuples(st.just("wait"), st.floats(0.0, 0.4)),
    *[st.tuples(st.just("passes"), st.floats(0.0, 1.5))] * 4,
    st.tuples(st.just("clock"), st.sampled_from([-3600.0, -2.0, -0.5, 0.3, 5.0, 86400.0])),
    st.tuples(st.just("step"), steps),
    st.tuples(st.just("step"), steps),
    st.tuples(st.just("wild"), wild),
    st.tuples(st.just("home"), st.none()),
    st.tuples(st.just("hover"), where),
    st.tuples(st.just("hold"), st.none()),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("rearm"), st.none()),
    st.tuples(st.just("measure"), st.none()),
    st.tuples(st.just("measure"), st.none()),
    st.tuples(st.just("late"), st.floats(0.0, 2.0)),
    st.tuples(st.just("repeat"), st.none()),
    st.tuples(st.just("broken"), st.tuples(st.integers(0, 7), st.sampled_from(BAD), st.booleans())),
    st.tuples(st.just("missing"), st.integers(0, 7)),
    st.tuples(st.just("check"), st.none()),
    st.tuples(st.just("push"), st.sampled_from([0.0, 39.0, -400.0, math.nan])),
)


class Bench:
    """An arm that follows, a clock, and a judge of all that is sent."""

    def __init__(self, arm: Arm, simulated_s: Callable[[], float] | None = None) -> None:
        self.arm = arm
        self.driver = ArmDriver(arm, arm.guard.limits, simulated_s=simulated_s)
        self.names = (*arm.guard.limits.names, *arm.steps.gripper_motion.limits.names)
        self.q = np.array([*arm.kinematics.home_q_rad, 0.035])
        self.qd = np.zeros(8)
        self.effort_nm = np.zeros(8)
        self.now_ns = 100 * SECOND
        self.under_way: list[tuple[JointTrajectory, int]] = []
        self.by_the_clock: list[tuple[JointTrajectory, int]] = []  # as if it were never set
        self.last: JointState | None = None
        self.sent = 0

    def do(self, kind: str, told: object) -> None:
        getattr(self, f"_{kind}")(told)

    def measure(self) -> JointState:
        """What the joints do now."""
        for trajectory, began_ns in self.under_way:
            columns = [self.names.index(name) for name in trajectory.names]
            self.q[columns], self.qd[columns] = self._at(trajectory, began_ns)
        q, qd, effort_nm = self.q.copy(), self.qd.copy(), self.effort_nm.copy()
        return JointState(self.names, q, qd, effort_nm, self.now_ns)

    def _at(self, sent: JointTrajectory, began_ns: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions and speeds that are asked for by now, by a trajectory that began then."""
        t_s = np.clip((self.now_ns - began_ns) * 1e-9, 0.0, sent.duration_s)
        q, qd = (
            np.array([np.interp(t_s, sent.t_s, column) for column in part.T])
            for part in (sent.q_rad, sent.qd_rad_s)
        )
        return q, qd

    def tell(self, state: JointState) -> None:
        self.last = state
        self.driver.measured(state)

    # --- what may happen

    def _wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND)
        self.measure()

    def _passes(self, seconds: float) -> None:
        """Time in which all is well."""
        self._wait(seconds)
        self._measure(None)
        self._check(None)

    def _clock(self, seconds: float) -> None:
        jump_ns = round(seconds * SECOND)
        self.now_ns += jump_ns
        self.under_way = [(sent, began_ns + jump_ns) for sent, began_ns in self.under_way]

    def _measure(self, _: None) -> None:
        self.tell(self.measure())

    def _late(self, seconds: float) -> None:
        self.tell(replace(self.measure(), stamp_ns=self.now_ns - round(seconds * SECOND)))

    def _repeat(self, _: None) -> None:
        if self.last is not None:
            self.driver.measured(self.last)

    def _broken(self, how: tuple[int, float, bool]) -> None:
        joint, value, speed = how
        state = self.measure()
        (state.qd_rad_s if speed else state.q_rad)[joint] = value
        self.tell(state)

    def _push(self, effort_nm: float) -> None:
        """From now on something is in the sixth joint's way, or no longer."""
        self.effort_nm[5] = effort_nm

    def _missing(self, joint: int) -> None:
        self.tell(self.measure().select(tuple(n for n in self.names if n != self.names[joint])))

    def _step(self, action: Action) -> None:
        self._command(lambda: self._sent_by(self.driver.plan_step(action, self.now_ns)))

    def _wild(self, wish: tuple[float, float, float, float, Gripper, bool]) -> None:
        x, y, z, yaw, gripper, terminate = wish

        def command() -> None:
            action = Action((x, y, z), yaw, gripper, terminate)
            self._sent_by(self.driver.plan_step(action, self.now_ns))

        self._command(command)

    def _home(self, _: None) -> None:
        self._command(lambda: self._send(self.driver.plan_home(self.now_ns).arm))

    def _hover(self, point: tuple[float, float, float]) -> None:
        at_m = np.array(point)
        self._command(lambda: self._send(self.driver.plan_hover(at_m, 0.3, self.now_ns).arm))

    def _hold(self, _: None) -> None:
        self._stopping(self.driver.hold(self.now_ns))

    def _stop(self, _: None) -> None:
        self._stopping(self.driver.emergency_stop(self.now_ns))
        assert self.driver.stopped

    def _rearm(self, _: None) -> None:
        self.driver.rearm()

    def _check(self, _: None) -> None:
        verdict = self.driver.check(self.now_ns)
        if verdict is None:
            return
        if verdict.progress is Progress.PRESSING:
            relenting = self.driver.relent(self.now_ns)
            self._stopping(None if relenting is None else relenting.sent)
        elif verdict.fault is not None:
            self._hold(None)

    # --- what comes out

    def _sent_by(self, plan: object) -> None:
        for trajectory in (plan.arm, plan.gripper):
            self._send(trajectory, yields=True)

    def _command(self, command: object) -> None:
        before = self.sent
        try:
            command()
        except MtoptError as refused:
            assert reason_of(refused) in EndReason
            assert str(refused)
        if self.sent > before:
            assert not self.driver.stopped
            assert self._fresh()

    def _send(self, trajectory: JointTrajectory | None, *, yields: bool = False) -> None:
        if trajectory is None:
            return
        self.driver.begin(trajectory, self.now_ns, yields=yields)
        self._judge(trajectory)
        assert self._fresh()
        self.sent += 1
        self._begun(trajectory)

    def _begun(self, trajectory: JointTrajectory) -> None:
        for known in (self.under_way, self.by_the_clock):
            known[:] = [one for one in known if one[0].names != trajectory.names]
            known.append((trajectory, self.now_ns))

    def _stopping(self, stop: JointTrajectory | None) -> None:
        if stop is None:
            return
        self._judge(stop)
        assert self._fresh() or self._goes_on(stop)
        assert np.abs(stop.q_rad - stop.q_rad[0]).max() < 1.2  # a stop goes nowhere
        self._begun(stop)

    def _goes_on(self, stop: JointTrajectory) -> bool:
        """Whether a stop starts where the arm has been sent by now, and as fast.

        A clock that was set looks to whoever hears nothing else like time that has passed.
        """
        return any(
            np.abs(stop.q_rad[0] - q).max() < 1e-6 and np.abs(stop.qd_rad_s[0] - qd).max() < 1e-6
            for known in (self.under_way, self.by_the_clock)
            for q, qd in (self._at(*one) for one in known if one[0].names == stop.names)
        )

    def _fresh(self) -> bool:
        """Whether what the driver last took in is complete, finite and of now."""
        state = self.driver._state
        assert state is not None
        age_s = (self.now_ns - state.stamp_ns) * 1e-9
        complete = set(self.names) <= set(state.names)
        finite = np.all(np.isfinite(state.q_rad)) and np.all(np.isfinite(state.qd_rad_s))
        return bool(complete and finite and -0.501 <= age_s <= 0.101)

    def _judge(self, trajectory: JointTrajectory) -> None:
        motion = self.arm.steps.gripper_motion
        of_gripper = trajectory.names == motion.limits.names
        limits = self.arm.collision.description.gripper_limits if of_gripper else self.driver.limits
        assert trajectory.names == limits.names
        q, qd, qdd = trajectory.q_rad, trajectory.qd_rad_s, trajectory.qdd_rad_s2
        assert all(np.all(np.isfinite(part)) for part in (trajectory.t_s, q, qd, qdd))
        assert np.all(q >= limits.lower_rad - 1e-8) and np.all(q <= limits.upper_rad + 1e-8)
        assert np.all(np.abs(qd) <= limits.speed_rad_s * SLACK)
        assert np.all(np.abs(qdd) <= limits.acceleration_rad_s2 * SLACK)
        assert_rests(trajectory)
        if len(trajectory.t_s) > 1:
            dt_s = np.diff(trajectory.t_s)[:, None]
            assert np.all(dt_s > 0.0)
            assert np.all(np.abs(np.diff(q, axis=0)) <= limits.speed_rad_s * dt_s * SLACK)
            jerk = np.abs(np.diff(qdd, axis=0)) / dt_s
            assert np.all(jerk <= limits.jerk_rad_s3 * SLACK + 1e-6)


@settings(max_examples=250)
@given(st.lists(events, min_size=4, max_size=40))
def test_whatever_happens_no_sample_leaves_the_limits(
    arm: Arm, happenings: list[tuple[str, object]]
) -> None:
    bench = Bench(arm)
    bench.do("measure", None)
    for kind, told in happenings:
        bench.do(kind, told)


@settings(max_examples=60)
@given(st.lists(steps, min_size=1, max_size=8), st.floats(0.0, 3.0))
def test_a_hold_in_the_middle_of_anything_is_a_stop_within_the_limits(
    arm: Arm, wishes: list[Action], after_s: float
) -> None:
    """And the arm, once at rest, takes commands again."""
    bench = Bench(arm)
    for wish in wishes:
        bench.do("measure", None)
        bench.do("step", wish)
        bench.do("wait", after_s / len(wishes))
        bench.do("measure", None)
        bench.do("hold", None)
        bench.do("wait", 1.5)
    bench.do("measure", None)
    before = bench.sent
    bench.do("step", Action((0.0, 0.0, 0.03 if bench.q[1] > 0 else -0.03), gripper=Gripper.CLOSE))
    assert bench.sent > before


@pytest.fixture
def bench(arm: Arm) -> Bench:
    bench = Bench(arm)
    bench.do("measure", None)
    return bench


DOWN = Action((0.0, 0.0, -0.03))


def test_the_bench_does_send(bench: Bench) -> None:
    """The properties above would hold of a driver that never moves."""
    for _ in range(4):
        bench.do("step", DOWN)
        bench.do("wait", 2.0)
        bench.do("measure", None)
        verdict = bench.driver.check(bench.now_ns)
        assert verdict is not None and verdict.progress is Progress.ARRIVED
    assert bench.sent == 4


def test_a_moving_arm_is_held_along_its_own_motion(bench: Bench) -> None:
    bench.do("step", Action((0.05, 0.05, -0.05)))
    bench.do("wait", 0.3)
    bench.do("measure", None)
    assert np.abs(bench.qd[:7]).max() > 0.05
    stop = bench.driver.hold(bench.now_ns)
    assert stop is not None
    np.testing.assert_allclose(stop.qd_rad_s[0], bench.qd[:7], atol=1e-9)
    assert_rests(stop)


def test_an_emergency_stop_brakes_even_an_arm_that_is_not_measured(bench: Bench) -> None:
    bench.do("step", Action((0.05, 0.05, -0.05)))
    bench.do("wait", 0.3)
    assert bench.driver.needs_measurement(bench.now_ns)
    stop = bench.driver.emergency_stop(bench.now_ns)
    assert stop is not None
    np.testing.assert_allclose(stop.q_rad[0], bench.q[:7], atol=1e-3)
    assert_rests(stop)


def test_an_emergency_stop_of_an_arm_that_rests_unmeasured_sends_nothing(bench: Bench) -> None:
    bench.do("step", DOWN)
    bench.do("wait", 5.0)
    assert bench.driver.emergency_stop(bench.now_ns) is None


def test_an_arm_that_falls_silent_is_stopped_along_what_it_was_sent(bench: Bench) -> None:
    bench.do("step", Action((0.05, 0.05, -0.05)))
    bench.do("wait", 0.3)
    assert bench.driver.needs_measurement(bench.now_ns)
    stop = bench.driver.hold(bench.now_ns)
    assert stop is not None
    assert np.abs(stop.qd_rad_s[0]).max() > 0.05
    assert bench._goes_on(stop)
    assert_rests(stop)
    assert bench.driver.hold(bench.now_ns) is None


def _half_way_and_pressing(bench: Bench, kind: str, told: object) -> Progress:
    bench.do(kind, told)
    bench.do("wait", 0.3)
    bench.do("push", -39.0)
    bench.do("measure", None)
    verdict = bench.driver.check(bench.now_ns)
    assert verdict is not None and "iiwa_joint_6 pushes -39.0 Nm" in verdict.message
    return verdict.progress


def test_a_step_that_leans_on_something_ends_where_it_is(bench: Bench) -> None:
    assert _half_way_and_pressing(bench, "step", Action((0.05, 0.05, -0.05))) is Progress.PRESSING
    stop = bench.driver.relent(bench.now_ns)
    assert stop is not None
    bench._stopping(stop.sent)
    bench.do("wait", 0.1)
    bench.do("measure", None)
    still = bench.driver.check(bench.now_ns)
    assert still is not None and still.progress is Progress.IN_MOTION  # it lets go only now
    bench.do("push", 0.0)
    bench.do("wait", 1.0)
    bench.do("measure", None)
    over = bench.driver.check(bench.now_ns)
    assert over is not None and over.progress is Progress.ARRIVED
    bench.do("step", DOWN)
    assert bench.sent == 2
    np.testing.assert_allclose(bench.under_way[-1][0].q_rad[0], bench.q[:7], atol=1e-9)


def test_a_contact_that_outlasts_the_relenting_is_a_fault(bench: Bench) -> None:
    assert _half_way_and_pressing(bench, "step", Action((0.05, 0.05, -0.05))) is Progress.PRESSING
    stop = bench.driver.relent(bench.now_ns)
    assert stop is not None
    bench._stopping(stop.sent)
    bench.do("wait", stop.sent.duration_s + bench.driver.config.patience_s + 0.01)
    bench.do("measure", None)
    verdict = bench.driver.check(bench.now_ns)
    assert verdict is not None and verdict.fault is EndReason.CONTACT


def test_on_the_way_home_there_is_nothing_to_lean_on(bench: Bench) -> None:
    bench.do("step", DOWN)
    bench.do("passes", 2.0)
    assert _half_way_and_pressing(bench, "home", None) is Progress.CONTACT
    assert bench.driver.motion is None


def test_a_stop_that_the_guard_refuses_is_not_sent(bench: Bench) -> None:
    """No arm moves at 7 rad/s: a stop from there would itself leave the limits."""
    bench.do("broken", (0, 7.0, True))
    assert bench.driver.hold(bench.now_ns) is None


def test_a_moving_arm_is_not_sent_elsewhere_before_it_has_stopped(bench: Bench) -> None:
    bench.do("step", Action((0.05, 0.05, -0.05)))
    bench.do("wait", 0.35)
    bench.do("measure", None)
    fast = replace(bench.measure(), qd_rad_s=np.full(8, 0.6))
    bench.tell(fast)
    bench.driver._q_commanded = fast.q_rad[:7]
    with pytest.raises(MtoptError, match="start speed: iiwa_joint"):
        bench.driver.plan_home(bench.now_ns)


def test_what_was_planned_before_an_emergency_stop_does_not_begin_after_it(bench: Bench) -> None:
    plan = bench.driver.plan_step(DOWN, bench.now_ns)
    bench.driver.emergency_stop(bench.now_ns)
    with pytest.raises(ArmStopped, match="latched"):
        bench.driver.begin(plan.arm, bench.now_ns)
    bench.driver.rearm()
    assert bench.driver.begin(plan.arm, bench.now_ns)


def test_what_was_planned_before_the_states_went_stale_does_not_begin(bench: Bench) -> None:
    plan = bench.driver.plan_step(DOWN, bench.now_ns)
    late_ns = bench.now_ns + SECOND
    assert bench.driver.needs_measurement(late_ns)
    with pytest.raises(ArmStopped, match="old"):
        bench.driver.begin(plan.arm, late_ns)
    assert bench.driver.hold(late_ns) is None


@pytest.mark.parametrize("joint", [0, 7])
def test_a_joint_that_is_missing_is_named(bench: Bench, joint: int) -> None:
    bench.do("missing", joint)
    with pytest.raises(ArmStopped, match=f"lack {bench.names[joint]}"):
        bench.driver.plan_step(DOWN, bench.now_ns)
    assert bench.driver.hold(bench.now_ns) is None


def test_a_measurement_that_is_no_number_leaves_no_trace(bench: Bench) -> None:
    bench.do("broken", (2, math.nan, False))
    with pytest.raises(ArmStopped, match="not a finite number"):
        bench.driver.plan_step(DOWN, bench.now_ns)
    bench.do("measure", None)
    assert bench.driver.plan_step(DOWN, bench.now_ns).arm is not None


def test_a_joint_where_none_can_be_is_named(bench: Bench) -> None:
    bench.do("broken", (3, 1e300, False))
    with pytest.raises(ArmStopped, match=r"iiwa_joint_4 is measured at 1e\+300, bounds -2.094"):
        bench.driver.plan_home(bench.now_ns)


def test_a_late_measurement_does_not_replace_a_newer_one(bench: Bench) -> None:
    older = replace(bench.measure(), q_rad=bench.q + 1.0, stamp_ns=bench.now_ns - SECOND // 50)
    bench.driver.measured(older)
    assert bench.driver._state is not older


def test_a_clock_that_was_set_back_is_believed(bench: Bench) -> None:
    bench.do("clock", -3600.0)
    with pytest.raises(ArmStopped, match="in the future"):
        bench.driver.plan_step(DOWN, bench.now_ns)
    bench.do("measure", None)
    assert bench.driver.plan_step(DOWN, bench.now_ns).arm is not None


def test_a_simulated_clock_that_runs_ahead_of_its_messages_ages_none(arm: Arm) -> None:
    heard_s = [50.0]
    bench = Bench(arm, lambda: heard_s[0])
    bench.do("measure", None)
    bench.do("step", DOWN)
    bench.do("wait", 0.4)  # a cell that goes ten times as fast as the wall's clock
    heard_s[0] += 0.04
    assert not bench.driver.needs_measurement(bench.now_ns)
    verdict = bench.driver.check(bench.now_ns)
    assert verdict is not None and verdict.progress is Progress.IN_MOTION
    bench.do("measure", None)
    stop = bench.driver.hold(bench.now_ns)
    assert stop is not None and np.abs(stop.qd_rad_s[0]).max() > 0.01
    assert bench.driver.plan_home(bench.now_ns - SECOND).arm is not None  # nor one behind them


@pytest.mark.parametrize("repeated", [False, True])
def test_a_simulated_clock_that_stands_still_is_no_news(arm: Arm, repeated: bool) -> None:
    heard_s = [50.0]
    bench = Bench(arm, lambda: heard_s[0])
    bench.do("measure", None)
    bench.do("step", DOWN)
    heard_s[0] += 0.2
    if repeated:
        bench.do("measure", None)
    verdict = bench.driver.check(bench.now_ns)
    assert verdict is not None and verdict.fault is EndReason.JOINT_STATES_STALE
    with pytest.raises(ArmStopped, match=r"0\.200 s old"):
        bench.driver.plan_home(bench.now_ns)
