"""policy: one decision server for the cells that ask it.

Each cell has a thread of its own, which waits for the cell's newest image, decides and answers;
all threads meet at the network, where whoever waits is decided together. The executor's thread
only takes images and requests in, so that nothing waits behind a computation.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMsg

from mtopt_core.cell import CellFault, EndReason, PolicyLate
from mtopt_core.errors import ConfigError, MtoptError
from mtopt_core.exploration import ExplorationMix, MixConfig, mix_of, task_mixes
from mtopt_core.observation import Observation
from mtopt_core.policy import Decision, Policy
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_data import config_files
from mtopt_msgs.msg import CameraExtrinsics, CemRun
from mtopt_msgs.srv import SelectAction
from mtopt_robot.errors import ImageInvalid
from mtopt_robot.models.bundle import Bundle
from mtopt_robot.models.expected import Expected
from mtopt_robot.models.store import ModelStore
from mtopt_robot.models.store_watch import StoreWatch

from . import convert
from .answering import Answer, LateService
from .camera_geometry import CameraGeometry
from .caution import Caution
from .cell_time import CellTime
from .convert_policy import cem_msg, fill_decision
from .frames import Frame, NewestFrames
from .model_following import ModelNode, Source
from .qos import LATCHED, NEWEST, STATES
from .raw_image import pixels_of
from .serving import Query, Serving, Tally
from .settings import PolicySettings

_CAMERA = "overhead"


class PolicyNode(ModelNode[Bundle]):
    """Decides on the newest overhead image after the last motion, never on an older one."""

    settings_type: ClassVar[type] = PolicySettings
    settings: PolicySettings

    def __init__(self, **options: Any) -> None:
        super().__init__("policy", **options)
        self._tally = Tally()

    def build(self) -> None:
        """Make a policy for every cell served."""
        self._workspace = config_files.workspace(self.settings.workspace_file)
        self._bounds = config_files.action_bounds(self.settings.actions_file)
        self._tasks = config_files.tasks(self.settings.tasks_file)
        self._abort = threading.Event()
        mixes = self._mixes()
        self._caution = Caution(self, self.settings.fallback, mixes, self._scripts)
        self._serving = Serving(mixes, self._mix, self.settings.cem, self._caution.check)
        self._frames = {cell: NewestFrames((_CAMERA,), self._abort) for cell in mixes}
        self._times = {cell: CellTime(partial(self._newest_ns, cell)) for cell in mixes}
        self._geometry = {cell: CameraGeometry(_CAMERA) for cell in mixes}
        self._threads = {cell: ThreadPoolExecutor(1, f"decide-{cell}") for cell in mixes}
        self._tally = Tally()

    def wire(self) -> None:
        """Listen to each cell's overhead camera, answer requests, follow the model store."""
        for cell, geometry in self._geometry.items():
            topic = f"/{cell}/camera/{_CAMERA}/image_raw"
            self.create_subscription(
                ImageMsg, topic, partial(self._on_image, cell), NEWEST, raw=True
            )
            info, placed = f"/{cell}/camera/{_CAMERA}/camera_info", f"/{cell}/camera/extrinsics"
            self.create_subscription(CameraInfo, info, geometry.on_info, NEWEST, raw=True)
            self.create_subscription(CameraExtrinsics, placed, geometry.on_extrinsics, LATCHED)
        self._cem_topics = {
            cell: self.create_publisher(CemRun, f"/{cell}/policy/cem", STATES)
            for cell in (self._frames if self.settings.publish_cem else ())
        }
        self._caution.wire()
        LateService(self, SelectAction, "policy/select_action", self._on_select)
        watch_s = self.settings.watch_s
        self.follow(self._serving, self._source(), watch_s, "the scripted policies go on")
        self.on_cleanup_call(self._stop)

    def _stop(self) -> None:
        self._abort.set()
        for thread in self._threads.values():
            thread.shutdown(wait=False, cancel_futures=True)

    @property
    def _mix_source(self) -> str:
        return f"parameters of {self.get_fully_qualified_name()}"

    def _mixes(self) -> dict[str, MixConfig]:
        """The exploration mix of every cell served; raises ConfigError."""
        names = self.settings.cells or (self.get_namespace().strip("/"),)
        mixes = dict.fromkeys(names, self.settings.mix)
        for words in self.settings.mixes:
            cell, _, mix = words.partition("=")
            if cell not in mixes:
                allowed = f"must be CELL=MIX of a cell served: {', '.join(names)}"
                raise ConfigError(self._mix_source, "mixes", words, allowed)
            mixes[cell] = mix_of(mix, f"{self._mix_source}: mixes: {cell}")
        return mixes

    def _mix(self, greedy: Policy | None, mix: MixConfig) -> Policy:
        by_task = task_mixes(mix, self._mix_source, self._tasks.names)
        return ExplorationMix(self._scripts(), greedy, self._bounds, mix, by_task)

    def _scripts(self) -> dict[str, Policy]:
        script = self.settings.script
        return {
            LIFT: ScriptedPick(self._workspace, self._bounds, script),
            PLACE: ScriptedPlace(self._workspace, self._bounds, script),
        }

    def _source(self) -> Source[Bundle] | None:
        settings = self.settings
        if not settings.models:
            return None
        expected = Expected(self._bounds, self._tasks.names)
        store = ModelStore(Path(settings.models), expected, settings.inference)
        return Source(StoreWatch(store, settings.model).look, store.load)

    def _beat(self) -> None:
        self.health.values |= self._tally.values()
        if self.state != "unconfigured" and self._serving.decider is not None:
            decider = self._serving.decider
            batches, bundle = decider.batches, decider.bundle
            self.health.values |= {
                "runtime": bundle.runtime.describe(),
                "network_runs": str(batches.runs),
                "network_decisions": str(batches.questions),
                "largest_batch": str(batches.largest),
            }
            self.health.values |= self._caution.values(bundle)
        super()._beat()

    # --- in the executor's thread ---------------------------------------------------------

    def _on_image(self, cell: str, payload: bytes) -> None:
        self._frames[cell].put(_CAMERA, Frame(convert.stamp_of_serialized(payload), payload))
        self._times[cell].now_s()

    def _on_select(
        self, request: SelectAction.Request, response: SelectAction.Response, answer: Answer
    ) -> None:
        asked_s = time.monotonic()
        thread = self._threads.get(request.cell)
        if thread is None:
            known = ", ".join(self._frames)
            response.reason = str(EndReason.COMMAND_REFUSED)
            response.error = f"unknown cell {request.cell!r}; cells served: {known}"
            self._tally.refused()
            answer()
        elif not self._abort.is_set():
            thread.submit(self._escaping, partial(self._select, request, response, asked_s, answer))

    # --- in the cell's thread -------------------------------------------------------------

    def _escaping(self, act: Callable[[], None]) -> None:
        """Run; what nobody foresaw ends the process as it would from a callback."""
        try:
            act()
        except Exception as error:
            if self.executor is not None:
                self.executor.create_task(_raise, error)

    def _select(
        self,
        request: SelectAction.Request,
        response: SelectAction.Response,
        asked_s: float,
        answer: Answer,
    ) -> None:
        deadline_s = request.deadline if request.deadline > 0.0 else math.inf
        try:
            decision, query = self._decide(request, asked_s + deadline_s)
        except PolicyLate as late:
            self._tally.not_begun()
            response.reason, response.error = str(EndReason.POLICY_TIMEOUT), str(late)
        except CellFault as fault:
            self._tally.refused()
            response.reason, response.error = str(fault.reason), fault.message
        except MtoptError as error:
            self._tally.refused()
            response.reason = str(EndReason.COMMAND_REFUSED)
            response.error = f"{type(error).__name__}: {error}"
        else:
            latency_s = time.monotonic() - asked_s
            fill_decision(response, decision, latency_s)
            self._tally.decided(latency_s, deadline_s)
            answer()
            self._show(query, decision)
            return
        answer()

    def _decide(self, request: SelectAction.Request, until_s: float) -> tuple[Decision, Query]:
        """Raises PolicyLate, CellFault, and MtoptError for what is no question."""
        task = self._tasks[request.task]
        self.wait_for_model(until_s)
        wait_s = min(self._image_wait_s(request.cell), until_s - time.monotonic())
        if wait_s <= 0.0:
            raise PolicyLate("its deadline had passed before it was begun")
        not_before_ns = convert.stamp_ns(request.not_before)
        (frame,) = self._frames[request.cell].wait((_CAMERA,), not_before_ns, wait_s)
        try:
            pixels = pixels_of(frame.payload)
        except ImageInvalid as error:
            raise CellFault(EndReason.CAMERA_FAULT, str(error)) from error
        observation = Observation(
            pixels,
            request.gripper_closed,
            request.gripper_height,
            frame.stamp_ns,
            convert.pose(request.tool),
            self._geometry[request.cell].projection(pixels.shape[:2]),
        )
        cell, episode_id, step = request.cell, request.episode_id, request.step
        query = Query(cell, episode_id, step, request.seed, task, observation, until_s)
        return self._serving.decide(query), query

    def _newest_ns(self, cell: str) -> int:
        """All that a server of several cells knows of a cell's clock; 0 before the first image."""
        newest = self._frames[cell].newest(_CAMERA)
        return newest.stamp_ns if newest is not None else 0

    def _image_wait_s(self, cell: str) -> float:
        """Wall time in which so much of the cell's own goes by, at its pace of late."""
        return self.settings.image_wait_s / self._times[cell].pace

    def _show(self, query: Query, decision: Decision) -> None:
        """Publish how the network came to its decision, where it made one and somebody asked."""
        topic = self._cem_topics.get(query.cell)
        choice = self._serving.considered(query.cell) if decision.model else None
        if topic is None or choice is None:
            return
        seen = query.observation
        message = cem_msg(choice, seen.stamp_ns, seen.T_base_tool)
        message.cell, message.episode_id, message.step = query.cell, query.episode_id, query.step
        message.task, message.model = query.task.name, decision.model
        topic.publish(message)


def _raise(error: BaseException) -> None:
    raise error
