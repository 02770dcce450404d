"""Hinges that cannot be seen: noticed by age, by repetition and by silence, and brought to rest."""

from __future__ import annotations

import numpy as np
import pytest

from fakes.trajectory_laws import assert_rests, assert_within
from mtopt_core.action import ActionBounds
from mtopt_core.guard import Guard
from mtopt_core.joints import JointState
from mtopt_core.workspace import ToolBox
from mtopt_robot.description import RobotDescription
from mtopt_robot.hinge_watch import HingeWatch
from mtopt_robot.motion import MotionPlanner, state_at

BEGAN_NS, BEGAN_S = 5_000_000_000, 100.0
BOUND_S = 0.5


@pytest.fixture
def motion(description: RobotDescription) -> MotionPlanner:
    return MotionPlanner(description.bin_limits)


@pytest.fixture
def watch(motion: MotionPlanner) -> HingeWatch:
    return HingeWatch(motion, BOUND_S, BEGAN_NS, BEGAN_S)


def measured(motion: MotionPlanner, stamp_ns: int) -> JointState:
    zero = np.zeros(2)
    return JointState(motion.limits.names, zero, zero, zero, stamp_ns)


def after(seconds: float) -> int:
    return BEGAN_NS + round(seconds * 1e9)


def test_silence_counts_from_the_beginning(watch: HingeWatch) -> None:
    assert watch.stale(after(0.5), BEGAN_S + 0.5) == ""
    assert "0.600 s old, bound 0.5 s" in watch.stale(after(0.6), BEGAN_S + 0.6)


def test_news_keep_it_fresh_and_repetitions_do_not(
    watch: HingeWatch, motion: MotionPlanner
) -> None:
    assert watch.heard(measured(motion, after(0.4)), BEGAN_S + 0.4)
    assert watch.stale(after(0.8), BEGAN_S + 0.8) == ""
    for seconds in (0.4, 0.3):  # a driver that hangs, a message that was overtaken
        assert not watch.heard(measured(motion, after(seconds)), BEGAN_S + 0.9)
    assert watch.stale(after(1.0), BEGAN_S + 1.0) != ""


def test_a_clock_that_stands_still_ages_nothing_until_it_counts_as_dead(
    watch: HingeWatch,
) -> None:
    assert watch.stale(BEGAN_NS, BEGAN_S + 0.4) == ""
    assert "for 2.6 s, bound 0.5 s" in watch.stale(BEGAN_NS, BEGAN_S + 2.6)


def test_a_clock_that_goes_fast_ages_nothing_that_has_just_arrived(watch: HingeWatch) -> None:
    assert watch.stale(after(5.0), BEGAN_S + 0.4) == ""
    assert "6.000 s old" in watch.stale(after(6.0), BEGAN_S + 0.6)


def test_moving_hinges_are_stopped_from_where_they_were_sent_to_be(
    watch: HingeWatch, motion: MotionPlanner
) -> None:
    sent = motion.to(np.zeros(2), np.array([2.5, 0.0]))
    watch.sent(sent, BEGAN_NS)
    guard = Guard(ActionBounds(), ToolBox(), motion.limits)
    for share in (0.02, 0.3, 0.5, 0.9):
        now_ns = after(share * sent.duration_s)
        stopping = watch.stop(now_ns)
        assert stopping is not None
        stop, here = stopping
        q_rad, qd_rad_s, _ = state_at(sent, share * sent.duration_s)
        assert stop.q_rad[0] == pytest.approx(q_rad, abs=1e-6)
        assert here.qd_rad_s == pytest.approx(qd_rad_s)
        assert_within(stop, motion.limits)
        assert_rests(stop)
        assert stop.duration_s < sent.duration_s
        guard.admit_trajectory(stop, here, now_ns)


def test_hinges_at_rest_are_left_alone(watch: HingeWatch, motion: MotionPlanner) -> None:
    assert watch.stop(after(0.1)) is None
    sent = motion.to(np.zeros(2), np.array([1.0, 0.0]))
    watch.sent(sent, BEGAN_NS)
    assert watch.stop(after(sent.duration_s + 0.01)) is None
