import cv2
import numpy as np
import pytest

from mtopt_robot import v4l2_source
from mtopt_robot.errors import CameraLost, CameraUnavailable
from mtopt_robot.v4l2_source import V4l2Config, V4l2Source


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        (("/dev/video0", "/dev/video2"), "devices here: /dev/video0, /dev/video2"),
        ((), "there is no /dev/video"),
    ],
)
def test_an_absent_camera_is_named_with_those_that_are_there(monkeypatch, devices, said):
    monkeypatch.setattr(v4l2_source, "present_devices", lambda: devices)
    with pytest.raises(CameraUnavailable, match=f"no camera at /dev/video9999; {said}"):
        V4l2Source(V4l2Config("/dev/video9999")).open()


def test_a_file_is_no_camera(tmp_path):
    path = tmp_path / "video0"
    path.write_bytes(b"")
    with pytest.raises(CameraUnavailable, match="no camera at"):
        V4l2Source(V4l2Config(str(path))).open()


def test_a_device_that_is_no_camera_is_refused():
    with pytest.raises(CameraUnavailable, match="/dev/null can't be opened"):
        V4l2Source(V4l2Config("/dev/null")).open()


def test_a_camera_that_is_not_open_gives_nothing():
    with pytest.raises(CameraLost, match="not open"):
        V4l2Source(V4l2Config("/dev/video9999")).read()


class Driver:
    """What OpenCV hands out for a camera, as far as V4l2Source asks."""

    def __init__(self, size=(640, 480), exposes=True, images=2):
        self.values = {cv2.CAP_PROP_FRAME_WIDTH: size[0], cv2.CAP_PROP_FRAME_HEIGHT: size[1]}
        self.asked = {}
        self.exposes, self.images, self.open = exposes, images, True

    def isOpened(self):
        return self.open

    def set(self, option, value):
        self.asked[option] = value
        return self.exposes or option != cv2.CAP_PROP_EXPOSURE

    def get(self, option):
        return self.values[option]

    def grab(self):
        self.images -= 1
        return self.images >= 0

    def retrieve(self):
        blue = np.zeros((480, 640, 3), np.uint8)
        blue[:, :, 0] = 200
        return True, blue

    def release(self):
        self.open = False


@pytest.fixture
def driven(monkeypatch):
    """A source over a driver; /dev/null stands for the device file."""

    def make(driver, **config):
        monkeypatch.setattr(v4l2_source.cv2, "VideoCapture", lambda device, api: driver)
        return V4l2Source(V4l2Config("/dev/null", **config), clock=lambda: 99)

    return make


def test_images_are_rgb_and_stamped_by_the_clock(driven):
    source = driven(Driver())
    source.open()
    frame = source.read()
    assert frame.stamp_ns == 99
    assert frame.image[0, 0].tolist() == [0, 0, 200]


def test_a_camera_that_stops_is_lost_by_name(driven):
    source = driven(Driver(images=1))
    source.open()
    source.read()
    with pytest.raises(CameraLost, match="/dev/null gives no more images"):
        source.read()


def test_every_setting_reaches_the_driver(driven):
    driver = Driver()
    driven(driver, rate_hz=15.0, exposure_us=5000.0).open()
    assert driver.asked[cv2.CAP_PROP_FPS] == 15.0
    assert driver.asked[cv2.CAP_PROP_EXPOSURE] == 50.0
    assert driver.asked[cv2.CAP_PROP_AUTO_EXPOSURE] == 1.0
    assert driver.asked[cv2.CAP_PROP_FRAME_WIDTH] == 640


def test_exposure_is_the_cameras_own_by_default(driven):
    driver = Driver()
    driven(driver).open()
    assert cv2.CAP_PROP_EXPOSURE not in driver.asked


@pytest.mark.parametrize(
    ("driver", "config", "said"),
    [
        (Driver(size=(320, 240)), {}, "gives 320x240 px in place of 640x480 px"),
        (Driver(exposes=False), {"exposure_us": 100.0}, "takes no exposure of 100 us"),
    ],
)
def test_a_camera_that_does_otherwise_is_refused_and_let_go(driven, driver, config, said):
    with pytest.raises(CameraUnavailable, match=said):
        driven(driver, **config).open()
    assert not driver.open
