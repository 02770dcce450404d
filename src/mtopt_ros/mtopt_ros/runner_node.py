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

from mtopt_core.cell import CellFault, EndReason
from mtopt_core.collection import Collector, Outcome
from mtopt_core.episode import Episode, Step
from mtopt_core.errors import MtoptError
from mtopt_core.schedule import Schedule, Turn
from mtopt_core.success import Grade
from mtopt_core.tasks import Task
from mtopt_msgs.action import ExecuteStep, MoveHome, ResetBins, RunEpisode
from mtopt_msgs.msg import CellStatus, EpisodeOutcome, EpisodeStep
from mtopt_msgs.srv import GradeOutcome, SelectAction, SetCollecting, StartRecording, StopRecording

from . import convert, files
from .frames import Frame, NewestFrames
from .lifecycle import CellNode
from .progress import Progress
from .qos import IMAGES, LATCHED, STATES
from .recorded_topics import OUTCOME_TOPIC, STEP_TOPIC
from .recording import EpisodeRecording, RecordingClients
from .remote import RemoteGrader, RemotePolicy
from .ros_cell import CellClients, RosCell
from .settings import CAMERAS, RunnerSettings

_RETRY_S = 1.0
_STATUS_S = 1.0


class RunnerNode(CellNode):
    """The collecting loop in a thread of its own, beside the spinning node."""

    settings_type: ClassVar[type] = RunnerSettings
    settings: RunnerSettings
    has_an_end = True

    def __init__(self, **options: Any) -> None:
        super().__init__("runner", **options)
        self._abort = threading.Event()
        self._thread: threading.Thread | None = None
        self._requests: list[tuple[RunEpisode.Goal, Future]] = []
        self._others_well = False

    def build(self) -> None:
        """Read the tasks, draw the seeds, make the schedule."""
        settings = self.settings
        self._cell_name = self.get_namespace().strip("/")
        self._workspace = files.workspace(settings.workspace_file)
        self._tasks = files.tasks(settings.tasks_file)
        seed = settings.seed or int(np.random.SeedSequence().generate_state(1)[0] >> 1)
        self._rng = np.random.default_rng(seed)
        allowed = self._tasks.only(settings.tasks)
        self._schedule = Schedule(allowed, settings.schedule, seed=seed)
        # What was collected before a restart of this node by the warden still counts.
        self._progress = Progress(wanted=settings.episodes)
        self.get_logger().info(f"collecting with seed {seed}")

    def wire(self) -> None:
        """Clients of every other node, the status, and what people may ask for."""
        self._frames = NewestFrames(CAMERAS, self._abort)
        for camera in CAMERAS:
            self._listen(camera)
        hold = self.create_client(Trigger, "arm/hold")
        self._cell = RosCell(
            self._actions(),
            self._frames,
            self._workspace,
            self.settings,
            self._abort,
            lambda: self._call_hold(hold),
        )
        self._recording = EpisodeRecording(
            RecordingClients(
                self.create_client(StartRecording, "recorder/start"),
                self.create_client(StopRecording, "recorder/stop"),
                self.create_publisher(EpisodeStep, STEP_TOPIC, STATES),
                self.create_publisher(EpisodeOutcome, OUTCOME_TOPIC, STATES),
            ),
            self._cell_name,
            self.settings.operator_name,
            self._abort,
            lambda: self.get_clock().now().nanoseconds,
        )
        self._grader = RemoteGrader(
            self.create_client(GradeOutcome, "success/grade"),
            self._cell_name,
            self.settings.act_deadline_s,
            self._abort,
        )
        self._collector = self._make_collector()
        self._statuses = self.create_publisher(CellStatus, "runner/status", LATCHED)
        self.create_subscription(CellStatus, "cell/status", self._on_cell_status, STATES)
        self.create_service(SetCollecting, "runner/set_collecting", self._on_set_collecting)
        server = ActionServer(self, RunEpisode, "runner/run_episode", self._on_run_episode)
        self.on_cleanup_call(server.destroy)
        self.create_timer(_STATUS_S, self._tell)

    def activate(self) -> None:
        """Start the loop."""
        self._abort.clear()
        self._thread = threading.Thread(target=self._collect, name="collecting", daemon=True)
        self._thread.start()

    def deactivate(self) -> None:
        """Stop the loop; the running episode ends as stopped and is discarded."""
        self._abort.set()
        # The loop waits for the recorder through this executor, so it is not joined here.
        self._thread = None

    # --- the loop -------------------------------------------------------------------------

    def _collect(self) -> None:
        while not self._abort.is_set():
            if self._progress.finished:
                self.executor.create_task(self._finish)
                return
            if not self._ready():
                self._abort.wait(0.2)
                continue
            self._take_turn()

    def _take_turn(self) -> None:
        request = self._requests.pop(0) if self._requests else None
        try:
            turn = self._forced(request[0]) if request else self._collector.next_turn()
            seed = self._seed_of(request[0] if request else None)
            self._progress.begin("resetting" if turn.reset else "collecting", turn.task.name)
            self._tell()
            outcome = self._collector.collect(turn, seed)
        except CellFault as fault:
            self._failed(fault.reason, fault.message)
            self._answer(request, None, str(fault))
            self._abort.wait(_RETRY_S)
            return
        except MtoptError as error:
            self._answer(request, None, str(error))
            return
        self._note(outcome)
        self._answer(request, outcome, self._recording.lost)

    def _note(self, outcome: Outcome) -> None:
        """Count the episode if it is on disk; name what went wrong otherwise."""
        episode = outcome.episode
        kept = bool(self._recording.path)
        self._progress.end(episode, outcome.success, kept)
        if episode.reason.ordinary and kept:
            self.health.clear()
        elif episode.reason.ordinary:
            self._failed(EndReason.RECORDER_LOST, self._recording.lost)
        else:
            self._failed(episode.reason, episode.message)
            self._abort.wait(_RETRY_S)
        self._tell()

    def _failed(self, reason: EndReason, message: str) -> None:
        if reason is EndReason.STOPPED:
            return
        self.health.fault(str(reason), message)
        self.get_logger().error(f"{reason}: {message}")

    def _ready(self) -> bool:
        """Whether an episode may begin: not paused, and every other node is well."""
        if self._progress.paused:
            self._progress.idle("paused")
            return bool(self._requests)
        if not self._others_well:
            self._progress.idle("starting")
        return self._others_well

    def _seed_of(self, goal: RunEpisode.Goal | None) -> int:
        if goal is not None and goal.seed >= 0:
            return int(goal.seed)
        return int(self._rng.integers(2**31))

    def _forced(self, goal: RunEpisode.Goal) -> Turn:
        """The turn a person asked for; raises UnknownTask."""
        if not goal.task:
            return self._collector.next_turn()
        return Turn(self._tasks[goal.task], reset=False)

    def _answer(
        self, request: tuple[Any, Future] | None, outcome: Outcome | None, error: str
    ) -> None:
        if request is None:
            return
        result = RunEpisode.Result(ok=outcome is not None and not error, error=error)
        if outcome is not None:
            result.path = self._recording.path
            result.outcome = convert.outcome_msg(
                outcome.episode,
                outcome.grade,
                self._recording.episode_id,
                self._cell_name,
                self.get_clock().now().nanoseconds,
            )
        request[1].set_result(result)

    async def _finish(self) -> None:
        self._tell()
        if not self.finished.done():
            self.finished.set_result(True)

    # --- observer of the loop -------------------------------------------------------------

    def started(self, task: Task, seed: int) -> None:
        """An episode begins: the recording has its id by now."""
        del seed
        self._progress.started(task.name, self._recording.episode_id)
        self._progress.disk_free_bytes = self._recording.disk_free_bytes
        self._tell()

    def stepped(self, step: Step) -> None:
        """A step is done."""
        self._progress.step = step.index + 1
        self._progress.policy_model = step.decision.model or self._progress.policy_model
        self._tell()

    def ended(self, episode: Episode) -> None:
        """The steps are over, grading begins."""
        if episode.reason.ordinary:
            self._progress.idle("grading")

    def graded(self, outcome: Outcome) -> None:
        """Counted by the loop once the file is closed."""

    # --- wiring ---------------------------------------------------------------------------

    def _make_collector(self) -> Collector:
        policy = RemotePolicy(
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
            (self._recording, self),
            self.settings.limits,
        )

    def _grade(self) -> Grade:
        grade = self._grader.grade(self._recording.episode_id, self._cell.still_since_ns)
        self._progress.grader = grade.grader
        return grade

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

    def _on_cell_status(self, message: CellStatus) -> None:
        others = [fault for fault in message.faults if not fault.startswith("runner:")]
        self._others_well = not others and message.state != CellStatus.STARTING

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
        asked = Future()
        self._requests.append((handle.request, asked))
        result: RunEpisode.Result = await asked
        handle.succeed()
        return result

    def _tell(self) -> None:
        message = self._progress.message(self._cell_name)
        message.header.stamp = convert.time_msg(time.time_ns())
        self._statuses.publish(message)
