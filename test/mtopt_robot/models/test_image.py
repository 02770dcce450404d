"""What of the camera's image reaches the network."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down, rotation_z, transform
from mtopt_core.observation import Observation
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.models.errors import CameraUnknown, ImageMismatch
from mtopt_robot.models.image import ImageFormat, prepare, state_of

PAPER = ImageFormat()
AROUND = ImageFormat((200, 260), size_px=(41, 61), at="tool", m_per_px=0.005, plane_z_m=0.04)


def test_the_paper_crops_the_middle_and_keeps_every_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, size=(512, 640, 3), dtype=np.uint8)
    assert np.array_equal(prepare(image, PAPER), image[20:492, 84:556])


def test_resize_averages_and_keeps_height_before_width() -> None:
    image = np.zeros((8, 12, 3), dtype=np.uint8)
    image[:, 4:8, 1] = 200
    seen = prepare(image, ImageFormat((8, 12), (8, 8), (4, 2)))
    assert seen.shape == (4, 2, 3)
    assert np.all(seen == [0, 100, 0])


def test_the_image_is_left_alone() -> None:
    image = np.full((512, 640, 3), 7, dtype=np.uint8)
    prepare(image, PAPER)[:] = 0
    assert np.all(prepare(np.full((512, 640, 3), 7, dtype=np.uint8), PAPER) == 7)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((480, 640, 3), np.uint8), ((512, 640), np.uint8), ((512, 640, 4), np.uint8),
     ((512, 640, 3), np.float32)],
)  # fmt: skip
def test_other_images_are_refused(shape: tuple[int, ...], dtype: type) -> None:
    with pytest.raises(ImageMismatch, match=r"\(512, 640, 3\)"):
        prepare(np.zeros(shape, dtype=dtype), PAPER)


def camera(tilt_rad: float, turn_rad: float) -> CameraCalibration:
    """Over x = 0.6 and looking down, but for a tilt and a turn."""
    down = np.diag([1.0, -1.0, -1.0])
    c, s = np.cos(tilt_rad), np.sin(tilt_rad)
    tilt = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    K = np.array([[220.0, 0, 129.5], [0, 220.0, 99.5], [0, 0, 1]])
    T = transform(rotation_z(turn_rad) @ down @ tilt, np.array([0.6, 0.02, 1.0]))
    return CameraCalibration("overhead", 260, 200, K, np.zeros(5), T)


def floor(at: CameraCalibration, points_m: np.ndarray, size_px: int = 7) -> np.ndarray:
    """A picture with a bright spot where a camera sees each point."""
    image = np.zeros((200, 260, 3), dtype=np.uint8)
    for point in points_m:
        u, v = np.round(at.project(point)).astype(int)
        half = size_px // 2
        image[v - half : v + half + 1, u - half : u + half + 1] = 255
    return image


@pytest.mark.parametrize("yaw", [0.0, 0.7, -2.5])
@pytest.mark.parametrize(("tilt", "turn"), [(0.0, 0.0), (0.15, 0.0), (-0.1, 1.2)])
def test_around_the_tool_a_metre_is_as_many_pixels_from_any_camera(
    yaw: float, tilt: float, turn: float
) -> None:
    """A point so far ahead of the tool and beside it is so many rows and columns off the middle."""
    here, eye = np.array([0.58, 0.03, 0.25]), camera(tilt, turn)
    ahead, beside = 0.06, -0.09
    c, s = np.cos(yaw), np.sin(yaw)
    spot = here + np.array([c * ahead - s * beside, s * ahead + c * beside, 0.0])
    spot[2] = AROUND.plane_z_m
    seen = prepare(
        floor(eye, spot[None]), AROUND, pose_tool_down(here, yaw), eye.P_image_base
    ).astype(float)[..., 0]
    rows, columns = np.indices(seen.shape)
    assert seen.sum() > 0
    found = (seen * rows).sum() / seen.sum(), (seen * columns).sum() / seen.sum()
    wanted = 20 + ahead / AROUND.m_per_px, 30 + beside / AROUND.m_per_px
    assert found == pytest.approx(wanted, abs=1.0)


@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_the_state_says_where_the_camera_shows_the_tool(yaw: float) -> None:
    here, eye = np.array([0.5, 0.12, 0.2]), camera(0.1, 0.0)
    T = pose_tool_down(here, yaw)
    image = floor(eye, here[None])
    seen = Observation(image, True, 0.18, 0, T, eye.P_image_base)
    state = state_of(seen, AROUND)
    assert state[:4] == pytest.approx([1.0, 0.18, 0.5, 0.12])
    assert state[4:6] == pytest.approx([np.sin(yaw), np.cos(yaw)], abs=1e-6)
    drawn = prepare(image, AROUND, T, eye.P_image_base).astype(float)[..., 0]
    rows, columns = np.indices(drawn.shape)
    found = (drawn * rows).sum() / drawn.sum() - 20, (drawn * columns).sum() / drawn.sum() - 30
    assert state[6:] / AROUND.m_per_px == pytest.approx(found, abs=1.2)


def test_around_the_tool_nothing_goes_without_a_calibrated_camera() -> None:
    image, T = np.zeros((200, 260, 3), np.uint8), np.eye(4)
    for ask in (
        lambda: prepare(image, AROUND, T),
        lambda: state_of(Observation(image, False, 0.1, 0, T), AROUND),
    ):
        with pytest.raises(CameraUnknown, match="calibrated"):
            ask()


def test_what_the_camera_does_not_see_is_black() -> None:
    eye, T = camera(0.0, 0.0), pose_tool_down(np.array([5.0, 0.0, 0.2]), 0.0)
    white = np.full((200, 260, 3), 255, np.uint8)
    assert not prepare(white, AROUND, T, eye.P_image_base).any()
    behind = pose_tool_down(np.array([0.6, 0.0, 3.0]), 0.0)
    assert prepare(white, AROUND, behind, eye.P_image_base).any()
