import numpy as np
import pytest

from mtopt_robot.errors import ImageInvalid
from mtopt_robot.jpeg import image_of, jpeg


def picture():
    """Smooth, and of a different course in each channel, so that swapped channels show."""
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 4, y * 5, 255 - x * 2 - y], axis=2).astype(np.uint8)


def test_a_round_trip_keeps_size_and_colours():
    image = picture()
    back = image_of(jpeg(image, 95))
    assert back.shape == image.shape and back.dtype == np.uint8
    assert np.abs(back.astype(int) - image.astype(int)).mean() < 3.0


def test_less_quality_is_less_data():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert len(jpeg(noise, 30)) < len(jpeg(noise, 95))


def test_it_is_a_jpeg():
    assert jpeg(picture())[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(bad):
    with pytest.raises(ImageInvalid, match=r"must be uint8 \(H, W, 3\)"):
        jpeg(bad)


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_has_bounds(quality):
    with pytest.raises(ImageInvalid, match="1 to 100"):
        jpeg(picture(), quality)


@pytest.mark.parametrize("data", [b"", b"no image", jpeg(picture())[:20]])
def test_what_is_no_jpeg_is_refused(data):
    with pytest.raises(ImageInvalid, match="no JPEG"):
        image_of(data)
