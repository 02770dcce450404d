import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_robot.errors import MotionInfeasible
from mtopt_robot.path import JointPath

knots = st.integers(2, 9).flatmap(
    lambda count: st.lists(
        st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=count, max_size=count
    ).map(np.array)
)


@given(knots)
def test_it_goes_through_its_knots(given_knots):
    q, _, _ = JointPath(given_knots).at(np.linspace(0.0, 1.0, len(given_knots)))
    np.testing.assert_allclose(q, given_knots, atol=1e-9)


@given(knots)
def test_its_derivatives_are_those_of_its_positions(given_knots):
    path = JointPath(given_knots)
    s = np.linspace(0.001, 0.999, 313)
    h = 1e-5
    before, after = path.at(s - h), path.at(s + h)
    _, first, second = path.at(s)
    scale = 1.0 + path.bounds[2].max()
    np.testing.assert_allclose((after[0] - before[0]) / (2 * h), first, atol=1e-4 * scale)
    np.testing.assert_allclose((after[1] - before[1]) / (2 * h), second, atol=1e-4 * scale)


@given(knots)
def test_its_bounds_hold_everywhere(given_knots):
    path = JointPath(given_knots)
    _, first, second = path.at(np.linspace(0.0, 1.0, 997))
    assert np.all(np.abs(first) <= path.bounds[0] + 1e-9)
    assert np.all(np.abs(second) <= path.bounds[1] + 1e-9)


def test_two_knots_are_a_straight_line():
    path = JointPath(np.array([[0.0, 1.0], [1.0, -1.0]]))
    assert path.bounds[1].max() == 0.0
    np.testing.assert_allclose(path.at(np.array([0.25]))[0], [[0.25, 0.5]])


@pytest.mark.parametrize(
    "bad",
    [np.zeros((1, 7)), np.zeros(7), np.array([[0.0], [math.nan]]), np.array([[0.0], [math.inf]])],
)
def test_a_path_needs_two_finite_knots(bad):
    with pytest.raises(MotionInfeasible, match="finite knots"):
        JointPath(bad)
