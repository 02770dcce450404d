"""Actions: what is one at all, and what is within the bounds of a step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.action import HOLD, TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.errors import InvalidAction

numbers = st.floats(allow_nan=False, allow_infinity=False)
actions = st.builds(
    Action,
    st.tuples(numbers, numbers, numbers),
    numbers,
    st.sampled_from(list(Gripper)),
    st.booleans(),
)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_action(bad: float) -> None:
    for axis in range(3):
        delta_m: list[float] = [0.0, 0.0, 0.0]
        delta_m[axis] = bad
        with pytest.raises(InvalidAction, match="finite"):
            Action((delta_m[0], delta_m[1], delta_m[2]))
    with pytest.raises(InvalidAction, match="finite"):
        Action(yaw_rad=bad)


def test_three_axes_and_three_gripper_commands_are_all_there_are() -> None:
    flat: Any = (0.0, 0.0)
    with pytest.raises(InvalidAction):
        Action(flat)
    seven: Any = 7
    with pytest.raises(InvalidAction, match=r"KEEP.*OPEN.*CLOSE"):
        Action(gripper=seven)


def test_the_gripper_has_the_numbers_of_the_wire() -> None:
    assert [int(g) for g in (Gripper.KEEP, Gripper.OPEN, Gripper.CLOSE)] == [0, 1, 2]


def test_moving_is_going_or_turning() -> None:
    assert not HOLD.moves
    assert not TERMINATE.moves
    assert not Action(gripper=Gripper.CLOSE).moves
    assert Action((0.0, 0.0, 1e-6)).moves
    assert Action(yaw_rad=-0.1).moves


@given(actions)
def test_a_clamped_action_is_within_the_bounds_and_stays_so(action: Action) -> None:
    bounds = ActionBounds()
    clamped = bounds.clamp(action)
    motion = np.array([*clamped.delta_m, clamped.yaw_rad])
    assert np.all(np.abs(motion) <= bounds.high)
    assert bounds.clamp(clamped) == clamped
    assert (clamped.gripper, clamped.terminate) == (action.gripper, action.terminate)


@given(actions)
def test_clamping_changes_only_what_is_beyond(action: Action) -> None:
    bounds = ActionBounds()
    clamped = bounds.clamp(action)
    before = np.array([*action.delta_m, action.yaw_rad])
    after = np.array([*clamped.delta_m, clamped.yaw_rad])
    within = np.abs(before) <= bounds.high
    assert np.array_equal(after[within], before[within])
    assert np.array_equal(np.sign(after), np.sign(before))


def test_the_projects_bounds_are_those_of_the_file(bounds: ActionBounds) -> None:
    assert bounds.delta_m == (0.10, 0.10, 0.12)
    assert bounds.high == pytest.approx([0.10, 0.10, 0.12, math.pi / 2])
