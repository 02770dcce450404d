"""One episode after the other into files of their own, as a cell's recorder writes them.

What is recorded: the policy image and the joints at every step's start, the steps, the joints
and the three outcome images at the end, intrinsics beside every image, the extrinsics once.
Times are those of the cell's clock.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import mtopt_core
from mtopt_core.cell import CellFault, EndReason
from mtopt_core.collection import Outcome
from mtopt_core.episode import Episode, Step
from mtopt_core.observation import Image, Observation
from mtopt_core.purpose import purpose_of
from mtopt_core.tasks import Task
from mtopt_data.errors import DataError
from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.writer import EpisodeWriter
from mtopt_robot.calibration import CameraCalibration, calibration_hash
from mtopt_robot.jpeg import jpeg

from ..cell import SimCell
from ..lens import CAMERAS
from . import messages
from .channels import EXTRINSICS, JOINTS, OUTCOME, STEP, Channel, image_topic, info_topic

JPEG_QUALITY = 92
KEEP_FREE_BYTES = 500_000_000


@dataclass(frozen=True)
class Owner:
    """Who collects: the cell's name (a folder and a namespace), the robot, the person; the scene
    and how far it is varied."""

    cell: str = "sim"
    robot_serial: str = "simulated"
    operator: str = "nobody"
    scene: str = ""
    variation: str = ""


class Recording:
    """Observer of the loop, and of what the cell sees; `path` is the last finished file.

    `token` names the next episode: eight digits of 0-9a-f. While it is `muted` nothing is
    written. A file that cannot be written ends the episode as `recorder_lost`, and `lost` says
    why.
    """

    def __init__(
        self,
        root: Path,
        owner: Owner,
        cell: SimCell,
        channels: Mapping[str, Channel],
        token: Callable[[], str],
    ) -> None:
        self._root, self._owner, self._cell = root, owner, cell
        self._channels, self._token = channels, token
        self._eyes = {name: _Eye(cell, name) for name in CAMERAS}
        own = tuple(eye.calibration(eye.own_size) for eye in self._eyes.values())
        self._extrinsics, self._calibration_hash = own, calibration_hash(own)
        self._writer: EpisodeWriter | None = None
        self._seen: tuple[int, tuple[int, ...]] | None = None  # stamp and shape of the last image
        self.muted = False
        self.path: Path | None = None
        self.lost: DataError | None = None

    # -- mtopt_core.collection.OutcomeObserver ------------------------------------------------

    def started(self, task: Task, seed: int) -> None:
        """Open the file; no episode without one."""
        self.abandon("another episode was started before this one was closed")
        self.path, self.lost, self._seen = None, None, None
        if self.muted:
            return
        owner = self._owner
        episode = EpisodeId(time.time_ns() // 1_000_000, owner.cell, self._token())
        start = EpisodeStart(
            episode_id=str(episode),
            cell=owner.cell,
            task=task.name,
            skill=task.skill,
            robot_serial=owner.robot_serial,
            operator=owner.operator,
            calibration_hash=self._calibration_hash,
            software_version=mtopt_core.__version__,
            seed=seed,
            started_ns=self._now_ns,
            scene=owner.scene,
            variation=owner.variation,
            purpose=purpose_of(seed).value,
        )
        try:
            self._writer = EpisodeWriter(self._root, start, keep_free_bytes=KEEP_FREE_BYTES)
            for channel in self._channels.values():
                name = self._name(channel.topic)
                self._writer.add_channel(
                    name, channel.type_name, channel.definition, qos=channel.qos
                )
        except DataError as error:
            self.lost = error
            raise CellFault(EndReason.RECORDER_LOST, str(error)) from error
        facts = messages.extrinsics(self._extrinsics, self._calibration_hash, self._now_ns)
        self._write(EXTRINSICS, facts, self._now_ns)

    def stepped(self, step: Step) -> None:
        """Write the step."""
        if self.muted:
            return
        start = self._open.start
        fields = messages.step(step, start.episode_id, start.cell, start.task)
        self._write(STEP, fields, step.taken.ended_ns)

    def ended(self, episode: Episode) -> None:
        """Nothing yet: the grade is still to come."""

    def graded(self, outcome: Outcome) -> None:
        """Write the outcome with its images and close the file."""
        if self._writer is None:
            return
        try:
            self._conclude(outcome)
        except (CellFault, DataError) as error:
            self._lose(error)

    # -- what the cell sees -------------------------------------------------------------------

    def saw(self, observation: Observation) -> None:
        """A policy image, and the joints with it."""
        if self.muted:
            return
        self._joints()
        self._image("overhead", observation.image, observation.stamp_ns)
        self._seen = observation.stamp_ns, observation.image.shape

    def abandon(self, reason: str) -> None:
        """Give up the open file, if there is one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon(reason)

    # -- inside -------------------------------------------------------------------------------

    def _conclude(self, outcome: Outcome) -> None:
        episode, grade, writer = outcome.episode, outcome.grade, self._open
        # The last observation shows the same scene, if nothing has moved since.
        if self._seen is None or self._seen[0] != self._now_ns:
            self._joints()
        for name, eye in self._eyes.items():
            if (self._now_ns, (*eye.own_size, 3)) != self._seen or name != "overhead":
                self._image(name, self._cell.cameras.image(name), self._now_ns)
        start, now_ns = writer.start, self._now_ns
        fields = messages.outcome(episode, grade, start.episode_id, start.cell, now_ns)
        self._write(OUTCOME, fields, now_ns)
        model, _, version = next(
            (step.decision.model for step in episode.steps if step.decision.model), ""
        ).partition("/")
        metadata = start.finished(
            ended_ns=now_ns,
            steps=len(episode.steps),
            end_reason=str(episode.reason),
            end_message=episode.message,
            late=episode.late,
            success=dict(grade.success) if grade else {},
            probability=dict(grade.probability) if grade else {},
            sources=dict(Counter(step.decision.source for step in episode.steps)),
            grader=grade.grader if grade else start.grader,
            policy_model=model,
            policy_version=version,
        )
        self.path = writer.close(metadata)
        self._writer = None

    def _lose(self, error: CellFault | DataError) -> None:
        if isinstance(error, DataError):
            self.lost = error
        try:
            self.abandon(str(error))
        except DataError as again:
            self.lost = again

    def _joints(self) -> None:
        state = self._cell.workcell.joint_state()
        self._write(JOINTS, messages.joint_state(state), state.stamp_ns)

    def _image(self, camera: str, image: Image, stamp_ns: int) -> None:
        eye, data = self._eyes[camera], jpeg(image, JPEG_QUALITY)
        fields = messages.compressed_image(data, stamp_ns, eye.frame)
        self._write(image_topic(camera), fields, stamp_ns)
        calibration = eye.calibration(image.shape[:2])
        info = messages.camera_info(calibration, stamp_ns, eye.frame)
        self._write(info_topic(camera), info, stamp_ns)

    def _write(self, topic: str, fields: messages.Fields, at_ns: int) -> None:
        """Append a message; raises CellFault, after which the episode is lost."""
        try:
            data = self._channels[topic].encode(fields)
            self._open.write(self._name(topic), data, at_ns, at_ns)
        except DataError as error:
            self._lose(error)
            raise CellFault(EndReason.RECORDER_LOST, str(error)) from error

    @property
    def _open(self) -> EpisodeWriter:
        if self._writer is None:
            raise CellFault(EndReason.RECORDER_LOST, f"no file is open: {self.lost}")
        return self._writer

    def _name(self, topic: str) -> str:
        return f"/{self._owner.cell}/{topic}"

    @property
    def _now_ns(self) -> int:
        return self._cell.workcell.now_ns


class _Eye:
    """A camera's frame, and its intrinsics at any size of image."""

    def __init__(self, cell: SimCell, name: str) -> None:
        lens, description = cell.cameras.lens(name), cell.workcell.description
        self.frame = description.name(f"camera_{name}_optical_frame")
        self.own_size = (lens.height_px, lens.width_px)
        self._name, self._fov_y_rad, self._description = name, lens.fov_y_rad, description
        self._known: dict[tuple[int, ...], CameraCalibration] = {}

    def calibration(self, size_px: tuple[int, ...]) -> CameraCalibration:
        """Intrinsics of the same view at (H, W)."""
        if size_px not in self._known:
            height, width = size_px
            self._known[size_px] = CameraCalibration.of_description(
                self._description, self._name, width, height, self._fov_y_rad
            )
        return self._known[size_px]
