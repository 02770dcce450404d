"""What of the camera's image reaches the network."""

from __future__ import annotations

import numpy as np
import pytest

from mtopt_robot.models.errors import ImageMismatch
from mtopt_robot.models.image import ImageFormat, prepare

PAPER = ImageFormat()


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
