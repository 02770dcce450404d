import cv2
import numpy as np
import pytest

from mtopt_robot.errors import CameraLost, CameraUnavailable
from mtopt_robot.video_source import VideoConfig, VideoFileSource


@pytest.fixture
def video(tmp_path):
    """Three frames, red, green and blue."""
    path = tmp_path / "three.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    for channel in (2, 1, 0):
        frame = np.zeros((48, 64, 3), np.uint8)
        frame[:, :, channel] = 200
        writer.write(frame)
    writer.release()
    return path


def colours(source, count):
    return [int(np.argmax(source.read().image.mean(axis=(0, 1)))) for _ in range(count)]


def test_frames_come_in_order_as_rgb_from_the_first(video):
    source = VideoFileSource(VideoConfig(str(video)))
    source.open()
    assert colours(source, 3) == [0, 1, 2]
    source.open()
    assert colours(source, 2) == [0, 1]


def test_a_loop_starts_again(video):
    source = VideoFileSource(VideoConfig(str(video), loop=True))
    source.open()
    assert colours(source, 7) == [0, 1, 2, 0, 1, 2, 0]


def test_without_a_loop_the_end_is_named(video):
    source = VideoFileSource(VideoConfig(str(video), loop=False))
    source.open()
    colours(source, 3)
    with pytest.raises(CameraLost, match=r"three\.avi has ended"):
        source.read()


def test_stamps_are_the_clocks(video):
    source = VideoFileSource(VideoConfig(str(video)), clock=lambda: 42)
    source.open()
    assert source.read().stamp_ns == 42


def test_an_absent_file_is_told_with_those_that_are_there(video):
    source = VideoFileSource(VideoConfig(str(video.parent / "four.avi")))
    with pytest.raises(CameraUnavailable, match=r"four\.avi.*files there: three\.avi"):
        source.open()


def test_an_absent_folder_is_told(tmp_path):
    with pytest.raises(CameraUnavailable, match="no folder"):
        VideoFileSource(VideoConfig(str(tmp_path / "none" / "a.avi"))).open()


def test_a_file_that_is_no_video_is_refused(tmp_path):
    path = tmp_path / "notes.avi"
    path.write_text("no video")
    with pytest.raises(CameraUnavailable, match=r"notes\.avi is no video"):
        VideoFileSource(VideoConfig(str(path))).open()
