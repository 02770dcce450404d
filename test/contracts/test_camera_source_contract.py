"""The camera sources against their contract; V4L2 where a camera is at hand."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from contracts.camera_source_contract import CameraSourceContract
from mtopt_robot.camera_source import CameraSource
from mtopt_robot.v4l2_source import V4l2Config, V4l2Source, present_devices
from mtopt_robot.video_source import VideoConfig, VideoFileSource


def write_video(path: Path, frames: int) -> None:
    """Frames whose brightness rises, so that their order can be seen."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    assert writer.isOpened()
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 20 + 40 * index, np.uint8))
    writer.release()


@pytest.mark.parametrize("loop", [True, False], scope="class")
class TestVideoFileSource(CameraSourceContract):
    absent_name = "absent.avi"

    @pytest.fixture
    def source(self, tmp_path: Path, loop: bool) -> CameraSource:
        write_video(tmp_path / "cell.avi", self.count)
        clock = itertools.count(1).__next__
        return VideoFileSource(VideoConfig(str(tmp_path / "cell.avi"), loop), clock)

    @pytest.fixture
    def absent(self, tmp_path: Path, loop: bool) -> CameraSource:
        return VideoFileSource(VideoConfig(str(tmp_path / "absent.avi"), loop))


@pytest.mark.skipif(not present_devices(), reason="this machine has no /dev/video*")
class TestV4l2Source(CameraSourceContract):
    absent_name = "/dev/video9999"

    @pytest.fixture
    def source(self) -> CameraSource:
        return V4l2Source(V4l2Config(present_devices()[0]))

    @pytest.fixture
    def absent(self) -> CameraSource:
        return V4l2Source(V4l2Config("/dev/video9999"))
