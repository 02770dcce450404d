"""policy: one decision server for the cells that ask it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rclpy.task import Future
from sensor_msgs.msg import Image as ImageMsg

from mtopt_core.cell import EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.exploration import ExplorationMix
from mtopt_core.observation import Observation
from mtopt_core.policy import Policy
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.tasks import Task
from mtopt_msgs.srv import LoadModel, SelectAction
from mtopt_robot.errors import ImageInvalid
from mtopt_robot.models.bundle import Bundle, Expected
from mtopt_robot.models.errors import ModelMissing
from mtopt_robot.models.q_function import InferenceConfig
from mtopt_robot.models.q_policy import QPolicy
from mtopt_robot.models.store import ModelStore

from . import convert, files
from .lifecycle import CellNode
from .newest import Newest
from .qos import IMAGES
from .settings import PolicySettings

_REFUSED = "model_refused"


@dataclass
class _Served:
    """What the server keeps of one cell: its policy, its newest image, its episode."""

    images: Newest[ImageMsg]
    policy: Policy
    greedy: QPolicy | None = None
    episode_id: str = ""


class PolicyNode(CellNode):
    """Decides on the newest overhead image after the last motion, never on an older one."""

    settings_type: ClassVar[type] = PolicySettings
    settings: PolicySettings

    def __init__(self, **options: Any) -> None:
        super().__init__("policy", **options)

    def build(self) -> None:
        """Make a policy for every cell served."""
        self._workspace = files.workspace(self.settings.workspace_file)
        self._bounds = files.action_bounds(self.settings.actions_file)
        self._tasks = files.tasks(self.settings.tasks_file)
        names = self.settings.cells or (self.get_namespace().strip("/"),)
        self._store = self._open_store()
        self._cells = {name: _Served(Newest(self), self._mix(None)) for name in names}
        self._load_first()

    def wire(self) -> None:
        """Listen to each cell's overhead camera, answer requests."""
        for cell in self._cells:
            topic = f"/{cell}/camera/overhead/image_raw"
            self.create_subscription(ImageMsg, topic, partial(self._on_image, cell), IMAGES)
        self.serve_waiting(SelectAction, "policy/select_action", self._on_select)
        self.serve_waiting(LoadModel, "policy/load_model", self._on_load)

    def _mix(self, greedy: Policy | None) -> Policy:
        script = self.settings.script
        scripts: dict[str, Policy] = {
            LIFT: ScriptedPick(self._workspace, self._bounds, script),
            PLACE: ScriptedPlace(self._workspace, self._bounds, script),
        }
        return ExplorationMix(scripts, greedy, self._bounds, self.settings.mix)

    def _on_image(self, cell: str, message: ImageMsg) -> None:
        self._cells[cell].images.put(convert.stamp_ns(message.header.stamp), message)

    async def _on_select(
        self, request: SelectAction.Request, response: SelectAction.Response
    ) -> SelectAction.Response:
        asked = time.monotonic()
        try:
            served, task = self._cells[request.cell], self._tasks[request.task]
        except (KeyError, MtoptError) as error:
            response.reason = str(EndReason.COMMAND_REFUSED)
            known = ", ".join(self._cells)
            response.error = (
                f"{error}"
                if isinstance(error, MtoptError)
                else (f"unknown cell {request.cell!r}; cells served: {known}")
            )
            return response
        not_before_ns = convert.stamp_ns(request.not_before)
        message = await served.images.since(not_before_ns, self.settings.image_wait_s)
        if message is None:
            response.reason = str(EndReason.CAMERA_FAULT)
            wait_s = self.settings.image_wait_s
            response.error = f"no overhead image newer than the last motion within {wait_s:g} s"
            return response
        try:
            return self._decide(request, response, served, task, message, asked)
        except ImageInvalid as error:
            response.reason, response.error = str(EndReason.CAMERA_FAULT), str(error)
            return response

    def _decide(
        self,
        request: SelectAction.Request,
        response: SelectAction.Response,
        served: _Served,
        task: Task,
        message: ImageMsg,
        asked: float,
    ) -> SelectAction.Response:
        observation = Observation(
            convert.image(message),
            request.gripper_closed,
            request.gripper_height,
            convert.stamp_ns(message.header.stamp),
            convert.pose(request.tool),
        )
        try:
            if request.step == 0 or request.episode_id != served.episode_id:
                served.policy.begin(task, request.seed)
                served.episode_id = request.episode_id
            decision = served.policy(observation, task)
        except MtoptError as error:
            response.reason = str(EndReason.COMMAND_REFUSED)
            response.error = f"{type(error).__name__}: {error}"
            return response
        response.ok = True
        response.action = convert.action_msg(decision.action)
        response.q, response.source, response.model = decision.q, decision.source, decision.model
        response.image_stamp = message.header.stamp
        response.latency = time.monotonic() - asked
        return response

    # --- models ---------------------------------------------------------------------------

    def _open_store(self) -> ModelStore | None:
        if not self.settings.models:
            return None
        expected = Expected(self._bounds, self._tasks.names)
        folder = Path(self.settings.models)
        return ModelStore(folder, expected, InferenceConfig(self.settings.threads))

    def _load_first(self) -> None:
        """The model to begin with; without a usable one the scripts act, and everybody is told."""
        if self._store is None:
            return
        try:
            self._serve(self._store.load(self.settings.model))
        except MtoptError as error:
            self._refuse(error)

    async def _on_load(
        self, request: LoadModel.Request, response: LoadModel.Response
    ) -> LoadModel.Response:
        """Load and check beside the running model, in a thread; swap between two decisions."""
        loaded: Bundle | MtoptError = await self._load_aside(request.name, request.version)
        if isinstance(loaded, MtoptError):
            self._refuse(loaded)
            response.error = f"{type(loaded).__name__}: {loaded}"
        else:
            self._serve(loaded)
            response.ok = True
        response.model = self.health.values.get("model", "")
        return response

    def _load_aside(self, name: str, version: str) -> Future:
        future = Future(executor=self.executor)
        store = self._store

        def load() -> None:
            try:
                if store is None:
                    raise ModelMissing("this policy was started without a model store")
                future.set_result(store.load(name, version))
            except MtoptError as error:
                future.set_result(error)

        threading.Thread(target=load, name="model", daemon=True).start()
        return future

    def _serve(self, bundle: Bundle) -> None:
        for served in self._cells.values():
            if served.greedy is None:
                served.greedy = QPolicy(bundle, self.settings.cem)
                served.policy = self._mix(served.greedy)
                served.episode_id = ""  # the next request opens its episode anew
            else:
                served.greedy.swap(bundle)
        self.health.values["model"] = bundle.manifest.id
        self.health.over(_REFUSED)
        self.get_logger().info(f"serving {bundle.manifest.id}")

    def _refuse(self, error: MtoptError) -> None:
        going_on = self.health.values.get("model", "the scripted policies")
        self.health.warn(_REFUSED, f"{error}; {going_on} goes on")
        self.get_logger().error(f"{type(error).__name__}: {error}; {going_on} goes on")
