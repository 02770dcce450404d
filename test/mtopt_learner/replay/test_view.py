"""What is cut out of an image: the middle is what serving feeds, whatever is shifted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtopt_core.geometry import pose_tool_down, transform
from mtopt_learner.errors import ViewInvalid
from mtopt_learner.replay.view import View
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.models.image import prepare

RNG = np.random.default_rng(3)
IMAGE = RNG.integers(0, 256, size=(48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("crop_px", "size_px", "margin_px"),
    [
        ((40, 40), (40, 40), 4),
        ((40, 40), (20, 20), 2),
        ((32, 48), (16, 24), 4),
        ((48, 64),) * 2 + (0,),
    ],
)
def test_without_its_margin_a_cut_is_what_serving_feeds(
    crop_px: tuple[int, int], size_px: tuple[int, int], margin_px: int
) -> None:
    view = View((48, 64), crop_px, size_px, margin_px)
    kept = view.cut(IMAGE)
    assert kept.shape == (*view.kept_px, 3)
    rows, columns = (slice(margin_px, margin_px + side) for side in size_px)
    served = prepare(IMAGE, view.image_format())
    assert np.abs(kept[rows, columns].astype(int) - served).max() <= 1


@pytest.mark.parametrize("margin_px", [0, 1, 3])
def test_around_the_tool_it_is_what_serving_feeds_to_the_bit(margin_px: int) -> None:
    view = View((48, 64), size_px=(24, 24), margin_px=margin_px, at="tool", m_per_px=0.01)
    camera = CameraCalibration(
        "overhead", 64, 48, np.array([[40.0, 0, 31.5], [0, 40.0, 23.5], [0, 0, 1]]), np.zeros(5),
        transform(np.diag([1.0, -1.0, -1.0]), np.array([0.5, 0.0, 1.0])),
    )  # fmt: skip
    T = pose_tool_down(np.array([0.55, -0.1, 0.2]), 0.4)
    kept = view.cut(IMAGE, T, camera.P_image_base)
    assert kept.shape == (*view.kept_px, 3)
    inner = kept[margin_px : margin_px + 24, margin_px : margin_px + 24]
    assert np.array_equal(inner, prepare(IMAGE, view.image_format(), T, camera.P_image_base))


@pytest.mark.parametrize(
    "values",
    [
        {"crop_px": (47, 40), "size_px": (47, 40), "margin_px": 1},  # no room
        {"crop_px": (30, 30), "size_px": (20, 20), "margin_px": 1},  # a pixel and a half
    ],
)
def test_cuts_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(ViewInvalid, match="margin"):
        View((48, 64), **values)


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ViewInvalid, match="48"):
        View((50, 64), (40, 40), (40, 40), 2).cut(IMAGE)


def test_around_the_tool_it_needs_a_calibrated_camera() -> None:
    with pytest.raises(ViewInvalid, match="calibrated"):
        View((48, 64), size_px=(24, 24), at="tool").cut(IMAGE, np.eye(4))


def test_keys_tell_all_that_changes_pixels() -> None:
    views = [
        View(), View(margin_px=10), View(at="tool"), View(crop_px=(236, 236), size_px=(236, 236)),
        View(size_px=(236, 236), margin_px=10), View((512, 700)),
    ]  # fmt: skip
    assert len({view.key for view in views}) == len(views)
    assert View().key == View().key
