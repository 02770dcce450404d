"""Rigid transforms: closure, inverse, quaternions, and the tool-down poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtopt_core.geometry import (
    Transform,
    invert,
    pose_tool_down,
    quaternion_xyzw,
    rotation_of,
    rotation_z,
    tilt_of,
    transform,
    wrap_angle,
    yaw_of,
)

coordinates = st.floats(-3.0, 3.0)
angles = st.floats(-20.0, 20.0)


@st.composite
def quaternions(draw: st.DrawFn) -> np.ndarray:
    q = np.array([draw(st.floats(-1.0, 1.0)) for _ in range(4)])
    norm = np.linalg.norm(q)
    return q / norm if norm > 0.1 else np.array([0.0, 0.0, 0.0, 1.0])


@st.composite
def transforms(draw: st.DrawFn) -> Transform:
    position_m = np.array([draw(coordinates) for _ in range(3)])
    return transform(rotation_of(draw(quaternions())), position_m)


def is_rigid(T: Transform) -> bool:
    R = T[:3, :3]
    turned = np.allclose(R @ R.T, np.eye(3), atol=1e-12) and np.isclose(np.linalg.det(R), 1.0)
    return bool(turned and np.array_equal(T[3], [0.0, 0.0, 0.0, 1.0]))


@given(transforms(), transforms())
def test_closure(a: Transform, b: Transform) -> None:
    assert is_rigid(a)
    assert is_rigid(a @ b)
    assert is_rigid(invert(a))


@given(transforms())
def test_inverse(T: Transform) -> None:
    assert np.allclose(T @ invert(T), np.eye(4), atol=1e-12)
    assert np.allclose(invert(T) @ T, np.eye(4), atol=1e-12)


@given(transforms(), transforms())
def test_the_inverse_of_a_chain_is_the_chain_of_inverses(a: Transform, b: Transform) -> None:
    assert np.allclose(invert(a @ b), invert(b) @ invert(a), atol=1e-12)


@given(quaternions())
def test_quaternion_to_rotation_and_back(q: np.ndarray) -> None:
    back = quaternion_xyzw(rotation_of(q))
    assert np.linalg.norm(back) == pytest.approx(1.0)
    assert back[3] >= 0.0
    assert min(np.abs(back - q).max(), np.abs(back + q).max()) < 1e-7


@given(transforms())
def test_rotation_to_quaternion_and_back(T: Transform) -> None:
    R = T[:3, :3]
    assert np.allclose(rotation_of(quaternion_xyzw(R)), R, atol=1e-7)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_turns_are_where_simple_formulas_fail(axis: int) -> None:
    R = -np.eye(3)
    R[axis, axis] = 1.0
    expected = np.zeros(4)
    expected[axis] = 1.0
    assert np.abs(quaternion_xyzw(R)) == pytest.approx(expected, abs=1e-12)


def test_a_quaternion_need_not_be_normalised() -> None:
    q = np.array([0.1, -0.2, 0.3, 0.9])
    assert np.allclose(rotation_of(5.0 * q), rotation_of(q))


def test_quaternions_turn_the_right_way() -> None:
    quarter = rotation_of(np.array([0.0, 0.0, math.sin(math.pi / 4), math.cos(math.pi / 4)]))
    assert np.allclose(quarter @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    assert np.allclose(quarter, rotation_z(math.pi / 2))


@given(coordinates, coordinates, coordinates, angles)
def test_a_tool_down_pose_points_down_at_its_place(
    x: float, y: float, z: float, yaw_rad: float
) -> None:
    T = pose_tool_down(np.array([x, y, z]), yaw_rad)
    assert is_rigid(T)
    assert T[:3, 3] == pytest.approx([x, y, z])
    assert np.allclose(T[:3, 2], [0.0, 0.0, -1.0])
    assert tilt_of(T) == pytest.approx(0.0, abs=1e-7)


@given(angles)
def test_yaw_goes_in_and_comes_out(yaw_rad: float) -> None:
    assert math.isclose(
        math.remainder(yaw_of(pose_tool_down(np.zeros(3), yaw_rad)) - yaw_rad, math.tau),
        0.0,
        abs_tol=1e-9,
    )


@given(angles, angles)
def test_turning_about_the_bases_z_adds_to_the_yaw(yaw_rad: float, turn_rad: float) -> None:
    turned = transform(rotation_z(turn_rad), np.zeros(3)) @ pose_tool_down(np.zeros(3), yaw_rad)
    off = math.remainder(yaw_of(turned) - yaw_rad - turn_rad, math.tau)
    assert off == pytest.approx(0.0, abs=1e-9)


@given(angles)
def test_a_wrapped_angle_is_the_same_angle_in_one_turn(angle_rad: float) -> None:
    wrapped = wrap_angle(angle_rad)
    assert -math.pi < wrapped <= math.pi
    assert math.remainder(wrapped - angle_rad, math.tau) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("half_turn", [math.pi, -math.pi])
def test_half_a_turn_has_one_name(half_turn: float) -> None:
    assert wrap_angle(half_turn) == math.pi
    assert yaw_of(pose_tool_down(np.zeros(3), half_turn)) == math.pi


@pytest.mark.parametrize("tilt_rad", [0.0, 0.1, 1.0, math.pi / 2, 3.0])
def test_tilt_is_the_angle_from_straight_down(tilt_rad: float) -> None:
    c, s = math.cos(tilt_rad), math.sin(tilt_rad)
    about_y = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    T = transform(about_y, np.zeros(3)) @ pose_tool_down(np.zeros(3), 0.7)
    assert tilt_of(T) == pytest.approx(tilt_rad, abs=1e-7)
