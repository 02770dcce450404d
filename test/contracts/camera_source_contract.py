"""What any CameraSource must keep.

Inherit, and give the fixtures `source` (closed, with at least `count` images in it) and
`absent` (one that can't be opened, and whose name is in `absent_name`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mtopt_robot.camera_source import CameraSource
from mtopt_robot.errors import CameraLost, CameraUnavailable


class CameraSourceContract:
    """Laws of mtopt_robot.camera_source.CameraSource."""

    count = 3
    absent_name = ""

    @pytest.fixture
    def source(self) -> CameraSource:
        raise NotImplementedError("a subclass gives the source")

    @pytest.fixture
    def absent(self) -> CameraSource:
        raise NotImplementedError("a subclass gives a source that can't be opened")

    def test_images_are_rgb_bytes_of_one_size(self, source: CameraSource) -> None:
        source.open()
        frames = [source.read() for _ in range(self.count)]
        source.close()
        for frame in frames:
            assert frame.image.dtype == np.uint8
            assert frame.image.ndim == 3 and frame.image.shape[2] == 3
            assert frame.image.shape == frames[0].image.shape

    def test_stamps_rise(self, source: CameraSource) -> None:
        source.open()
        stamps = [source.read().stamp_ns for _ in range(self.count)]
        source.close()
        assert all(earlier < later for earlier, later in pairwise(stamps))

    def test_an_image_is_not_changed_by_the_next(self, source: CameraSource) -> None:
        source.open()
        first = source.read().image
        kept = first.copy()
        source.read()
        source.close()
        np.testing.assert_array_equal(first, kept)

    def test_it_can_be_opened_again(self, source: CameraSource) -> None:
        source.open()
        first = source.read().image
        source.close()
        source.open()
        assert source.read().image.shape == first.shape
        source.close()

    def test_a_closed_source_gives_nothing(self, source: CameraSource) -> None:
        with pytest.raises(CameraLost):
            source.read()
        source.open()
        source.close()
        with pytest.raises(CameraLost):
            source.read()

    def test_closing_twice_is_no_harm(self, source: CameraSource) -> None:
        source.close()
        source.open()
        source.close()
        source.close()

    def test_one_that_is_absent_is_named(self, absent: CameraSource) -> None:
        with pytest.raises(CameraUnavailable, match=self.absent_name):
            absent.open()
        with pytest.raises(CameraLost):
            absent.read()
        absent.close()
