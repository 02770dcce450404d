"""The camera node: what it makes of topics, of files, and of cameras that fail."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.publisher import Publisher
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMsg

from fakes.ros_session import Prober, Spinner, managed, until
from mtopt_core.cell import EndReason
from mtopt_msgs.msg import CameraExtrinsics, Heartbeat
from mtopt_robot.jpeg import image_of
from mtopt_ros import convert
from mtopt_ros.camera_node import CameraNode
from mtopt_ros.qos import DRIVER, IMAGES, LATCHED, STATES
from mtopt_ros.settings import CAMERAS

pytestmark = pytest.mark.system

SHADES = {"overhead": 40, "left": 120, "right": 200}


def write_video(path: Path, shade: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (64, 48))
    assert writer.isOpened()
    for _ in range(5):
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    return path


@pytest.fixture
def videos(tmp_path: Path) -> dict[str, str]:
    return {c: str(write_video(tmp_path / f"{c}.avi", SHADES[c])) for c in CAMERAS}


class Drivers:
    """Three cameras of somebody else."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._topics: dict[str, Publisher] = {
            c: prober.node.create_publisher(ImageMsg, f"camera/{c}/image_raw", DRIVER)
            for c in CAMERAS
        }

    def show(self, stamp_ns: int = 0, encoding: str = "rgb8", only: tuple = CAMERAS) -> None:
        stamp_ns = stamp_ns or self._prober.node.get_clock().now().nanoseconds
        for camera in only:
            pixels = np.full((48, 64, 3), SHADES[camera], np.uint8)
            message = convert.image_msg(pixels, stamp_ns, f"{camera}_frame")
            message.encoding = encoding
            self._topics[camera].publish(message)


def faulted(beats: list[Heartbeat], what: str) -> bool:
    return bool(beats) and beats[-1].level == Heartbeat.FAULT and what in beats[-1].message


def test_files_become_images_jpegs_and_infos(
    spinner: Spinner, prober: Prober, videos: dict[str, str]
) -> None:
    extrinsics = prober.heard(CameraExtrinsics, "camera/extrinsics", LATCHED)
    heard = {
        camera: (
            prober.heard(ImageMsg, f"camera/{camera}/image_raw", IMAGES),
            prober.heard(CompressedImage, f"camera/{camera}/image_raw/compressed", IMAGES),
            prober.heard(CameraInfo, f"camera/{camera}/camera_info", IMAGES),
        )
        for camera in CAMERAS
    }
    spinner.add(managed(CameraNode, "camera", source="file", rate_hz=50.0, **videos))
    prober.bring_up("camera")
    for camera, topics in heard.items():
        for messages in topics:
            until(lambda messages=messages: len(messages) > 6, f"images of {camera}")
        raw, jpegs, infos = topics
        assert convert.image(raw[0]).mean() == pytest.approx(SHADES[camera], abs=6)
        assert image_of(bytes(jpegs[0].data)).mean() == pytest.approx(SHADES[camera], abs=6)
        frame = f"camera_{camera}_optical_frame"
        assert {m.header.frame_id for m in (*raw, *jpegs, *infos)} == {frame}
        stamps = [convert.stamp_ns(m.header.stamp) for m in raw]
        assert stamps == sorted(set(stamps))
        told = {convert.stamp_ns(m.header.stamp) for m in jpegs}
        assert told & set(stamps), "a JPEG has the stamp of its image"
    until(lambda: extrinsics, "the extrinsics")
    assert tuple(extrinsics[0].cameras) == CAMERAS and extrinsics[0].calibration_hash


def test_a_file_is_played_no_faster_than_asked(
    spinner: Spinner, prober: Prober, videos: dict[str, str]
) -> None:
    raw = prober.heard(ImageMsg, "camera/left/image_raw", IMAGES)
    spinner.add(managed(CameraNode, "camera", source="file", rate_hz=25.0, **videos))
    prober.bring_up("camera")
    until(lambda: len(raw) > 5, "images")
    stamps = np.array([convert.stamp_ns(m.header.stamp) for m in raw])
    assert np.diff(stamps).min() >= 0.04e9


def test_frames_have_the_cells_name_before_theirs(
    spinner: Spinner, prober: Prober, videos: dict[str, str]
) -> None:
    raw = prober.heard(ImageMsg, "camera/left/image_raw", IMAGES)
    spinner.add(managed(CameraNode, "camera", source="file", joint_prefix="cell1_", **videos))
    prober.bring_up("camera")
    until(lambda: raw, "an image")
    assert raw[0].header.frame_id == "cell1_camera_left_optical_frame"


def test_a_late_joiner_learns_where_the_cameras_are(
    spinner: Spinner, prober: Prober, videos: dict[str, str]
) -> None:
    spinner.add(managed(CameraNode, "camera", source="file", **videos))
    prober.bring_up("camera")
    late = Prober("late")
    try:
        found = late.heard(CameraExtrinsics, "camera/extrinsics", LATCHED)
        until(lambda: found, "the latched extrinsics")
    finally:
        late.close()


@pytest.mark.parametrize(
    ("source", "missing", "told"),
    [("file", "absent.avi", "absent.avi"), ("v4l2", "/dev/video9999", "/dev/video9999")],
)
def test_a_source_that_is_missing_is_named_and_found_again(
    spinner: Spinner,
    prober: Prober,
    videos: dict[str, str],
    tmp_path: Path,
    source: str,
    missing: str,
    told: str,
) -> None:
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    absent = tmp_path / missing if source == "file" else Path(missing)
    given = videos | {"left": str(absent)}
    spinner.add(managed(CameraNode, "camera", source=source, **given))
    assert prober.change("camera", "configure")
    assert not prober.change("camera", "activate")
    assert prober.state("camera") == "inactive"
    named = told if source == "file" else "overhead.avi"  # no device either
    until(lambda: faulted(beats, named), "the fault in the heartbeat")
    assert beats[-1].fault == "CameraUnavailable"
    if source == "file":
        write_video(absent, 90)
        assert prober.change("camera", "activate")
        until(lambda: beats[-1].state == "active" and not beats[-1].fault, "a good heartbeat")


def test_images_of_a_driver_become_jpegs_of_the_same_stamp(
    spinner: Spinner, prober: Prober
) -> None:
    drivers = Drivers(prober)
    jpegs = prober.heard(CompressedImage, "camera/left/image_raw/compressed", IMAGES)
    spinner.add(managed(CameraNode, "camera"))
    prober.bring_up("camera")
    stamp_ns = 5_000_000_123
    until(lambda: drivers.show(stamp_ns) or jpegs, "a JPEG")
    assert convert.stamp_ns(jpegs[0].header.stamp) == stamp_ns
    assert jpegs[0].header.frame_id == "left_frame"
    assert image_of(bytes(jpegs[0].data)).mean() == pytest.approx(SHADES["left"], abs=6)


def test_a_camera_that_stops_lags_or_cannot_be_read_is_named_until_it_is_well(
    spinner: Spinner, prober: Prober
) -> None:
    drivers = Drivers(prober)
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    spinner.add(managed(CameraNode, "camera", max_age_s=0.3, max_skew_s=0.2))
    prober.bring_up("camera")

    def well() -> bool:
        drivers.show()
        return bool(beats) and beats[-1].level == Heartbeat.OK and beats[-1].state == "active"

    until(well, "all cameras well")
    until(
        lambda: drivers.show(only=("overhead", "left")) or faulted(beats, "right camera"),
        "the camera that stopped",
    )
    assert beats[-1].fault == EndReason.CAMERA_FAULT
    until(well, "all cameras well again")

    def lagging() -> bool:
        now_ns = prober.node.get_clock().now().nanoseconds
        drivers.show(now_ns, only=("overhead", "right"))
        drivers.show(now_ns - 800_000_000, only=("left",))
        return faulted(beats, "left camera is")

    until(lagging, "the camera that lags")
    until(well, "all cameras in step again")
    until(lambda: drivers.show(encoding="mono8") or faulted(beats, "mono8"), "the encoding")
    assert beats[-1].fault == EndReason.CAMERA_FAULT and spinner.error is None
    until(well, "all cameras readable again")


def test_cameras_are_judged_by_the_clock_of_their_cell(spinner: Spinner, prober: Prober) -> None:
    """A cell five times slower than the wall's clock, one camera of it, then a clock that dies."""
    drivers, slow = Drivers(prober), 5
    clock = prober.node.create_publisher(Clock, "/clock", DRIVER)
    beats = prober.heard(Heartbeat, "heartbeat", STATES)
    spinner.add(managed(CameraNode, "camera", sim_time=True, max_age_s=0.3, max_skew_s=0.2))
    now_ns, began_s = 10**9, time.monotonic()

    def go_on(only: tuple[str, ...] = CAMERAS) -> bool:
        """Ten times a second of the wall: a tick and images, 20 ms of the cell apart."""
        nonlocal now_ns, began_s
        if time.monotonic() >= began_s + 0.1:
            now_ns, began_s = now_ns + 100_000_000 // slow, time.monotonic()
            clock.publish(Clock(clock=convert.time_msg(now_ns)))
            if now_ns // 20_000_000 % 10 == 0:  # every 0.2 s of the cell, a second of the wall
                drivers.show(now_ns, only=only)
        return bool(beats)

    prober.bring_up("camera")
    until(lambda: go_on() and now_ns > 12 * 10**8, "a second of the wall")
    beats.clear()
    until(lambda: go_on() and now_ns > 16 * 10**8, "two seconds more")
    assert {beat.level for beat in beats} == {Heartbeat.OK}
    until(lambda: go_on(only=("left", "right")) and faulted(beats, "overhead camera"), "silence")
    until(lambda: go_on() and beats[-1].level == Heartbeat.OK, "all cameras well again")
    until(lambda: faulted(beats, "the cell's clock has stood still"), "the clock that died")
    assert beats[-1].fault == EndReason.CAMERA_FAULT
    until(lambda: go_on() and beats[-1].level == Heartbeat.OK, "a cell that goes on")


def test_a_deactivated_camera_publishes_nothing_more(
    spinner: Spinner, prober: Prober, videos: dict[str, str]
) -> None:
    raw = prober.heard(ImageMsg, "camera/left/image_raw", IMAGES)
    spinner.add(managed(CameraNode, "camera", source="file", rate_hz=50.0, **videos))
    prober.bring_up("camera")
    until(lambda: raw, "images")
    assert prober.change("camera", "deactivate")
    late = Prober("late")  # its discovery takes longer than any message on its way
    late.close()
    raw.clear()
    assert prober.change("camera", "cleanup") and not raw
    prober.bring_up("camera")
    until(lambda: raw, "images again")
