"""Pixels of a serialized sensor_msgs/Image, looked at where they lie: nothing is copied.

CDR: four bytes of encapsulation, then the fields in their order, each at a multiple of its size
counted from behind the encapsulation.
"""

from __future__ import annotations

import struct

import numpy as np

from mtopt_core.observation import Image
from mtopt_robot.errors import ImageInvalid

_BODY = 4
_STAMP = 8


def pixels_of(payload: bytes) -> Image:
    """The image, (H, W, 3) RGB, read-only; raises ImageInvalid unless it is whole, rgb8 or bgr8."""
    try:
        return _pixels(payload)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ImageInvalid(f"image message of {len(payload)} bytes is cut short: {error}") from None


def _pixels(payload: bytes) -> Image:
    order = "<" if payload[1] & 1 else ">"
    _, at = _text(payload, order, _STAMP)  # frame_id
    height, width = (_number(payload, order, at), _number(payload, order, _aligned(at) + 4))
    encoding, at = _text(payload, order, _aligned(at) + 8)
    step = _number(payload, order, at + 1)  # behind is_bigendian, one byte
    start = _aligned(at + 1) + 4
    size, data = _number(payload, order, start), _BODY + _aligned(start) + 4
    _check(encoding, width, height, step, size)
    if len(payload) < data + size:
        raise ImageInvalid(f"image of {len(payload) - data} bytes: must be {size}")
    rows = np.frombuffer(payload, np.uint8, size, data).reshape(height, step)
    pixels = rows[:, : 3 * width].reshape(height, width, 3)
    return pixels[:, :, ::-1] if encoding == "bgr8" else pixels


def _check(encoding: str, width: int, height: int, step: int, size: int) -> None:
    if encoding not in ("rgb8", "bgr8"):
        raise ImageInvalid(f"image encoding {encoding!r}: must be rgb8 or bgr8")
    if step < 3 * width:
        raise ImageInvalid(f"image step {step}: {width} pixels are {3 * width} bytes")
    if size != height * step:
        raise ImageInvalid(f"image of {size} bytes: {height} rows of {step} are {height * step}")


def _aligned(at: int) -> int:
    return (at + 3) & ~3


def _number(payload: bytes, order: str, at: int) -> int:
    """The uint32 at or behind an offset of the body."""
    return int(struct.unpack_from(f"{order}I", payload, _BODY + _aligned(at))[0])


def _text(payload: bytes, order: str, at: int) -> tuple[str, int]:
    """The string at or behind an offset of the body, and the offset behind it."""
    size, start = _number(payload, order, at), _aligned(at) + 4
    if _BODY + start + size > len(payload):
        raise IndexError(f"text of {size} bytes")
    text = payload[_BODY + start : _BODY + start + size]
    return text.rstrip(b"\0").decode(), start + size
