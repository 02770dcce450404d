"""recorder: one MCAP file an episode, opened and closed by the runner."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from rclpy.clock import Clock, ClockType
from rclpy.serialization import deserialize_message
from rclpy.task import Future

import mtopt_core
from mtopt_core.cell import EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.purpose import purpose_of
from mtopt_data.catalog.rebuild import catch_up
from mtopt_data.metadata import EpisodeStart
from mtopt_data.naming import EpisodeId
from mtopt_data.partfile import make_folder
from mtopt_data.recovery import recover_folder
from mtopt_data.schema import ament_finder, message_definition
from mtopt_data.writer import EpisodeWriter, require_space
from mtopt_msgs.msg import CameraExtrinsics, EpisodeStep
from mtopt_msgs.srv import StartRecording, StopRecording

from .inbox import Arrival, Inbox
from .lifecycle import CellNode
from .newest import within
from .recorded_topics import (
    EXTRINSICS_TOPIC,
    STEP_TOPIC,
    RecordedTopic,
    qos_of,
    recorded_topics,
)
from .recorder_desk import RecorderDesk
from .recorder_watch import RecorderWatch
from .settings import RecorderSettings
from .storage_watch import StorageWatch

# How often the inbox is emptied, wall time: while an episode is open, and between two.
_OPEN_S, _IDLE_S = 0.05, 0.1
_MOST_ROUNDS = 50  # to empty a full inbox
_WORK_OFF_S = 15.0  # to write what had arrived when an episode ended; its runner waits for longer
_LOOK_S = 1.0  # between two looks at who publishes


@dataclass(frozen=True)
class _Ending:
    """An episode that is to be closed: when that was asked, wall time, and its steps."""

    asked_ns: int
    steps: int
    emptied: Future = field(default_factory=Future)
    """What had arrived by then is in the file."""
    complete: Future = field(default_factory=Future)
    """And so are the steps."""
    over: Future = field(default_factory=Future)
    """Nothing more is waited for."""

    def is_emptied(self, steps: int) -> None:
        """Nothing from before is in the inbox, and so many steps have come."""
        if not self.emptied.done():
            self.emptied.set_result(True)
        if steps >= self.steps and not self.complete.done():
            self.complete.set_result(True)


class RecorderNode(CellNode):
    """Takes serialized messages as they come and writes them while an episode is open."""

    settings_type: ClassVar[type] = RecorderSettings
    settings: RecorderSettings

    def __init__(
        self, topics: tuple[RecordedTopic, ...] = recorded_topics(), **options: Any
    ) -> None:
        super().__init__("recorder", **options)
        self._topics = topics
        self._names = {topic.name: self.resolve_topic_name(topic.name) for topic in topics}
        self._writer: EpisodeWriter | None = None
        self._latched: dict[str, bytes] = {}
        self._watch = RecorderWatch(self, self.health, topics, self._names)
        self._steps: list[EpisodeStep] = []
        self._ending: _Ending | None = None
        self._overdue = False

    def build(self) -> None:
        """Recover what a crash left behind, and read the messages' definitions."""
        self._root = Path(self.settings.data)
        make_folder(self._root)
        reserve_bytes = self.settings.disk_reserve_mb * 1_000_000
        self._storage = StorageWatch(self.health, self._root, reserve_bytes)
        for recovery in recover_folder(self._root):
            self.get_logger().warning(f"recovered {recovery}")
        self._catch_up()
        prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(":") if p]
        finder = ament_finder(prefixes)
        self._definitions = {
            topic.name: message_definition(topic.type_name, finder) for topic in self._topics
        }

    def wire(self) -> None:
        """Listen to everything, all the time: what is not wanted is dropped at once."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._inbox = Inbox(self, self._topics, self._on_message)
        self._beats = {
            period_s: self.create_timer(period_s, self._on_beat, clock=steady)
            for period_s in (_OPEN_S, _IDLE_S)
        }
        self._set_beat(_IDLE_S)
        self.create_timer(_LOOK_S, self._look, clock=steady)
        RecorderDesk(self, self._root)
        self.create_service(StartRecording, "recorder/start", self._on_start)
        self.serve_waiting(StopRecording, "recorder/stop", self._on_stop)

    def activate(self) -> None:
        """Name a full disk from the first heartbeat on."""
        self._storage.look()

    def deactivate(self) -> None:
        """An episode that is open now cannot be finished: it goes to quarantine."""
        if self._writer is not None:
            self._give_up("the recorder was stopped")

    def _catch_up(self) -> None:
        """Enter in the catalog what a crash kept from it; without a catalog the files stand."""
        try:
            caught_up = catch_up(self._root)
        except MtoptError as error:
            self.get_logger().warning(f"the catalog: {error}")
            return
        for refused in caught_up.refused:
            self.get_logger().warning(f"not in the catalog: {refused}")
        if caught_up.waiting:
            self.get_logger().warning(
                f"{caught_up.waiting} episodes are not in the catalog yet: `mtopt data rebuild`"
            )

    def _look(self) -> None:
        self._watch.look()
        if self._writer is None and self.state == "active":
            self._storage.look()

    # --- what comes -----------------------------------------------------------------------

    def _set_beat(self, wanted_s: float) -> None:
        for period_s, timer in self._beats.items():
            timer.reset() if period_s == wanted_s else timer.cancel()

    def _on_beat(self) -> None:
        ending = self._ending
        done = self._inbox.empty(ending.asked_ns if ending else 0)
        if ending and done:
            ending.is_emptied(len(self._steps))

    def _on_message(self, topic: RecordedTopic, payload: bytes, arrival: Arrival) -> None:
        if topic.latched:
            self._latched[topic.name] = payload
        self._watch.drops.saw(topic.name, arrival.sequence)
        if self._writer is None:
            return
        if self._overdue:
            self._watch.drops.lost(topic.name, 1)
            return
        self._write(self._writer, topic.name, payload, arrival.received_ns)
        if topic.name == STEP_TOPIC:
            self._steps.append(deserialize_message(payload, EpisodeStep))

    def _write(
        self, writer: EpisodeWriter, topic: str, payload: bytes, received_ns: int = 0
    ) -> None:
        clock = self.get_clock()
        simulated = clock.ros_time_is_active
        log_ns = received_ns if received_ns > 0 and not simulated else clock.now().nanoseconds
        try:
            writer.write(self._names[topic], payload, log_ns, log_ns)
        except MtoptError as error:
            self.health.fault(type(error).__name__, str(error))
            self._give_up(str(error))

    # --- an episode -----------------------------------------------------------------------

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
            self._empty_inbox(time.time_ns())  # what came before is not part of it
            self._writer = self._open(request)
            self._announce(self._writer)
        except MtoptError as error:
            self.health.fault(type(error).__name__, str(error))
            self._give_up(str(error))
            response.error = f"{type(error).__name__}: {error}"
            return response
        self.health.clear()
        self._watch.look()
        self._set_beat(_OPEN_S)
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
            name = self._names[topic.name]
            definition = self._definitions[topic.name]
            writer.add_channel(name, topic.type_name, definition, qos=qos_of(self, name))
        self._watch.drops.reset()
        self._steps = []
        for name, payload in self._latched.items():
            now_ns = self.get_clock().now().nanoseconds
            writer.write(self._names[name], payload, now_ns, now_ns)

    async def _on_stop(
        self, request: StopRecording.Request, response: StopRecording.Response
    ) -> StopRecording.Response:
        while self._ending is not None:  # asked twice, as by a runner that came back
            await self._ending.over
        await self._everything(request.steps)
        writer = self._writer
        if writer is None or writer.start.episode_id != request.episode_id:
            return self._settled(request.episode_id, response)
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
        self._set_beat(_IDLE_S)
        self._watch.show()
        self._watch.warn("CatalogBehind", writer.uncatalogued)
        response.ok, response.messages = True, sum(counts.values())
        response.drops = sum(self._watch.drops.drops.values())
        return response

    def _settled(self, episode_id: str, response: StopRecording.Response) -> StopRecording.Response:
        """Of an episode that is not open: its file, if it has one."""
        try:
            path = EpisodeId.parse(episode_id).path(self._root)
        except MtoptError as error:
            response.error = f"{type(error).__name__}: {error}"
            return response
        response.ok = path.exists()
        response.path = str(path) if response.ok else ""
        if not response.ok:
            response.error = f"NoOpenEpisode: {episode_id} is not being recorded"
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
            drops={self._names[name]: count for name, count in self._watch.drops.drops.items()},
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
        self._set_beat(_IDLE_S)
        try:
            kept = writer.abandon(reason)
            self.get_logger().warning(f"episode given up: {kept}")
        except MtoptError as error:
            self.get_logger().error(f"{type(error).__name__}: {error}")

    async def _everything(self, steps: int) -> None:
        """Wait for the episode's steps and for what had arrived by now, but not for ever: what
        has not found its way into the file by then is lost, and counted."""
        ending = self._ending = _Ending(time.time_ns(), steps)
        await within(self, ending.complete, self.settings.stop_wait_s)
        if not await within(self, ending.emptied, _WORK_OFF_S):
            self._overdue = True
            self._empty_inbox(ending.asked_ns)
            self._overdue = False
        self._ending = None
        ending.over.set_result(True)

    def _empty_inbox(self, before_ns: int) -> None:
        """Take what arrived before a moment, wall time."""
        for _ in range(_MOST_ROUNDS):
            if self._inbox.empty(before_ns):
                return

    def _calibration_hash(self) -> str:
        payload = self._latched.get(EXTRINSICS_TOPIC)
        if payload is None:
            return ""
        return str(deserialize_message(payload, CameraExtrinsics).calibration_hash)
