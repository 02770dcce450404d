"""runner: schedules, runs, grades, records, and goes on until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rclpy.action import ActionClient, ActionServer
from rclpy.task import Future
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

from mtopt_core.cell import EndReason
from mtopt_core.collection import Collector, Outcome
from mtopt_core.errors import MtoptError
from mtopt_core.schedule import Schedule
from mtopt_core.success import Grade
from mtopt_core.tasks import Task
from mtopt_data import config_files
from mtopt_msgs.action import ExecuteStep, MoveHome, ResetBins, RunEpisode
from mtopt_msgs.msg import CellStatus, EpisodeOutcome, EpisodeStep
from mtopt_msgs.srv import GradeOutcome, SelectAction, StartRecording, StopRecording

from . import convert
from .collecting import CollectingLoop, Wish
from .errors import NotReady
from .frames import Frame, NewestFrames
from .ledger import Ledger
from .lifecycle import CellNode
from .progress import Progress
from .qos import IMAGES, LATCHED, STATES
from .recorded_topics import OUTCOME_TOPIC, STEP_TOPIC
from .recording import EpisodeRecording, RecordingClients
from .remote import RemoteGrader, RemotePolicy
from .ros_cell import CellClients, RosCell
from .runner_desk import RunnerDesk
from .settings import CAMERAS, RunnerSettings

_STATUS_S = 1.0
_STATUS_KEEPS_S = 3.5  # a word of the warden, which comes once a second
_NOTHING_LIFTED, _PARKED = "nothing_lifted", "parked"
# The runner's own faults do not keep it from trying again, nor does a jam that it has parked for.
_OWN_AFFAIR = ("runner:", f"bin: {EndReason.BIN_JAM}")


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
        self._well_until_s = 0.0

    def build(self) -> None:
        """Read the tasks, draw the seed, make the schedule."""
        settings = self.settings
        self._cell_name = self.get_namespace().strip("/")
        self._workspace = config_files.workspace(settings.workspace_file)
        self._tasks = config_files.tasks(settings.tasks_file)
        self._seed = settings.seed or int(np.random.SeedSequence().generate_state(1)[0] >> 1)
        allowed = self._tasks.only(settings.tasks)
        # What was collected still counts after a crash, and after this node was configured anew.
        kept = Path(settings.ledger) if settings.ledger else None
        if self._progress.ledger.path != kept:
            self._progress.ledger = Ledger(kept)
        self._progress.wanted = settings.episodes
        self._schedule = self._make_schedule(allowed)
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
            self.cell_time,
        )
        loop = CollectingLoop(
            self._progress,
            self._recording,
            self._tasks,
            self._seed,
            self,
            self._abort,
            self._others_well,
            self.settings.park_after,
        )
        self._collector = self._make_collector(loop)
        self._loop = loop
        self._statuses = self.create_publisher(CellStatus, "runner/status", LATCHED)
        self.create_subscription(CellStatus, "cell/status", self._on_cell_status, STATES)
        RunnerDesk(self, self._progress, loop)
        server = ActionServer(self, RunEpisode, "runner/run_episode", self._on_run_episode)
        self.on_cleanup_call(server.destroy)
        self.create_timer(_STATUS_S, self.told)

    def activate(self) -> None:
        """Start the loop; raises NotReady while an old one is coming to its end."""
        if self._progress.ledger.memory.parked:
            self._tell_parked()
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

    def failed(self, name: str, message: str) -> None:
        """Name a fault, or the end of the last one."""
        if not message:
            self.health.clear()
        elif name != EndReason.STOPPED:
            self.health.clear()
            self.health.fault(str(name), message)
            self.get_logger().error(f"{name}: {message}")
        if self._progress.ledger.memory.parked:
            self._tell_parked()

    def _tell_parked(self) -> None:
        why = self._progress.ledger.memory.parked
        self.health.clear()
        self.health.fault(_PARKED, f"{why}; make it right, then resume")

    def finished_all(self) -> None:
        """The work of this process is done."""
        self.executor.create_task(self._finish)

    async def _finish(self) -> None:
        self.told()
        if not self.finished.done():
            self.finished.set_result(True)

    # --- what others say ------------------------------------------------------------------

    def _on_cell_status(self, message: CellStatus) -> None:
        others = [fault for fault in message.faults if not fault.startswith(_OWN_AFFAIR)]
        if not others and message.state != CellStatus.STARTING:
            self._well_until_s = time.monotonic() + _STATUS_KEEPS_S
        else:
            self._well_until_s = 0.0

    def _others_well(self) -> bool:
        """What the warden said lately; a warden that is silent is not well either."""
        return time.monotonic() < self._well_until_s

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
        self._frames = NewestFrames(CAMERAS, self._abort, self.cell_time)
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
            self.cell_time,
        )

    def _make_recording(self) -> EpisodeRecording:
        clients = RecordingClients(
            self.create_client(StartRecording, "recorder/start"),
            self.create_client(StopRecording, "recorder/stop"),
            self.create_publisher(EpisodeStep, STEP_TOPIC, STATES),
            self.create_publisher(EpisodeOutcome, OUTCOME_TOPIC, STATES),
        )
        return EpisodeRecording(
            clients,
            self._cell_name,
            self.settings.operator_name,
            self._abort,
            self._now_ns,
            self._progress.ledger,
        )

    def _make_collector(self, loop: CollectingLoop) -> Collector:
        self.health.values["late_decisions"] = "0"
        policy = self._policy = RemotePolicy(
            self.create_client(SelectAction, "policy/select_action"),
            self._cell_name,
            self.settings.step_deadline_s,
            self._abort,
            lambda: self._recording.episode_id,
            self.cell_time,
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

    def _make_schedule(self, allowed: tuple[Task, ...]) -> Schedule:
        """A crash does not set it back: what is drawn depends on the turns that were begun."""
        memory = self._progress.ledger.memory
        seed = int(np.random.default_rng((self._seed, memory.begun)).integers(2**31))
        successes = Counter(memory.succeeded)
        if self.settings.schedule.need > 0 and self.settings.data and not memory.begun:
            successes.update(self._successes_there(Path(self.settings.data)))
        return Schedule(allowed, self.settings.schedule, seed, successes)

    def _successes_there(self, data: Path) -> dict[str, int]:
        """Successes by task that the catalog knows; none where it cannot be asked."""
        from mtopt_data.catalog import query

        asked = "SELECT task, count(*) FROM episodes WHERE succeeded GROUP BY task"
        try:
            return {str(task): int(count) for task, count in query.ask(data, asked).rows}
        except MtoptError as error:
            self.get_logger().warning(f"need is counted from 0: {error}")
            return {}

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
