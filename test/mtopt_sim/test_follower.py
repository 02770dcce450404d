"""The laws of a joint trajectory controller."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_sim.errors import TrajectoryRefused
from mtopt_sim.follower import TrajectoryFollower, TrajectoryPoints
from mtopt_sim.spline import Spline

NAMES = ("a", "b")
S = 1_000_000_000


def follower() -> TrajectoryFollower:
    return TrajectoryFollower(NAMES, np.array([0.0, 1.0]))


def points(t_s, q_rad, qd=None, qdd=None, names=NAMES, stamp_ns=0) -> TrajectoryPoints:
    rows = [None if r is None else np.array(r, dtype=float) for r in (q_rad, qd, qdd)]
    return TrajectoryPoints(names, np.array(t_s, dtype=float), rows[0], rows[1], rows[2], stamp_ns)


def test_it_stands_before_it_is_told_anything() -> None:
    assert follower().sample(5 * S).q_rad == pytest.approx([0.0, 1.0])
    assert not follower().busy(0)


def test_without_speeds_the_way_is_straight() -> None:
    it = follower()
    it.follow(points([2.0], [[1.0, 3.0]]), 10 * S)
    assert it.sample(11 * S).q_rad == pytest.approx([0.5, 2.0])
    assert it.sample(11 * S).qd_rad_s == pytest.approx([0.5, 1.0])


def test_it_holds_at_the_end() -> None:
    it = follower()
    it.follow(points([1.0], [[1.0, 0.0]], [[0.0, 0.0]]), 0)
    assert it.busy(S - 1) and not it.busy(S)
    for now in (S, 100 * S):
        assert it.sample(now).q_rad == pytest.approx([1.0, 0.0])
        assert it.sample(now).qd_rad_s == pytest.approx([0.0, 0.0])


def test_a_new_trajectory_replaces_the_old_from_where_it_was_commanded_to_be() -> None:
    it = follower()
    it.follow(points([2.0], [[1.0, 1.0]], [[0.0, 0.0]]), 0)
    before = it.sample(S)
    it.follow(points([1.0], [[-1.0, 0.0]], [[0.0, 0.0]]), S)
    after = it.sample(S)
    assert after.q_rad == pytest.approx(before.q_rad)
    assert after.qd_rad_s == pytest.approx(before.qd_rad_s)
    assert before.qd_rad_s[0] > 0.1
    assert it.sample(2 * S).q_rad == pytest.approx([-1.0, 0.0])


def test_a_point_that_is_due_at_once_is_where_the_way_begins() -> None:
    it = follower()
    it.follow(points([0.0, 1.0], [[0.1, 1.1], [1.0, 1.0]]), 0)
    assert it.sample(0).q_rad == pytest.approx([0.1, 1.1])


def test_a_stamp_says_when_it_starts() -> None:
    it = follower()
    it.follow(points([1.0, 2.0], [[0.0, 1.0], [1.0, 1.0]], stamp_ns=5 * S), 4 * S)
    assert it.sample(6 * S).q_rad == pytest.approx([0.0, 1.0])
    assert it.sample(6 * S + S // 2).q_rad == pytest.approx([0.5, 1.0])
    late = follower()
    late.follow(points([1.0, 2.0], [[0.0, 1.0], [1.0, 1.0]], stamp_ns=5 * S), 6 * S + S // 2)
    assert late.sample(6 * S + S // 2).q_rad == pytest.approx([0.5, 1.0])


def test_joints_may_come_in_any_order() -> None:
    it = follower()
    it.follow(points([1.0], [[3.0, 2.0]], names=("b", "a")), 0)
    assert it.sample(S).q_rad == pytest.approx([2.0, 3.0])


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (points([1.0], [[1.0]], names=("a",)), "lacks b"),
        (points([1.0], [[1.0, 1.0, 1.0]], names=("a", "b", "c")), "unknown joint 'c'"),
        (points([1.0], [[1.0, 1.0, 1.0]], names=("a", "b", "b")), "repeats"),
        (points([1.0, 1.0], [[0.0, 0.0]] * 2), "rise"),
        (points([2.0, 1.0], [[0.0, 0.0]] * 2), "rise"),
        (points([-1.0], [[0.0, 0.0]]), "negative"),
        (points([np.nan], [[0.0, 0.0]]), "finite"),
        (points([1.0], [[np.nan, 0.0]]), "finite"),
        (points([1.0], [[0.0, 0.0]], [[np.inf, 0.0]]), "finite"),
        (points([1.0], [[0.0, 0.0]], [[0.1, 0.0]]), "at rest"),
        (points([1.0], [[0.0, 0.0]] * 2), "must be"),
        (points([], np.empty((0, 2))), "no points"),
        (points([1.0], [[0.0, 0.0]], stamp_ns=S), "past"),
    ],
)
def test_what_breaks_a_law_is_refused_and_the_old_motion_goes_on(bad, says: str) -> None:
    it = follower()
    it.follow(points([10.0], [[1.0, 1.0]]), 0)
    with pytest.raises(TrajectoryRefused, match=says):
        it.follow(bad, 5 * S)
    assert it.sample(5 * S).q_rad == pytest.approx([0.5, 1.0])


_rows = st.lists(st.lists(st.floats(-2.0, 2.0), min_size=2, max_size=2), min_size=2, max_size=5)


@given(_rows, st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_the_way_goes_through_every_point_as_it_is_stated(rows, known: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = np.array(rows)
    t = np.cumsum(rng.uniform(0.1, 1.0, len(q)))
    qd, qdd = rng.uniform(-1, 1, q.shape), rng.uniform(-1, 1, q.shape)
    spline = Spline(t, q, qd if known > 0 else None, qdd if known > 1 else None)
    for side in (0.0, -1e-9):
        inner = slice(1, -1)
        found = spline.at(t[inner] + side)
        assert found.q_rad == pytest.approx(q[inner], abs=1e-6)
        if known > 0:
            assert found.qd_rad_s == pytest.approx(qd[inner], abs=1e-5)
        if known > 1:
            assert found.qdd_rad_s2 == pytest.approx(qdd[inner], abs=1e-3)
    assert spline.at(np.array([t[0] - 1, t[-1] + 1])).q_rad == pytest.approx(q[[0, -1]])


def test_many_moments_at_once_are_the_single_ones() -> None:
    it = follower()
    it.follow(points([0.5, 1.0], [[1.0, 0.0], [0.0, 0.0]], [[0.3, 0.1], [0.0, 0.0]]), 7)
    many = it.samples(7, 40_000_000, 30)
    for index in range(30):
        one = it.sample(7 + index * 40_000_000)
        assert np.array_equal(one.q_rad, many.q_rad[index])
        assert np.array_equal(one.qd_rad_s, many.qd_rad_s[index])
