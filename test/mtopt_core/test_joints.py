"""Joint-space values: selecting, timing, scaling."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.joints import JointLimits, JointState, JointTrajectory

STATE = JointState(
    ("c", "a", "b"), np.array([3.0, 1.0, 2.0]), np.array([30.0, 10.0, 20.0]), np.arange(3.0), 9
)


def test_selecting_puts_joints_into_the_order_asked() -> None:
    chosen = STATE.select(("a", "b"))
    assert chosen.names == ("a", "b")
    assert list(chosen.q_rad) == [1.0, 2.0]
    assert list(chosen.qd_rad_s) == [10.0, 20.0]
    assert list(chosen.effort_nm) == [1.0, 2.0]
    assert chosen.stamp_ns == 9


def test_an_absent_joint_is_named() -> None:
    with pytest.raises(KeyError, match="d"):
        STATE.select(("a", "d"))


def test_the_duration_is_the_time_of_the_last_sample() -> None:
    rows = np.zeros((3, 1))
    assert JointTrajectory(("a",), np.array([0.0, 0.5, 2.0]), rows, rows, rows).duration_s == 2.0
    none = np.zeros((0, 1))
    assert JointTrajectory(("a",), np.zeros(0), none, none, none).duration_s == 0.0


def test_scaling_slows_motion_and_leaves_range_and_strength() -> None:
    full = JointLimits(("a",), *(np.array([value]) for value in (-1.0, 1.0, 2.0, 4.0, 8.0, 16.0)))
    half = full.scaled(0.5)
    assert [half.speed_rad_s[0], half.acceleration_rad_s2[0], half.jerk_rad_s3[0]] == [1, 2, 4]
    assert [half.lower_rad[0], half.upper_rad[0], half.effort_nm[0]] == [-1, 1, 16]
