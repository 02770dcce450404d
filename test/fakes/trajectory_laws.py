"""Laws of any trajectory that a joint may be sent."""

import numpy as np

from mtopt_core.joints import JointLimits, JointTrajectory

ROUNDING = 1.0 + 1e-6


def assert_within(trajectory: JointTrajectory, limits: JointLimits) -> None:
    """Position, speed, acceleration and jerk, stated and sampled, stay in the limits."""
    q, qd, qdd = trajectory.q_rad, trajectory.qd_rad_s, trajectory.qdd_rad_s2
    assert trajectory.names == limits.names
    assert all(np.all(np.isfinite(part)) for part in (trajectory.t_s, q, qd, qdd))
    assert np.all(q >= limits.lower_rad - 1e-9) and np.all(q <= limits.upper_rad + 1e-9)
    assert np.all(np.abs(qd) <= limits.speed_rad_s * ROUNDING)
    assert np.all(np.abs(qdd) <= limits.acceleration_rad_s2 * ROUNDING)
    assert trajectory.t_s[0] == 0.0
    if len(trajectory.t_s) == 1:
        return
    dt_s = np.diff(trajectory.t_s)[:, None]
    assert np.all(dt_s > 0.0)
    assert np.all(np.abs(np.diff(q, axis=0) / dt_s) <= limits.speed_rad_s * ROUNDING)
    sampled = np.abs(np.diff(qd, axis=0) / dt_s)
    assert np.all(sampled <= limits.acceleration_rad_s2 * ROUNDING + 1e-9)
    assert np.all(np.abs(np.diff(qdd, axis=0) / dt_s) <= limits.jerk_rad_s3 * ROUNDING + 1e-6)


def assert_rests(trajectory: JointTrajectory) -> None:
    """The motion ends at rest."""
    np.testing.assert_allclose(trajectory.qd_rad_s[-1], 0.0, atol=1e-6)
    np.testing.assert_allclose(trajectory.qdd_rad_s2[-1], 0.0, atol=1e-5)
