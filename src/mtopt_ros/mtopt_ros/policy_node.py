"""policy: one decision server for the cells that ask it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from sensor_msgs.msg import Image as ImageMsg

from mtopt_core.cell import EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.exploration import ExplorationMix
from mtopt_core.observation import Observation
from mtopt_core.policy import Policy
from mtopt_core.schedule import LIFT, PLACE
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.tasks import Task
from mtopt_msgs.srv import SelectAction

from . import convert, files
from .lifecycle import CellNode
from .newest import Newest
from .qos import IMAGES
from .settings import PolicySettings


@dataclass
class _Served:
    """What the server keeps of one cell: its policy, its newest image, its episode."""

    policy: Policy
    images: Newest[ImageMsg]
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
        self._cells = {name: _Served(self._policy(), Newest(self)) for name in names}

    def wire(self) -> None:
        """Listen to each cell's overhead camera, answer requests."""
        for cell in self._cells:
            topic = f"/{cell}/camera/overhead/image_raw"
            self.create_subscription(ImageMsg, topic, partial(self._on_image, cell), IMAGES)
        self.serve_waiting(SelectAction, "policy/select_action", self._on_select)

    def _policy(self) -> Policy:
        script = self.settings.script
        scripts: dict[str, Policy] = {
            LIFT: ScriptedPick(self._workspace, self._bounds, script),
            PLACE: ScriptedPlace(self._workspace, self._bounds, script),
        }
        return ExplorationMix(scripts, None, self._bounds, self.settings.mix)

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
        return self._decide(request, response, served, task, message, asked)

    def _decide(
        self,
        request: SelectAction.Request,
        response: SelectAction.Response,
        served: _Served,
        task: Task,
        message: ImageMsg,
        asked: float,
    ) -> SelectAction.Response:
        if request.step == 0 or request.episode_id != served.episode_id:
            served.policy.begin(task, request.seed)
            served.episode_id = request.episode_id
        observation = Observation(
            convert.image(message),
            request.gripper_closed,
            request.gripper_height,
            convert.stamp_ns(message.header.stamp),
            convert.pose(request.tool),
        )
        decision = served.policy(observation, task)
        response.ok = True
        response.action = convert.action_msg(decision.action)
        response.q, response.source, response.model = decision.q, decision.source, decision.model
        response.image_stamp = message.header.stamp
        response.latency = time.monotonic() - asked
        return response
