import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.workspace import Bin, BinGeometry, ToolBox
from mtopt_robot.clearance import BinClearance

CLEARANCE = BinClearance(BinGeometry())
BOX = ToolBox()
point = st.tuples(
    *(st.floats(low, high) for low, high in zip(BOX.min_m, BOX.max_m, strict=True))
).map(np.array)
yaw = st.floats(-2.2, 2.2)


@given(point, yaw, point, st.floats(-1.5, 1.5))
def test_the_way_of_a_kept_goal_touches_no_wall(start, yaw_start, wish, turn):
    if not CLEARANCE.clear(start, yaw_start):
        return
    goal = CLEARANCE.keep(start, wish, yaw_start, yaw_start + turn)
    assert CLEARANCE.clear(goal, yaw_start + turn)
    # Fingers that turn reach a little further than at the three yaws that are looked at.
    slack_m = 0.005 if turn != 0.0 else 1e-9
    for share in np.linspace(0.0, 1.0, 21):
        at = start + share * (goal - start)
        if at[2] < CLEARANCE.free_z_m - 1e-9:
            which = Bin.LEFT if at[1] > 0.0 else Bin.RIGHT
            low, high = CLEARANCE.room(which, yaw_start + share * turn)
            assert np.all(at[:2] >= low - slack_m) and np.all(at[:2] <= high + slack_m)


@given(point, point, yaw, yaw)
def test_above_the_rims_nothing_is_bent(start, goal, yaw_start, yaw_goal):
    start[2] = goal[2] = CLEARANCE.free_z_m
    np.testing.assert_array_equal(CLEARANCE.keep(start, goal, yaw_start, yaw_goal), goal)


@given(point, yaw)
def test_a_clear_place_is_kept(place, at_yaw):
    if CLEARANCE.clear(place, at_yaw):
        np.testing.assert_allclose(CLEARANCE.keep(place, place, at_yaw, at_yaw), place, atol=1e-9)


def test_a_low_tool_can_not_cross_to_the_other_bin():
    start = np.array([0.58, -0.10, 0.05])
    goal = CLEARANCE.keep(start, np.array([0.58, 0.10, 0.05]), 0.0, 0.0)
    assert goal[1] < 0.0
    assert CLEARANCE.clear(goal, 0.0)


def test_a_high_tool_goes_down_where_it_was_asked():
    asked = np.array([0.60, 0.20, 0.03])
    np.testing.assert_allclose(
        CLEARANCE.keep(asked + np.array([0, 0, 0.2]), asked, 0.0, 0.0), asked
    )


def test_a_way_down_across_a_wall_ends_above_it():
    goal = CLEARANCE.keep(np.array([0.58, 0.0, 0.15]), np.array([0.58, -0.10, 0.03]), 0.0, 0.0)
    assert goal[2] > 0.03


@pytest.mark.parametrize(("at_yaw", "wide"), [(0.0, 1), (np.pi / 2, 0)])
def test_open_fingers_need_room_along_the_tools_y(at_yaw, wide):
    low, _ = CLEARANCE.room(Bin.LEFT, at_yaw)
    walls = CLEARANCE.bins.center_m(Bin.LEFT)[:2] - np.array(CLEARANCE.bins.inner_size_m[:2]) / 2
    kept = low - walls
    assert kept[wide] == pytest.approx(CLEARANCE.config.finger_span_m)
    assert kept[1 - wide] == pytest.approx(CLEARANCE.config.finger_width_m)
