"""A serialized image is read where it lies, as rclpy would have read it."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image as ImageMsg

from mtopt_robot.errors import ImageInvalid
from mtopt_ros import convert
from mtopt_ros.raw_image import pixels_of


def message(height: int, width: int, frame: str, padding: int = 0) -> ImageMsg:
    rng = np.random.default_rng(height * width + len(frame))
    pixels = rng.integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    made = convert.image_msg(pixels, 12_345_678_901, frame)
    if padding:
        rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, padding)))
        made.step, made.data = 3 * width + padding, rows.tobytes()
    return made


@pytest.mark.parametrize("frame", ["", "a", "ab", "abc", "abcd", "camera_overhead_optical_frame"])
@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
@pytest.mark.parametrize("padding", [0, 5])
def test_it_reads_what_rclpy_reads(frame: str, encoding: str, padding: int) -> None:
    made = message(7, 11, frame, padding)
    made.encoding = encoding
    payload = serialize_message(made)
    wanted = convert.image(deserialize_message(payload, ImageMsg))
    found = pixels_of(payload)
    assert np.array_equal(found, wanted) and found.dtype == np.uint8


def test_nothing_is_copied_and_nothing_can_be_changed() -> None:
    payload = serialize_message(message(8, 8, "camera"))
    found = pixels_of(payload)
    assert np.shares_memory(found, np.frombuffer(payload, np.uint8))
    assert not found.flags.writeable


def test_an_empty_image_is_an_image() -> None:
    assert pixels_of(serialize_message(message(0, 0, "camera"))).shape == (0, 0, 3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encoding": "mono8"}, "mono8"),
        ({"encoding": ""}, "encoding ''"),
        ({"step": 20}, "step 20"),
        ({"height": 9}, "9 rows"),
    ],
)
def test_what_is_no_such_image_is_refused_as_by_convert(changes: dict, said: str) -> None:
    made = message(8, 8, "camera")
    for name, value in changes.items():
        setattr(made, name, value)
    payload = serialize_message(made)
    for read in (pixels_of, lambda data: convert.image(deserialize_message(data, ImageMsg))):
        with pytest.raises(ImageInvalid, match=said):
            read(payload)


def test_a_message_that_is_cut_short_is_refused_wherever_it_is_cut() -> None:
    payload = serialize_message(message(3, 5, "camera"))
    for end in range(len(payload) - 3):  # the last bytes may be padding
        with pytest.raises(ImageInvalid):
            pixels_of(payload[:end])


def test_a_text_longer_than_the_message_is_refused() -> None:
    payload = bytearray(serialize_message(message(3, 5, "camera")))
    payload[12:16] = (1 << 31).to_bytes(4, "little")
    with pytest.raises(ImageInvalid):
        pixels_of(bytes(payload))
