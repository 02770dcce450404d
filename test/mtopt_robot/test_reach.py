import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.geometry import pose_tool_down

place = st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))


def test_no_joints_put_the_wrist_outside_the_shell(arm):
    rng = np.random.default_rng(3)
    limits, reach = arm.kinematics.limits, arm.kinematics.reach
    spare = arm.kinematics.config.spare_reach_m
    for q in rng.uniform(limits.lower_rad, limits.upper_rad, size=(300, 7)):
        distance = reach.distance_m(arm.kinematics.forward(q))
        assert reach.inner_m - spare - 1e-9 <= distance <= reach.outer_m + spare + 1e-9


def test_the_shell_is_the_elbows(arm):
    reach, spare = arm.kinematics.reach, arm.kinematics.config.spare_reach_m
    assert reach.outer_m == pytest.approx(0.42 + 0.40 - spare)
    bent = np.hypot(0.42 - 0.40 * 0.5, 0.40 * np.sin(np.radians(60)))
    assert reach.inner_m == pytest.approx(bent + spare, abs=1e-6)


@given(place, st.floats(-3, 3))
def test_what_is_brought_in_is_held_and_keeps_its_turn(arm, position, yaw):
    T = pose_tool_down(np.array(position), yaw)
    near = arm.kinematics.reach.bring_in(T)
    assert arm.kinematics.reach.holds(near)
    np.testing.assert_array_equal(near[:3, :3], T[:3, :3])
    if arm.kinematics.reach.holds(T):
        np.testing.assert_allclose(near, T, atol=1e-8)
