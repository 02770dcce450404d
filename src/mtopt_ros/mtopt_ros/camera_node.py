"""camera: three sources watched, compressed once, and kept in step.

A driver or simulator that publishes `image_raw` and `camera_info` itself is the source
"topic"; devices and files are read here and published under the same names. Either way this
node makes the JPEG that is recorded and says where the cameras are.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, ClassVar

from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import CameraInfo, CompressedImage
from sensor_msgs.msg import Image as ImageMsg

from mtopt_core.cell import EndReason
from mtopt_msgs.msg import CameraExtrinsics
from mtopt_robot.calibration import CameraCalibration, calibration_hash
from mtopt_robot.camera_source import CameraSource
from mtopt_robot.camera_watch import CameraWatch
from mtopt_robot.errors import RobotError
from mtopt_robot.jpeg import jpeg
from mtopt_robot.v4l2_source import V4l2Config, V4l2Source
from mtopt_robot.video_source import VideoConfig, VideoFileSource

from . import convert, files
from .cell_time import STANDS_S
from .lifecycle import CellNode
from .qos import DRIVER, IMAGES, LATCHED
from .settings import CAMERAS, CameraSettings

_WATCH_S = 0.2
_REOPEN_S = 1.0


class CameraNode(CellNode):
    """Watches three cameras; reads them too where they are devices or files."""

    settings_type: ClassVar[type] = CameraSettings
    settings: CameraSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("camera", **options)
        self._stop = threading.Event()
        self._readers: list[threading.Thread] = []

    def build(self) -> None:
        """Read the calibration, make the sources."""
        settings = self.settings
        description = files.description(settings.description_file, settings.joint_prefix)
        self._frames = {c: description.name(f"camera_{c}_optical_frame") for c in CAMERAS}
        self._calibrations = files.calibrations(
            settings.calibration_file, settings.lenses_file, description, CAMERAS
        )
        self._unreadable: dict[str, str] = {}
        self._watch = CameraWatch(CAMERAS, settings.max_age_s, settings.max_skew_s)
        self._sources = {camera: self._source(camera) for camera in CAMERAS}

    def wire(self) -> None:
        """JPEG and extrinsics out; raw images in or out."""
        self._compressed = {
            camera: self.create_publisher(
                CompressedImage, f"camera/{camera}/image_raw/compressed", DRIVER
            )
            for camera in CAMERAS
        }
        self._extrinsics = self.create_publisher(CameraExtrinsics, "camera/extrinsics", LATCHED)
        content_hash = calibration_hash(self._calibrations)
        self._extrinsics.publish(
            convert.extrinsics_msg(self._calibrations, content_hash, self._now_ns())
        )
        self._raw: dict[str, Any] = {}
        self._infos: dict[str, Any] = {}
        for camera in CAMERAS:
            self._wire_raw(camera)
        self.create_timer(_WATCH_S, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def activate(self) -> None:
        """Open devices and files; raises CameraUnavailable."""
        self._stop.clear()
        opened = {c: source for c, source in self._sources.items() if source is not None}
        for source in opened.values():
            source.open()
        self._readers = [
            threading.Thread(target=self._read, args=(camera, source), daemon=True)
            for camera, source in opened.items()
        ]
        for reader in self._readers:
            reader.start()

    def deactivate(self) -> None:
        """Stop reading."""
        self._stop.set()
        for reader in self._readers:
            reader.join(timeout=2.0)
        self._readers = []

    def _wire_raw(self, camera: str) -> None:
        name = f"camera/{camera}/image_raw"
        if self.settings.source == "topic":
            self.create_subscription(ImageMsg, name, partial(self._on_image, camera), IMAGES)
            return
        self._raw[camera] = self.create_publisher(ImageMsg, name, DRIVER)
        self._infos[camera] = self.create_publisher(
            CameraInfo, f"camera/{camera}/camera_info", DRIVER
        )

    def _source(self, camera: str) -> CameraSource | None:
        settings = self.settings
        where = getattr(settings, camera)
        if settings.source == "v4l2":
            config = V4l2Config(where, settings.width, settings.height, settings.rate_hz)
            return V4l2Source(config, self._now_ns)
        if settings.source == "file":
            return VideoFileSource(VideoConfig(where), self._now_ns)
        return None

    def _read(self, camera: str, source: CameraSource) -> None:
        """Publish a source's images until told to stop; one that is lost is opened again."""
        while not self._stop.is_set():
            try:
                frame = source.read()
            except RobotError as error:
                self.get_logger().error(f"{type(error).__name__}: {error}")
                self._stop.wait(_REOPEN_S)
                self._reopen(source)
                continue
            message = convert.image_msg(frame.image, frame.stamp_ns, self._frames[camera])
            calibration = self._calibration(camera)
            self._raw[camera].publish(message)
            self._infos[camera].publish(
                convert.camera_info_msg(calibration, message.header.stamp, self._frames[camera])
            )
            self._on_image(camera, message)
            self._pace(frame.stamp_ns)
        source.close()

    def _pace(self, taken_ns: int) -> None:
        """A file gives images as fast as they are read: wait until the next one is due."""
        if self.settings.source == "file":
            due_ns = taken_ns + round(1e9 / self.settings.rate_hz)
            self._stop.wait(max(due_ns - self._now_ns(), 0) * 1e-9)

    def _reopen(self, source: CameraSource) -> None:
        try:
            source.open()
        except RobotError as error:
            self.get_logger().error(f"{type(error).__name__}: {error}")

    def _on_image(self, camera: str, message: ImageMsg) -> None:
        stamp = message.header.stamp
        try:
            data = jpeg(convert.image(message), self.settings.jpeg_quality)
        except RobotError as error:
            self._unreadable[camera] = f"{camera} camera: {error}"
            return
        self._unreadable.pop(camera, None)
        self._watch.saw(camera, convert.stamp_ns(stamp), self.cell_time.now_s())
        self._compressed[camera].publish(
            convert.compressed_msg(data, stamp, message.header.frame_id)
        )

    def _check(self) -> None:
        unreadable = "; ".join(self._unreadable.values())
        fault = unreadable or self._stopped() or self._watch.fault(self.cell_time.now_s())
        name = str(EndReason.CAMERA_FAULT)
        if fault:
            self.health.fault(name, fault)
        else:
            self.health.over(name)

    def _stopped(self) -> str:
        """What a cell whose clock no longer goes is; nothing of it can be seen either."""
        standing_s = self.cell_time.standing_s
        if not standing_s:
            return ""
        return f"the cell's clock has stood still for {standing_s:.1f} s, bound {STANDS_S:g} s"

    def _calibration(self, camera: str) -> CameraCalibration:
        return next(known for known in self._calibrations if known.name == camera)
