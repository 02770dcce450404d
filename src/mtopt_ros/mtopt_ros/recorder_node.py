"""recorder: one MCAP file an episode, opened and closed by the runner."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rclpy.serialization import deserialize_message
from rclpy.task import Future

import mtopt_core
from mtopt_core.cell import EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.purpose import purpose_of
from mtopt_data.metadata import EpisodeStart
from mtopt_data.partfile import make_folder
from mtopt_data.recovery import recover_folder
from mtopt_data.schema import ament_finder, message_definition
from mtopt_data.writer import EpisodeWriter, require_space
from mtopt_msgs.msg import CameraExtrinsics, EpisodeStep
from mtopt_msgs.srv import StartRecording, StopRecording

from .lifecycle import CellNode
from .newest import within
from .recorded_topics import (
    EXTRINSICS_TOPIC,
    STEP_TOPIC,
    DropCounter,
    RecordedTopic,
    qos_of,
    recorded_topics,
)
from .settings import RecorderSettings


class RecorderNode(CellNode):
    """Takes serialized messages as they come and writes them while an episode is open."""

    settings_type: ClassVar[type] = RecorderSettings
    settings: RecorderSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("recorder", **options)
        self._writer: EpisodeWriter | None = None
        self._latched: dict[str, bytes] = {}
        self._drops = DropCounter()
        self._steps: list[EpisodeStep] = []
        self._steps_wanted: tuple[int, Future] | None = None

    def build(self) -> None:
        """Recover what a crash left behind, and read the messages' definitions."""
        self._root = Path(self.settings.data)
        make_folder(self._root)
        for recovery in recover_folder(self._root):
            self.get_logger().warning(f"recovered {recovery}")
        prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
        finder = ament_finder(prefixes)
        self._topics = recorded_topics()
        self._definitions = {
            topic.name: message_definition(topic.type_name, finder) for topic in self._topics
        }

    def wire(self) -> None:
        """Listen to everything, all the time: what is not wanted is dropped at once."""
        for topic in self._topics:
            self.create_subscription(
                topic.type, topic.name, partial(self._on_message, topic), topic.qos, raw=True
            )
        self.create_service(StartRecording, "recorder/start", self._on_start)
        self.serve_waiting(StopRecording, "recorder/stop", self._on_stop)

    def deactivate(self) -> None:
        """An episode that is open now cannot be finished: it goes to quarantine."""
        if self._writer is not None:
            self._give_up("the recorder was stopped")

    def _on_message(self, topic: RecordedTopic, payload: bytes, info: dict[str, Any]) -> None:
        if topic.latched:
            self._latched[topic.name] = payload
        self._drops.saw(topic.name, info["publication_sequence_number"])
        if self._writer is None:
            return
        self._write(topic.name, payload)
        if topic.name == STEP_TOPIC:
            self._steps.append(deserialize_message(payload, EpisodeStep))
            self._note_steps()

    def _write(self, topic: str, payload: bytes) -> None:
        now_ns = self.get_clock().now().nanoseconds
        try:
            if self._writer is not None:
                self._writer.write(self.resolve_topic_name(topic), payload, now_ns, now_ns)
        except MtoptError as error:
            self.health.fault(type(error).__name__, str(error))
            self._give_up(str(error))

    def _on_start(
        self, request: StartRecording.Request, response: StartRecording.Response
    ) -> StartRecording.Response:
        if self.state != "active":
            response.error = "NotReady: the recorder is not active"
            return response
        try:
            if self._writer is not None:
                self._give_up("another episode was started before this one was stopped")
            require_space(self._root, self.settings.disk_reserve_mb * 1_000_000)
            self._writer = self._open(request)
            self._announce(self._writer)
        except MtoptError as error:
            self.health.fault(type(error).__name__, str(error))
            self._give_up(str(error))
            response.error = f"{type(error).__name__}: {error}"
            return response
        self.health.clear()
        response.ok, response.path = True, str(self._writer.path)
        response.disk_free_bytes = shutil.disk_usage(self._root).free
        return response

    def _open(self, request: StartRecording.Request) -> EpisodeWriter:
        start = EpisodeStart(
            episode_id=request.episode_id,
            cell=request.cell,
            task=request.task,
            skill=request.skill,
            robot_serial=self.settings.robot_serial,
            operator=request.operator_name,
            calibration_hash=self._calibration_hash(),
            software_version=mtopt_core.__version__,
            seed=request.seed,
            started_ns=self.get_clock().now().nanoseconds,
            scene=self.settings.scene,
            variation=self.settings.variation,
            purpose=purpose_of(request.seed).value,
        )
        return EpisodeWriter(self._root, start)

    def _announce(self, writer: EpisodeWriter) -> None:
        """Name the channels, and repeat what is latched."""
        for topic in self._topics:
            name = self.resolve_topic_name(topic.name)
            definition = self._definitions[topic.name]
            writer.add_channel(name, topic.type_name, definition, qos=qos_of(self, name))
        self._drops.reset()
        self._steps = []
        for name, payload in self._latched.items():
            now_ns = self.get_clock().now().nanoseconds
            writer.write(self.resolve_topic_name(name), payload, now_ns, now_ns)

    async def _on_stop(
        self, request: StopRecording.Request, response: StopRecording.Response
    ) -> StopRecording.Response:
        await self._all_steps(request.steps)
        writer = self._writer
        if writer is None or writer.start.episode_id != request.episode_id:
            response.error = f"NoOpenEpisode: {request.episode_id} is not being recorded"
            return response
        if request.discard:
            self._give_up(f"discarded: {request.reason}")
            response.ok = True
            return response
        try:
            counts = writer.counts
            response.path = str(self._finish(writer, request))
            response.bytes = Path(response.path).stat().st_size
        except MtoptError as error:
            self.health.fault(type(error).__name__, str(error))
            response.error = f"{type(error).__name__}: {error}"
            self._give_up(str(error))
            return response
        self._writer = None
        response.ok, response.messages = True, sum(counts.values())
        response.drops = sum(self._drops.drops.values())
        return response

    def _finish(self, writer: EpisodeWriter, request: StopRecording.Request) -> Path:
        outcome, sources = request.outcome, Counter(step.source for step in self._steps)
        judge = outcome.grader.partition("/") if "/" in outcome.grader else ("", "", "")
        model, _, version = next((s.model for s in self._steps if s.model), "").partition("/")
        metadata = writer.start.finished(
            ended_ns=max(self.get_clock().now().nanoseconds, writer.start.started_ns),
            steps=request.steps,  # so that a step that never arrived shows as a gap
            end_reason=outcome.end_reason or str(EndReason.STOPPED),
            end_message=outcome.message,
            late=sources["late"],
            success={one.task: one.success for one in outcome.outcomes},
            probability={one.task: float(one.probability) for one in outcome.outcomes},
            drops={self.resolve_topic_name(name): n for name, n in self._drops.drops.items()},
            sources=dict(sources),
            grader=outcome.grader or writer.start.grader,
            policy_model=model,
            policy_version=version,
            success_model=judge[0],
            success_version=judge[2],
        )
        return writer.close(metadata)

    def _give_up(self, reason: str) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            kept = writer.abandon(reason)
            self.get_logger().warning(f"episode given up: {kept}")
        except MtoptError as error:
            self.get_logger().error(f"{type(error).__name__}: {error}")

    async def _all_steps(self, wanted: int) -> None:
        """Wait until the episode's steps have arrived, but not for ever."""
        arrived = Future()
        self._steps_wanted = (wanted, arrived)
        self._note_steps()
        await within(self, arrived, self.settings.stop_wait_s)
        self._steps_wanted = None

    def _note_steps(self) -> None:
        if self._steps_wanted is None:
            return
        wanted, arrived = self._steps_wanted
        if len(self._steps) >= wanted and not arrived.done():
            arrived.set_result(True)

    def _calibration_hash(self) -> str:
        payload = self._latched.get(EXTRINSICS_TOPIC)
        if payload is None:
            return ""
        return str(deserialize_message(payload, CameraExtrinsics).calibration_hash)
