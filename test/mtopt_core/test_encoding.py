"""The numbers beside the image: one layout, there and back, and a name for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.action import TERMINATE, Action, ActionBounds, Gripper
from mtopt_core.encoding import (
    ACTION_LAYOUT,
    STATE_LAYOUT,
    decode_action,
    encode_action,
    encode_actions,
    encode_state,
    layout_hash,
)

BOUNDS = ActionBounds()
shares = st.floats(-1.0, 1.0, width=32)
actions = st.builds(
    lambda x, y, z, yaw, gripper, terminate: Action(
        (x * BOUNDS.delta_m[0], y * BOUNDS.delta_m[1], z * BOUNDS.delta_m[2]),
        yaw * BOUNDS.yaw_rad,
        gripper,
        terminate,
    ),
    shares,
    shares,
    shares,
    shares,
    st.sampled_from(list(Gripper)),
    st.booleans(),
)


@given(actions)
def test_an_action_comes_back_from_its_numbers(action: Action) -> None:
    back = decode_action(encode_action(action, BOUNDS), BOUNDS)
    assert back.delta_m == pytest.approx(action.delta_m, abs=1e-7)
    assert back.yaw_rad == pytest.approx(action.yaw_rad, abs=1e-6)
    assert (back.gripper, back.terminate) == (action.gripper, action.terminate)


@given(actions)
def test_numbers_of_an_allowed_action_are_between_minus_one_and_one(action: Action) -> None:
    row = encode_action(action, BOUNDS)
    assert row.shape == (len(ACTION_LAYOUT),)
    assert row.dtype == np.float32
    assert np.all(np.abs(row) <= 1.0 + 1e-6)


@given(st.lists(actions, min_size=1, max_size=5))
def test_many_at_once_are_each_by_itself(several: list[Action]) -> None:
    rows = encode_actions(
        np.array([[*a.delta_m, a.yaw_rad] for a in several]),
        np.array([int(a.gripper) for a in several]),
        np.array([a.terminate for a in several]),
        BOUNDS,
    )
    assert np.array_equal(rows, np.array([encode_action(a, BOUNDS) for a in several]))


def test_every_number_stands_where_the_layout_says() -> None:
    def number(action: Action, name: str) -> float:
        return float(encode_action(action, BOUNDS)[ACTION_LAYOUT.index(name)])

    far = Action((0.10, -0.05, 0.12), np.pi / 2)
    assert number(far, "delta_x_over_bound") == pytest.approx(1.0)
    assert number(far, "delta_y_over_bound") == pytest.approx(-0.5)
    assert number(far, "delta_z_over_bound") == pytest.approx(1.0)
    assert number(far, "sin_yaw") == pytest.approx(1.0)
    assert number(far, "cos_yaw") == pytest.approx(0.0, abs=1e-6)
    assert number(Action(gripper=Gripper.CLOSE), "gripper_close") == 1.0
    assert number(Action(gripper=Gripper.CLOSE), "gripper_open") == 0.0
    assert number(Action(gripper=Gripper.OPEN), "gripper_open") == 1.0
    assert number(Action(gripper=Gripper.OPEN), "gripper_close") == 0.0
    assert number(TERMINATE, "terminate") == 1.0
    assert number(far, "terminate") == 0.0


def test_action_and_state_are_the_papers_ten_numbers() -> None:
    assert len(ACTION_LAYOUT) + len(STATE_LAYOUT) == 10
    state = encode_state(True, 0.125)
    assert state.dtype == np.float32
    assert list(state) == [1.0, 0.125]
    assert encode_state(False, 0.0)[0] == 0.0


def test_equal_bounds_have_equal_hashes_and_others_do_not() -> None:
    same = layout_hash(ActionBounds())
    assert layout_hash(BOUNDS) == same
    others = {
        layout_hash(ActionBounds(delta_m=(0.11, 0.10, 0.12))),
        layout_hash(ActionBounds(delta_m=(0.10, 0.10, 0.13))),
        layout_hash(ActionBounds(yaw_rad=1.0)),
    }
    assert len(others | {same}) == 4


def test_the_hash_is_that_of_the_layout_that_models_were_trained_on() -> None:
    """A change here refuses every existing model: change it on purpose or not at all."""
    expected = ActionBounds(delta_m=(0.10, 0.10, 0.12), yaw_rad=1.5707963267948966)
    assert layout_hash(expected) == "f19ad02184397751"
