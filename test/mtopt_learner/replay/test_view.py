"""What is cut out of an image: the middle is what serving feeds, whatever is shifted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mtopt_learner.errors import ViewInvalid
from mtopt_learner.replay.view import View
from mtopt_robot.models.image import prepare

ANYWHERE = np.zeros(2)
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
    kept = view.cut(IMAGE, ANYWHERE)
    assert kept.shape == (*view.kept_px, 3)
    rows, columns = (slice(margin_px, margin_px + side) for side in size_px)
    served = prepare(IMAGE, view.image_format())
    assert np.abs(kept[rows, columns].astype(int) - served).max() <= 1


def test_a_cut_at_the_tool_has_it_in_its_middle() -> None:
    view = View((48, 64), (8, 8), (8, 8), 2, "tool")
    kept = view.cut(IMAGE, np.array([30.0, 20.0]))
    assert np.array_equal(kept, IMAGE[14:26, 24:36])


@pytest.mark.parametrize("tool_px", [(-3.0, 2.0), (63.0, 47.0), (500.0, 20.0), (20.0, -400.0)])
def test_what_lies_outside_is_black(tool_px: tuple[float, float]) -> None:
    view = View((48, 64), (8, 8), (8, 8), 0, "tool")
    kept = view.cut(IMAGE, np.array(tool_px))
    left, top = round(tool_px[0] - 4), round(tool_px[1] - 4)
    for row, column in np.ndindex(8, 8):
        inside = 0 <= top + row < 48 and 0 <= left + column < 64
        wanted = IMAGE[top + row, left + column] if inside else np.zeros(3)
        assert np.array_equal(kept[row, column], wanted)


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
        View((50, 64), (40, 40), (40, 40), 2).cut(IMAGE, ANYWHERE)


def test_a_bundle_cannot_say_a_cut_at_the_tool() -> None:
    with pytest.raises(ViewInvalid, match="tool"):
        View((48, 64), (8, 8), (8, 8), 0, "tool").image_format()


def test_keys_tell_all_that_changes_pixels() -> None:
    views = [
        View(), View(margin_px=10), View(at="tool"), View(crop_px=(236, 236), size_px=(236, 236)),
        View(size_px=(236, 236), margin_px=10), View((512, 700)),
    ]  # fmt: skip
    assert len({view.key for view in views}) == len(views)
    assert View().key == View().key
