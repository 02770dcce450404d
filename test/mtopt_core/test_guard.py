"""The guard: every law by its name, and that nothing which breaks one ever comes out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.action import HOLD, TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.errors import GuardRefusal
from mtopt_core.geometry import Transform, pose_tool_down
from mtopt_core.guard import Guard, GuardConfig
from mtopt_core.joints import JointLimits, JointState, JointTrajectory
from mtopt_core.workspace import ToolBox

NAMES = ("joint_1", "joint_2")
LIMITS = JointLimits(
    names=NAMES,
    lower_rad=np.array([-2.0, -1.0]),
    upper_rad=np.array([2.0, 1.5]),
    speed_rad_s=np.array([1.0, 1.5]),
    acceleration_rad_s2=np.array([4.0, 6.0]),
    jerk_rad_s3=np.array([40.0, 60.0]),
    effort_nm=np.array([100.0, 100.0]),
)
BOX, BOUNDS = ToolBox(), ActionBounds()
GUARD = Guard(BOUNDS, BOX, LIMITS, GuardConfig())
NOW_NS = 5_000_000_000
MIDDLE_M = np.array([0.58, 0.0, 0.2])

finite = st.floats(allow_nan=False, allow_infinity=False)
sized = st.one_of(finite, st.floats(-0.5, 0.5))
actions = st.builds(
    Action,
    st.tuples(sized, sized, sized),
    sized,
    st.sampled_from(list(Gripper)),
    st.booleans(),
)


def shares_of_box(x: float, y: float, z: float) -> np.ndarray:
    low, high = np.array(BOX.min_m), np.array(BOX.max_m)
    return np.clip(low + np.array([x, y, z]) * (high - low), low, high)


in_box = st.builds(shares_of_box, *[st.floats(0.0, 1.0)] * 3)
anywhere = st.builds(lambda *xyz: np.array(xyz), *[st.floats(-2.0, 2.0)] * 3)


def at(position_m: np.ndarray) -> Transform:
    return pose_tool_down(position_m, 0.3)


# --- actions


@given(actions, in_box)
def test_from_inside_the_box_an_action_ends_inside_the_box_and_the_bounds(
    action: Action, start_m: np.ndarray
) -> None:
    sent = GUARD.admit_action(action, at(start_m))
    assert BOX.contains(start_m + sent.delta_m)
    assert np.all(np.abs([*sent.delta_m, sent.yaw_rad]) <= BOUNDS.high)
    assert (sent.gripper, sent.terminate) == (action.gripper, action.terminate)


@given(actions, in_box)
def test_what_was_admitted_is_admitted_again_as_it_is(action: Action, start_m: np.ndarray) -> None:
    once = GUARD.admit_action(action, at(start_m))
    twice = GUARD.admit_action(once, at(start_m))
    assert twice.delta_m == pytest.approx(once.delta_m, abs=1e-12)
    assert twice.yaw_rad == once.yaw_rad


@given(actions, anywhere)
def test_from_outside_the_box_an_action_never_leads_further_out(
    action: Action, start_m: np.ndarray
) -> None:
    sent = GUARD.admit_action(action, at(start_m))

    def outside_m(point: np.ndarray) -> np.ndarray:
        return np.abs(point - BOX.clip(point))

    assert np.all(outside_m(start_m + sent.delta_m) <= outside_m(start_m) + 1e-9)
    assert np.all(np.abs([*sent.delta_m, sent.yaw_rad]) <= BOUNDS.high)


@given(anywhere, st.sampled_from(list(Gripper)), st.floats(-1.0, 1.0))
def test_a_wish_without_displacement_displaces_nothing_wherever_the_tool_is(
    start_m: np.ndarray, gripper: Gripper, yaw_rad: float
) -> None:
    sent = GUARD.admit_action(Action(yaw_rad=yaw_rad, gripper=gripper), at(start_m))
    assert sent.delta_m == (0.0, 0.0, 0.0)
    assert GUARD.admit_action(HOLD, at(start_m)) == HOLD
    assert GUARD.admit_action(TERMINATE, at(start_m)) == TERMINATE


def test_an_action_well_inside_everything_is_not_touched() -> None:
    action = Action((0.02, -0.03, 0.04), 0.5, Gripper.CLOSE)
    sent = GUARD.admit_action(action, at(MIDDLE_M))
    assert sent.delta_m == pytest.approx(action.delta_m)
    assert (sent.yaw_rad, sent.gripper) == (0.5, Gripper.CLOSE)


def test_a_step_into_the_floor_ends_on_it() -> None:
    sent = GUARD.admit_action(Action((0.0, 0.0, -0.1)), at(np.array([0.58, 0.0, 0.05])))
    assert sent.delta_m[2] == pytest.approx(0.025 - 0.05)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_pose_that_is_not_finite_is_refused(bad: float) -> None:
    for action in (HOLD, Action((0.01, 0.0, 0.0))):
        with pytest.raises(GuardRefusal) as caught:
            GUARD.admit_action(action, at(np.array([0.58, bad, 0.2])))
        assert caught.value.law == "pose"


# --- trajectories


def smooth(
    start_rad: tuple[float, float] = (0.1, -0.2),
    sweep_rad: tuple[float, float] = (0.6, -0.5),
    duration_s: float = 2.0,
    samples: int = 41,
) -> JointTrajectory:
    """Both joints from rest to rest along a fifth-order polynomial."""
    t_s = np.linspace(0.0, duration_s, samples)
    s, T = (t_s / duration_s)[:, None], duration_s
    start, sweep = np.array(start_rad), np.array(sweep_rad)
    q = start + sweep * (10 * s**3 - 15 * s**4 + 6 * s**5)
    qd = sweep * (30 * s**2 - 60 * s**3 + 30 * s**4) / T
    qdd = sweep * (60 * s - 180 * s**2 + 120 * s**3) / T**2
    return JointTrajectory(NAMES, t_s, q, qd, qdd)


def state_at(q_rad: Any, stamp_ns: int = NOW_NS, names: tuple[str, ...] = NAMES) -> JointState:
    q = np.asarray(q_rad, dtype=np.float64)
    return JointState(names, q, np.zeros(len(q)), np.zeros(len(q)), stamp_ns)


def admit(
    trajectory: JointTrajectory, state: JointState | None = None, guard: Guard = GUARD
) -> JointTrajectory:
    here = state_at(trajectory.q_rad[0]) if state is None else state
    return guard.admit_trajectory(trajectory, here, NOW_NS)


def law(
    trajectory: JointTrajectory, state: JointState | None = None, guard: Guard = GUARD
) -> tuple[str, str]:
    """The law that was broken, and the message."""
    with pytest.raises(GuardRefusal) as caught:
        admit(trajectory, state, guard)
    assert str(caught.value).startswith(f"{caught.value.law}: ")
    return caught.value.law, str(caught.value)


def with_sample(
    trajectory: JointTrajectory, array: str, row: int, joint: int, value: float
) -> JointTrajectory:
    samples = getattr(trajectory, array).copy()
    samples[row, joint] = value
    changed: dict[str, Any] = {array: samples}
    return replace(trajectory, **changed)


def test_a_good_trajectory_comes_out_as_it_went_in() -> None:
    trajectory = smooth()
    assert admit(trajectory) is trajectory
    for sampled in (smooth(samples=21), smooth(samples=201), smooth(samples=2001)):
        assert admit(sampled) is sampled


def test_a_single_sample_is_a_way_to_stay() -> None:
    rest = np.zeros((1, 2))
    here = JointTrajectory(NAMES, np.zeros(1), np.full((1, 2), 0.3), rest, rest)
    assert admit(here) is here


def test_rates_taken_by_differences_are_truthful_enough() -> None:
    exact = smooth()
    qd = np.gradient(exact.q_rad, exact.t_s, axis=0)
    qd[-1] = 0.0  # the one rate that may not be rough
    qdd = np.gradient(qd, exact.t_s, axis=0)
    rough = replace(exact, qd_rad_s=qd, qdd_rad_s2=qdd)
    assert admit(rough) is rough


def test_joints_others_than_the_arms() -> None:
    broken, message = law(replace(smooth(), names=("joint_2", "joint_1")))
    assert broken == "joints"
    assert "('joint_1', 'joint_2')" in message


def test_joints_that_nobody_measures() -> None:
    broken, message = law(smooth(), state_at([0.1], names=("joint_1",)))
    assert broken == "joints"
    assert "joint_2" in message


def test_joints_measured_in_another_order_and_beside_others() -> None:
    state = state_at([-0.2, 9.0, 0.1], names=("joint_2", "gripper", "joint_1"))
    assert admit(smooth(), state) is not None


def test_empty() -> None:
    none = np.zeros((0, 2))
    empty = JointTrajectory(NAMES, np.zeros(0), none, none, none)
    assert law(empty, state_at([0.0, 0.0]))[0] == "empty"


@pytest.mark.parametrize("array", ["q_rad", "qd_rad_s", "qdd_rad_s2"])
def test_shape(array: str) -> None:
    good = smooth()
    for bad in (np.zeros((len(good.t_s), 3)), np.zeros((3, 2)), np.zeros(len(good.t_s))):
        changed: dict[str, Any] = {array: bad}
        assert law(replace(good, **changed), state_at([0.1, -0.2]))[0] == "shape"
    assert law(replace(good, t_s=good.t_s[:, None]))[0] == "shape"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("array", ["q_rad", "qd_rad_s", "qdd_rad_s2"])
def test_finite(array: str, bad: float) -> None:
    here = state_at([0.1, -0.2])
    assert law(with_sample(smooth(), array, 20, 1, bad), here)[0] == "finite"
    times = smooth().t_s.copy()
    times[5] = bad
    assert law(replace(smooth(), t_s=times))[0] == "finite"
    assert law(smooth(), state_at([bad, -0.2]))[0] == "finite"


@pytest.mark.parametrize(("row", "time_s"), [(0, -0.1), (5, 0.20), (5, 0.19), (40, 0.0)])
def test_time(row: int, time_s: float) -> None:
    """Before the start, at the same moment as the sample before, before that one."""
    t_s = np.round(smooth().t_s, 6)
    t_s[row] = time_s
    assert law(replace(smooth(), t_s=t_s))[0] == "time"


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0.0, True), (0.09, True), (0.11, False), (9.0, False)]
)
def test_stale(age_s: float, fresh: bool) -> None:
    state = state_at([0.1, -0.2], stamp_ns=NOW_NS - round(age_s * 1e9))
    if fresh:
        admit(smooth(), state)
    else:
        broken, message = law(smooth(), state)
        assert broken == "stale"
        assert f"{age_s:.3f} s old, bound 0.1 s" in message


def test_stale_is_also_what_claims_to_be_from_the_future() -> None:
    admit(smooth(), state_at([0.1, -0.2], stamp_ns=NOW_NS + 490_000_000))
    broken, message = law(smooth(), state_at([0.1, -0.2], stamp_ns=NOW_NS + 510_000_000))
    assert broken == "stale"
    assert "0.510 s in the future" in message


@pytest.mark.parametrize("joint", [0, 1])
def test_start(joint: int) -> None:
    near, far = np.array([0.1, -0.2]), np.array([0.1, -0.2])
    near[joint] += 0.049
    far[joint] -= 0.051
    admit(smooth(), state_at(near))
    broken, message = law(smooth(), state_at(far))
    assert broken == "start"
    assert NAMES[joint] in message
    assert "0.051" in message


def test_position() -> None:
    assert law(smooth(start_rad=(1.9, 0.0), sweep_rad=(0.2, 0.1)))[0] == "position"
    broken, message = law(smooth(start_rad=(0.0, -0.9), sweep_rad=(0.1, -0.2)))
    assert broken == "position"
    assert "joint_2 would reach -1.1, bounds -1 to 1.5" in message


def test_speed_stated() -> None:
    assert law(with_sample(smooth(), "qd_rad_s", 20, 0, 1.1))[0] == "speed"


def test_speed_between_samples() -> None:
    fast = smooth()
    jump = replace(fast, q_rad=fast.q_rad + np.where(np.arange(41) > 20, 0.3, 0.0)[:, None])
    assert law(jump)[0] == "speed"


def test_acceleration_stated() -> None:
    assert law(with_sample(smooth(), "qdd_rad_s2", 20, 0, 4.2))[0] == "acceleration"


def test_acceleration_between_samples() -> None:
    kick = replace(smooth(), qd_rad_s=np.where(np.arange(41) > 20, 0.9, 0.0)[:, None] * [1.0, 0.0])
    assert law(kick)[0] == "acceleration"


def test_jerk() -> None:
    snap = smooth(sweep_rad=(0.0, 0.0))
    wobble = np.where(np.arange(41) % 2 == 0, 2.0, -2.0)[:, None] * [1.0, 0.0]
    assert law(replace(snap, qdd_rad_s2=wobble))[0] == "jerk"


def test_truth_of_speed() -> None:
    """Back and forth at nearly full speed while stating rest: each stated number is allowed."""
    rest = np.zeros((41, 2))
    zigzag = np.where(np.arange(41) % 2 == 0, 0.0, 0.045)[:, None] * [1.0, 0.0]
    broken, message = law(JointTrajectory(NAMES, smooth().t_s, zigzag, rest, rest))
    assert broken == "truth"
    assert "joint_1" in message


def test_truth_of_acceleration() -> None:
    """Speed rises at nearly the full acceleration while none is stated."""
    t_s = np.linspace(0.0, 0.2, 41)
    qd = 3.9 * t_s[:, None] * [1.0, 0.0]
    q = 1.95 * t_s[:, None] ** 2 * [1.0, 0.0]
    assert law(JointTrajectory(NAMES, t_s, q, qd, np.zeros((41, 2))))[0] == "truth"


def test_limits_may_be_exceeded_by_the_slack_alone() -> None:
    """A fifth-order motion is fastest in its middle: 15/8 of its mean speed."""
    exact = replace(GUARD, config=GuardConfig(slack=0.0))
    fast = smooth(sweep_rad=(1.0, 0.0), duration_s=15 / 8 / 1.01, samples=81)
    assert np.abs(fast.qd_rad_s).max() == pytest.approx(1.01, abs=1e-6)
    wide = replace(LIMITS, acceleration_rad_s2=np.full(2, 9.0), jerk_rad_s3=np.full(2, 90.0))
    assert admit(fast, guard=replace(GUARD, limits=wide)) is fast
    assert law(fast, guard=replace(exact, limits=wide))[0] == "speed"


def moving_state(trajectory: JointTrajectory, qd_rad_s: Any) -> JointState:
    return replace(state_at(trajectory.q_rad[0]), qd_rad_s=np.asarray(qd_rad_s, np.float64))


def stopping() -> JointTrajectory:
    """The second half of a motion: it starts in full motion and ends at rest."""
    whole = smooth(samples=81)
    half = slice(40, None)
    return JointTrajectory(
        NAMES,
        whole.t_s[half] - whole.t_s[40],
        whole.q_rad[half],
        whole.qd_rad_s[half],
        whole.qdd_rad_s2[half],
    )


@pytest.mark.parametrize("joint", [0, 1])
def test_start_speed_of_an_arm_that_moves(joint: int) -> None:
    bound = GUARD.config.start_speed_share * LIMITS.speed_rad_s[joint]
    near, far = np.zeros(2), np.zeros(2)
    near[joint], far[joint] = bound - 1e-3, -bound - 1e-3
    admit(smooth(), moving_state(smooth(), near))
    broken, message = law(smooth(), moving_state(smooth(), far))
    assert broken == "start speed"
    assert NAMES[joint] in message


def test_a_stop_starts_as_fast_as_the_arm_moves() -> None:
    stop = stopping()
    assert np.abs(stop.qd_rad_s[0]).max() > 0.4
    assert admit(stop, moving_state(stop, stop.qd_rad_s[0])) is stop
    assert law(stop)[0] == "start speed"


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_measured_speed_that_is_no_number(bad: float) -> None:
    assert law(smooth(), moving_state(smooth(), [bad, 0.0]))[0] == "finite"


def test_end_in_motion() -> None:
    whole = smooth(samples=81)
    half = slice(0, 41)
    going = JointTrajectory(
        NAMES, whole.t_s[half], whole.q_rad[half], whole.qd_rad_s[half], whole.qdd_rad_s2[half]
    )
    broken, message = law(going)
    assert broken == "end"
    assert "must rest" in message
    assert law(with_sample(smooth(), "qd_rad_s", 40, 1, 2e-7))[0] == "end"


def breaks_a_limit(trajectory: JointTrajectory) -> bool:
    """Judged apart from the guard: by differences of position alone, and by what is stated."""
    stretch = 1.0 + GUARD.config.slack + 1e-6
    dt_s = np.diff(trajectory.t_s)[:, None]
    speeds = np.diff(trajectory.q_rad, axis=0) / dt_s
    return bool(
        np.any(trajectory.q_rad < LIMITS.lower_rad - 1e-6)
        or np.any(trajectory.q_rad > LIMITS.upper_rad + 1e-6)
        or np.any(np.abs(speeds) > LIMITS.speed_rad_s * stretch)
        or np.any(np.abs(trajectory.qd_rad_s) > LIMITS.speed_rad_s * stretch)
        or np.any(np.abs(trajectory.qdd_rad_s2) > LIMITS.acceleration_rad_s2 * stretch)
        or np.any(
            np.abs(np.diff(trajectory.qdd_rad_s2, axis=0)) / dt_s > LIMITS.jerk_rad_s3 * stretch
        )
    )


Spoil = Callable[[JointTrajectory, np.random.Generator], JointTrajectory]


def _spoiled(trajectory: JointTrajectory, rng: np.random.Generator) -> JointTrajectory:
    """Some sample of some array moved by some amount."""
    array = str(rng.choice(["q_rad", "qd_rad_s", "qdd_rad_s2"]))
    samples = getattr(trajectory, array).copy()
    row, joint = rng.integers(len(samples)), rng.integers(2)
    samples[row, joint] += rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-6.0, 2.0)
    changed: dict[str, Any] = {array: samples}
    return replace(trajectory, **changed)


def test_no_trajectory_that_breaks_a_limit_ever_comes_out() -> None:
    rng = np.random.default_rng(0)
    admitted = broken = 0
    for _ in range(1500):
        sweep = rng.uniform(-1.6, 1.6, size=2)
        trajectory = smooth(
            (float(rng.uniform(-2.2, 2.2)), float(rng.uniform(-1.2, 1.7))),
            (float(sweep[0]), float(sweep[1])),
            duration_s=float(rng.uniform(0.5, 4.0)),
            samples=int(rng.integers(2, 80)),
        )
        if rng.random() < 0.5:
            trajectory = _spoiled(trajectory, rng)
        breaks = breaks_a_limit(trajectory)
        broken += breaks
        try:
            admit(trajectory)
        except GuardRefusal:
            continue
        admitted += 1
        assert not breaks
    assert admitted > 50
    assert broken > 300


def test_motions_within_the_limits_are_not_refused() -> None:
    """The guard is no use if it stops good work: rest to rest at four fifths of the limits."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        sweep = rng.uniform(-0.7, 0.7, size=2)
        peak = np.abs(sweep)
        duration_s = max(
            float((1.875 * peak / LIMITS.speed_rad_s).max()),
            float(np.sqrt(5.78 * peak / LIMITS.acceleration_rad_s2).max()),
            float(np.cbrt(60.0 * peak / LIMITS.jerk_rad_s3).max()),
        )
        samples = max(3, int(duration_s / 0.8 / 0.02))
        admit(smooth((0.0, 0.2), (float(sweep[0]), float(sweep[1])), duration_s / 0.8, samples))
