"""runner: schedules, runs, grades, records, and goes on until it is told to stop."""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar

import numpy as np
from rclpy.action import ActionClient, ActionServer
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from mtopt_core.cell import EndReason
from mtopt_core.collection import Collector, Outcome
from mtopt_core.schedule import Schedule
from mtopt_core.success import Grade
from mtopt_data import config_files
from mtopt_msgs.action import ExecuteStep, MoveHome, ResetBins, RunEpisode
from mtopt_msgs.msg import CellStatus, EpisodeOutcome, EpisodeStep
from mtopt_msgs.srv import GradeOutcome, SelectAction, SetCollecting, StartRecording, StopRecording

from . import convert
from .collecting import CollectingLoop, Wish
from .errors import NotReady
from .frames import Frame, NewestFrames
from .lifecycle import CellNode
from .progress import Progress
from .qos import IMAGES, LATCHED, STATES
from .recorded_topics import OUTCOME_TOPIC, STEP_TOPIC
from .recording import EpisodeRecording, RecordingClients
from .remote import RemoteGrader, RemotePolicy
from .ros_cell import CellClients, RosCell
from .settings import CAMERAS, RunnerSettings

_STATUS_S = 1.0
_NOTHING_LIFTED = "nothing_lifted"


class RunnerNode(CellNode):
    """Wires the collecting loop to the other nodes and to people."""

    settings_type: ClassVar[type] = RunnerSettings
    settings: RunnerSettings
    has_an_end = True

    def __init__(self, **options: Any) -> None:
        super().__init__("runner", **options)
        self._abort = threading.Event()
        self._progress = Progress()
        self._loop: CollectingLoop | None = None

    def build(self) -> None:
        """Read the tasks, draw the seed, make the schedule."""
        settings = self.settings
        self._cell_name = self.get_namespace().strip("/")
        self._workspace = config_files.workspace(settings.workspace_file)
        self._tasks = config_files.tasks(settings.tasks_file)
        self._seed = settings.seed or int(np.random.SeedSequence().generate_state(1)[0] >> 1)
        allowed = self._tasks.only(settings.tasks)
        self._schedule = Schedule(allowed, settings.schedule, seed=self._seed)
        # What this process has collected still counts after it was configured anew.
        self._progress.wanted = settings.episodes
        self.get_logger().info(f"collecting with seed {self._seed}")

    def wire(self) -> None:
        """Clients of every other node, the status, and what people may ask for."""
        self._cell = self._make_cell()
        self._recording = self._make_recording()
        self._grader = RemoteGrader(
            self.create_client(GradeOutcome, "success/grade"),
            self._cell_name,
            self.settings.act_deadline_s,
            self._abort,
        )
        rng = np.random.default_rng(self._seed)
        loop = CollectingLoop(self._progress, self._recording, self._tasks, rng, self, self._abort)
        self._collector = self._make_collector(loop)
        self._loop = loop
        self._statuses = self.create_publisher(CellStatus, "runner/status", LATCHED)
        self.create_subscription(CellStatus, "cell/status", self._on_cell_status, STATES)
        self.create_service(SetCollecting, "runner/set_collecting", self._on_set_collecting)
        server = ActionServer(self, RunEpisode, "runner/run_episode", self._on_run_episode)
        self.on_cleanup_call(server.destroy)
        self.create_timer(_STATUS_S, self.told)

    def activate(self) -> None:
        """Start the loop; raises NotReady while an old one is coming to its end."""
        self._looping.start(self._collector)

    def deactivate(self) -> None:
        """Stop the loop; the running episode ends as stopped and is discarded."""
        if self._loop is not None:
            self._loop.stop()

    # --- what the loop says ---------------------------------------------------------------

    def told(self) -> None:
        """Publish the progress."""
        self._warn_of_vain_picks(self._progress.vain_picks, self.settings.warn_after_picks)
        message = self._progress.message(self._cell_name)
        message.header.stamp = convert.time_msg(time.time_ns())
        self._statuses.publish(message)
        self.health.values["late_decisions"] = str(self._policy.late)

    def _warn_of_vain_picks(self, vain: int, bound: int) -> None:
        """A real cell cannot see what fell out of it, nor put it back: a person must."""
        if not bound or vain < bound:
            self.health.over(_NOTHING_LIFTED)
            return
        said = f"{vain} picks in a row lifted nothing: do the objects lie in the right bin?"
        if _NOTHING_LIFTED not in self.health.warnings:
            self.get_logger().warning(said)
        self.health.warn(_NOTHING_LIFTED, said)

    def failed(self, reason: EndReason, message: str) -> None:
        """Name a fault, or the end of the last one."""
        if not message:
            self.health.clear()
        elif reason is not EndReason.STOPPED:
            self.health.fault(str(reason), message)
            self.get_logger().error(f"{reason}: {message}")

    def finished_all(self) -> None:
        """The work of this process is done."""
        self.executor.create_task(self._finish)

    async def _finish(self) -> None:
        self.told()
        if not self.finished.done():
            self.finished.set_result(True)

    # --- what others say ------------------------------------------------------------------

    def _on_cell_status(self, message: CellStatus) -> None:
        others = [fault for fault in message.faults if not fault.startswith("runner:")]
        self._looping.others_well = not others and message.state != CellStatus.STARTING

    def _on_set_collecting(
        self, request: SetCollecting.Request, response: SetCollecting.Response
    ) -> SetCollecting.Response:
        known = (request.RESUME, request.PAUSE, request.FINISH)
        response.ok = request.command in known
        if response.ok:
            self._progress.paused = request.command == request.PAUSE
            self._progress.told_to_finish |= request.command == request.FINISH
        response.state = self._progress.state
        return response

    async def _on_run_episode(self, handle: Any) -> RunEpisode.Result:
        answered = Future(executor=self.executor)

        def answer(outcome: Outcome | None, error: str) -> None:
            answered.set_result(self._result(outcome, error))

        self._looping.wish(Wish(handle.request.task, int(handle.request.seed), answer))
        result: RunEpisode.Result = await answered
        handle.succeed()
        return result

    def _result(self, outcome: Outcome | None, error: str) -> RunEpisode.Result:
        result = RunEpisode.Result(ok=outcome is not None and not error, error=error)
        if outcome is not None:
            result.path = self._recording.path
            result.outcome = convert.outcome_msg(
                outcome.episode,
                outcome.grade,
                self._recording.episode_id,
                self._cell_name,
                self._now_ns(),
            )
        return result

    # --- wiring ---------------------------------------------------------------------------

    def _make_cell(self) -> RosCell:
        self._frames = NewestFrames(CAMERAS, self._abort)
        for camera in CAMERAS:
            self._listen(camera)
        hold = self.create_client(Trigger, "arm/hold")
        return RosCell(
            self._actions(),
            self._frames,
            self._workspace,
            self.settings,
            self._abort,
            lambda: self._call_hold(hold),
        )

    def _make_recording(self) -> EpisodeRecording:
        clients = RecordingClients(
            self.create_client(StartRecording, "recorder/start"),
            self.create_client(StopRecording, "recorder/stop"),
            self.create_publisher(EpisodeStep, STEP_TOPIC, STATES),
            self.create_publisher(EpisodeOutcome, OUTCOME_TOPIC, STATES),
        )
        return EpisodeRecording(
            clients, self._cell_name, self.settings.operator_name, self._abort, self._now_ns
        )

    def _make_collector(self, loop: CollectingLoop) -> Collector:
        self.health.values["late_decisions"] = "0"
        policy = self._policy = RemotePolicy(
            self.create_client(SelectAction, "policy/select_action"),
            self._cell_name,
            self.settings.step_deadline_s,
            self._abort,
            lambda: self._recording.episode_id,
        )
        return Collector(
            self._cell,
            policy,
            self._grade,
            self._schedule,
            (self._recording, loop),
            self.settings.limits,
        )

    def _grade(self) -> Grade:
        return self._grader.grade(self._recording.episode_id, self._cell.still_since_ns)

    def _actions(self) -> CellClients:
        clients = CellClients(
            ActionClient(self, ExecuteStep, "arm/execute_step"),
            ActionClient(self, MoveHome, "arm/move_home"),
            ActionClient(self, ResetBins, "bin/reset"),
        )
        for client in (clients.execute_step, clients.move_home, clients.reset_bins):
            self.on_cleanup_call(client.destroy)
        return clients

    def _listen(self, camera: str) -> None:
        def on_image(payload: bytes) -> None:
            self._frames.put(camera, Frame(convert.stamp_of_serialized(payload), payload))

        topic = f"camera/{camera}/image_raw/compressed"
        self.create_subscription(CompressedImage, topic, on_image, IMAGES, raw=True)

    def _call_hold(self, client: Any) -> None:
        if client.service_is_ready():
            client.call_async(Trigger.Request())

    @property
    def _looping(self) -> CollectingLoop:
        if self._loop is None:
            raise NotReady("the runner is not configured")
        return self._loop

    def _now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)
