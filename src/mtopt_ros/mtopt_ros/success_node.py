"""success: grades the scene that an episode left, for every task at once.

Requests wait in a thread of their own, as views and truths go on arriving in the executor's.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage

from mtopt_core.cell import CellFault, EndReason, PolicyLate
from mtopt_core.observation import Image, OutcomeImages
from mtopt_core.scene import SceneTruth
from mtopt_core.success import TRUTH, Grade, truth_grade
from mtopt_data import config_files
from mtopt_msgs.msg import SceneTruth as SceneTruthMsg
from mtopt_msgs.srv import GradeOutcome
from mtopt_robot.errors import ImageInvalid
from mtopt_robot.jpeg import image_of
from mtopt_robot.models.bundle import SuccessBundle
from mtopt_robot.models.engine import InferenceConfig
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.model_detector import ModelDetector
from mtopt_robot.models.store import ModelStore
from mtopt_robot.models.store_watch import SuccessWatch

from . import convert
from .answering import Answer, LateService
from .frames import Frame, NewestFrames
from .model_following import ModelNode, Source
from .qos import NEWEST, STATES
from .settings import CAMERAS, SuccessSettings

_AUTO, _MODEL = "auto", "model"
_TRUTH_TOPIC = "sim/truth"
_BY_TRUTH = "the simulation's truth grades, not a success model"


class SuccessNode(ModelNode[SuccessBundle]):
    """Grades by a success model or by the simulation's truth, and says which everywhere."""

    settings_type: ClassVar[type] = SuccessSettings
    settings: SuccessSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("success", **options)

    def build(self) -> None:
        """Read the rules of the tasks."""
        self._workspace = config_files.workspace(self.settings.workspace_file)
        self._tasks = config_files.tasks(self.settings.tasks_file)
        self._abort = threading.Event()
        self._views = NewestFrames(CAMERAS, self._abort, self.cell_time)
        self._scenes = NewestFrames((TRUTH,), self._abort, self.cell_time)
        self._thread = ThreadPoolExecutor(1, "grade")
        self._detector: ModelDetector | None = None
        self._listening = False

    def wire(self) -> None:
        """Listen to what may grade, answer requests, follow the model store."""
        if self.settings.grader != _MODEL:
            put = partial(self._put, self._scenes, TRUTH)
            self.create_subscription(SceneTruthMsg, _TRUTH_TOPIC, put, STATES, raw=True)
        if self.settings.grader == _MODEL:
            self._listen()
        otherwise = _BY_TRUTH if self.settings.grader != _MODEL else ""
        self.follow(self, self._source(), self.settings.watch_s, otherwise)
        LateService(self, GradeOutcome, "success/grade", self._on_grade)
        self.on_cleanup_call(self._stop)

    def activate(self) -> None:
        """Say again what is wrong with the model, and who grades without one."""
        super().activate()
        if self.grader == TRUTH:
            self.get_logger().warning(_BY_TRUTH)

    # --- the model in service -------------------------------------------------------------

    @property
    def model(self) -> str:
        """`name/version` of the success model in service, empty where there is none."""
        return self._detector.model if self._detector is not None else ""

    @property
    def grader(self) -> str:
        """Who grades the next outcome: a model, "truth", or empty for nobody."""
        return self.model or (TRUTH if self.settings.grader != _MODEL else "")

    def serve(self, bundle: SuccessBundle) -> None:
        """Grade by this model from the next outcome on."""
        detector = ModelDetector(bundle, self._tasks)
        self._detector = detector
        if detector.unknown:
            told = ", ".join(detector.unknown)
            self.get_logger().warning(f"{detector.model} does not grade {told}")
        if self.executor is not None:
            self.executor.create_task(self._listen)

    def _source(self) -> Source[SuccessBundle] | None:
        settings = self.settings
        if settings.grader == TRUTH or not settings.models:
            return None
        expected = Expected(None, self._tasks.names)
        store = ModelStore(Path(settings.models), expected, InferenceConfig(settings.threads))
        watch = SuccessWatch(store, settings.model, optional=settings.grader == _AUTO)
        return Source(watch.look, store.load_success)

    # --- in the executor's thread ---------------------------------------------------------

    def _listen(self) -> None:
        """Take in the cameras' images, once somebody is there who looks at them."""
        if self._listening or self._abort.is_set():
            return
        self._listening = True
        for camera in CAMERAS:
            topic = f"camera/{camera}/image_raw/compressed"
            put = partial(self._put, self._views, camera)
            self.create_subscription(CompressedImage, topic, put, NEWEST, raw=True)

    def _put(self, frames: NewestFrames, name: str, payload: bytes) -> None:
        frames.put(name, Frame(convert.stamp_of_serialized(payload), payload))

    def _on_grade(
        self, request: GradeOutcome.Request, response: GradeOutcome.Response, answer: Answer
    ) -> None:
        if not self._abort.is_set():
            self._thread.submit(self._answer, request, response, answer)

    def _beat(self) -> None:
        if self.state != "unconfigured":
            self.health.values["grader"] = self.grader or "nobody"
            newest = self._scenes.newest(TRUTH)
            if newest is not None:
                self.health.values["put_back"] = ", ".join(_scene_of(newest).put_back)
        super()._beat()

    def _stop(self) -> None:
        self._abort.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    # --- in the grading thread ------------------------------------------------------------

    def _answer(
        self, request: GradeOutcome.Request, response: GradeOutcome.Response, answer: Answer
    ) -> None:
        try:
            grade, stamp_ns = self._grade(convert.stamp_ns(request.not_before))
        except CellFault as fault:
            response.reason, response.error = str(fault.reason), fault.message
        except Exception as error:  # must reach whoever waits, and the log
            response.reason = str(EndReason.GRADER_LOST)
            response.error = f"{type(error).__name__}: {error}"
            self.get_logger().fatal(response.error)
        else:
            response.ok, response.grader = True, grade.grader
            response.stamp = convert.time_msg(stamp_ns)
            response.outcomes = convert.grade_msgs(grade)
            done = ", ".join(task for task, good in grade.success.items() if good) or "nothing"
            self.get_logger().info(f"{request.episode_id} graded by {grade.grader}: {done}")
        answer()

    def _grade(self, not_before_ns: int) -> tuple[Grade, int]:
        """The grade of what is seen now and its stamp; raises CellFault."""
        until_s = time.monotonic() + self.settings.wait_s
        try:
            self.wait_for_model(until_s)
        except PolicyLate as late:
            raise CellFault(EndReason.GRADER_LOST, str(late)) from late
        detector = self._detector
        if detector is not None:
            images = self._outcome_images(not_before_ns)
            return detector.grade(images), images.stamp_ns
        if self.settings.grader == _MODEL:
            raise CellFault(EndReason.GRADER_LOST, "there is no success model in service")
        scene = self._scene(not_before_ns)
        return truth_grade(self._tasks, scene, self._workspace), scene.stamp_ns

    def _outcome_images(self, not_before_ns: int) -> OutcomeImages:
        wait_s, skew_s = self.settings.wait_s, self.settings.max_skew_s
        frames = self._views.in_step(CAMERAS, not_before_ns, wait_s, skew_s)
        overhead, left, right = (
            _pixels(camera, frame) for camera, frame in zip(CAMERAS, frames, strict=True)
        )
        return OutcomeImages(overhead, left, right, min(frame.stamp_ns for frame in frames))

    def _scene(self, not_before_ns: int) -> SceneTruth:
        wait_s = self.settings.wait_s
        try:
            (frame,) = self._scenes.wait((TRUTH,), not_before_ns, wait_s)
        except CellFault as fault:
            if fault.reason is not EndReason.CAMERA_FAULT:
                raise
            message = f"no truth on {_TRUTH_TOPIC} newer than the episode within {wait_s:g} s"
            raise CellFault(EndReason.GRADER_LOST, message) from fault
        return _scene_of(frame)


def _scene_of(frame: Frame) -> SceneTruth:
    return convert.scene(deserialize_message(frame.payload, SceneTruthMsg))


def _pixels(camera: str, frame: Frame) -> Image:
    message = deserialize_message(frame.payload, CompressedImage)
    try:
        return image_of(bytes(message.data))
    except ImageInvalid as error:
        raise CellFault(EndReason.CAMERA_FAULT, f"{camera}: {error}") from error
