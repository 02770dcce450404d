import numpy as np
import pytest

from mtopt_core.cell import EndReason
from mtopt_core.joints import JointLimits, JointState
from mtopt_robot.convergence import ConvergenceConfig, Progress, watch, watch_gripper
from mtopt_robot.motion import MotionPlanner, state_at

NAMES = ("a", "b")
LIMITS = JointLimits(NAMES, *(np.full(2, value) for value in (-3.0, 3.0, 1.5, 6.0, 60.0, 100.0)))
SENT = MotionPlanner(LIMITS).to(np.zeros(2), np.array([1.0, -0.5]))
START_NS = 10_000_000_000
CONFIG = ConvergenceConfig()


def at(elapsed_s, q=None, qd=None, effort=(0.0, 0.0), age_s=0.0, lag_s=0.0):
    """A measurement this long after the start, and the time at which it is looked at."""
    follow = state_at(SENT, max(0.0, elapsed_s - lag_s))
    stamp_ns = START_NS + int(elapsed_s * 1e9)
    state = JointState(
        NAMES,
        follow[0] if q is None else np.array(q, float),
        follow[1] if qd is None else np.array(qd, float),
        np.array(effort, float),
        stamp_ns,
    )
    return state, stamp_ns + int(age_s * 1e9)


def verdict(*args, **kwargs):
    state, now_ns = at(*args, **kwargs)
    return watch(SENT, START_NS, state, now_ns, LIMITS)


def test_joints_that_follow_are_in_motion_until_they_are_there():
    for share in np.linspace(0.0, 0.99, 30):
        assert verdict(share * SENT.duration_s).progress is Progress.IN_MOTION
    there = verdict(SENT.duration_s + 0.01)
    assert there.progress is Progress.ARRIVED
    assert there.fault is None


def test_following_late_is_no_fault_up_to_the_lag():
    for share in np.linspace(0.0, 1.0, 30):
        late = verdict(share * SENT.duration_s, lag_s=CONFIG.lag_s)
        assert late.fault is None


@pytest.mark.parametrize("joint", [0, 1])
def test_a_joint_that_strays_is_a_tracking_error(joint):
    q, _, _ = state_at(SENT, 0.4)
    q[joint] += 2.0 * CONFIG.tracking_rad
    found = verdict(0.4, q=q)
    assert found.fault is EndReason.TRACKING_ERROR
    assert NAMES[joint] in found.message and f"bound {CONFIG.tracking_rad:g} rad" in found.message


def test_a_joint_that_stands_still_is_a_tracking_error():
    faults = [verdict(t, q=(0, 0), qd=(0, 0)).fault for t in np.linspace(0, SENT.duration_s, 50)]
    assert EndReason.TRACKING_ERROR in faults


@pytest.mark.parametrize(
    ("short_rad", "progress"),
    [
        (0.5 * CONFIG.blocked_rad, Progress.BLOCKED),
        (1.1 * CONFIG.blocked_rad, Progress.TRACKING_ERROR),
    ],
)
def test_short_of_the_goal_is_waited_for_and_then_told(short_rad, progress):
    q = SENT.q_rad[-1] - short_rad
    waiting = verdict(SENT.duration_s + 0.5 * CONFIG.patience_s, q=q, qd=(0, 0))
    assert waiting.progress is Progress.IN_MOTION
    late = verdict(SENT.duration_s + 1.1 * CONFIG.patience_s, q=q, qd=(0, 0))
    assert late.progress is progress
    assert "from its goal" in late.message
    assert (late.fault is None) == (progress is Progress.BLOCKED)


def test_at_the_goal_but_moving_is_not_there():
    assert verdict(SENT.duration_s + 0.01, qd=(0.2, 0.0)).progress is Progress.IN_MOTION


def test_old_states_are_stale_whatever_they_say():
    old = verdict(SENT.duration_s, age_s=0.2)
    assert old.fault is EndReason.JOINT_STATES_STALE
    assert "0.200 s old, bound 0.1 s" in old.message


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_states_that_are_no_numbers_are_a_fault(bad):
    assert verdict(0.3, q=(bad, 0.0)).fault is EndReason.JOINT_STATES_STALE
    assert verdict(0.3, qd=(0.0, bad)).fault is EndReason.JOINT_STATES_STALE


@pytest.mark.parametrize("effort", [(95.0, 0.0), (0.0, -95.0), (np.nan, -95.0), (np.inf, 0.0)])
def test_pushing_hard_is_contact(effort):
    found = verdict(0.3, effort=effort)
    assert found.fault is EndReason.CONTACT
    assert "bound 90.0 Nm" in found.message


def test_pushing_less_is_not():
    assert verdict(0.3, effort=(89.0, -89.0)).fault is None


def test_an_effort_that_is_not_measured_is_no_contact():
    assert verdict(0.3, effort=(np.nan, np.nan)).fault is None


def gripper(*args, **kwargs):
    state, now_ns = at(*args, **kwargs)
    return watch_gripper(SENT, START_NS, state, now_ns)


def test_a_gripper_that_rests_on_something_has_arrived():
    holding = gripper(SENT.duration_s + 0.05, q=(0.3, 0.0), qd=(0, 0), effort=(99.0, 0.0))
    assert holding.progress is Progress.ARRIVED


def test_a_gripper_that_still_moves_has_not_until_patience_ends():
    moving = gripper(SENT.duration_s + 0.05, qd=(0.5, 0.0))
    assert moving.progress is Progress.IN_MOTION
    late = gripper(SENT.duration_s + CONFIG.patience_s + 0.01, qd=(0.5, 0.0))
    assert late.progress is Progress.ARRIVED


def test_a_gripper_before_its_motions_end_is_in_motion():
    assert gripper(0.5 * SENT.duration_s, qd=(0, 0)).progress is Progress.IN_MOTION


def test_a_stale_gripper_is_a_fault():
    assert gripper(SENT.duration_s, age_s=0.3).fault is EndReason.JOINT_STATES_STALE
