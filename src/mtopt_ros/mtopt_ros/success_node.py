"""success: grades the scene that an episode left, for every task at once."""

from __future__ import annotations

from typing import Any, ClassVar

from mtopt_core.cell import EndReason
from mtopt_core.scene import SceneTruth
from mtopt_core.success import TRUTH, truth_grade
from mtopt_msgs.msg import SceneTruth as SceneTruthMsg
from mtopt_msgs.srv import GradeOutcome

from . import convert, files
from .lifecycle import CellNode
from .newest import Newest
from .qos import STATES
from .settings import SuccessSettings


class SuccessNode(CellNode):
    """Grades by the simulation's truth, and says so in every log and every answer."""

    settings_type: ClassVar[type] = SuccessSettings
    settings: SuccessSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("success", **options)
        self._scenes: Newest[SceneTruth] = Newest(self)

    def build(self) -> None:
        """Read the rules of the tasks."""
        self._workspace = files.workspace(self.settings.workspace_file)
        self._tasks = files.tasks(self.settings.tasks_file)
        self.get_logger().warning("grading uses the simulation's truth, not a success model")
        self.health.values["grader"] = TRUTH

    def wire(self) -> None:
        """Listen to the truth, answer requests."""
        self.create_subscription(SceneTruthMsg, "sim/truth", self._on_scene, STATES)
        self.serve_waiting(GradeOutcome, "success/grade", self._on_grade)

    def _on_scene(self, message: SceneTruthMsg) -> None:
        scene = convert.scene(message)
        self._scenes.put(scene.stamp_ns, scene)
        self.health.values["put_back"] = ", ".join(scene.put_back)

    async def _on_grade(
        self, request: GradeOutcome.Request, response: GradeOutcome.Response
    ) -> GradeOutcome.Response:
        not_before_ns = convert.stamp_ns(request.not_before)
        scene = await self._scenes.since(not_before_ns, self.settings.wait_s)
        if scene is None:
            wait_s = self.settings.wait_s
            response.reason = str(EndReason.GRADER_LOST)
            response.error = f"no truth on sim/truth newer than the episode within {wait_s:g} s"
            return response
        grade = truth_grade(self._tasks, scene, self._workspace)
        response.ok, response.grader = True, TRUTH
        response.stamp = convert.time_msg(scene.stamp_ns)
        response.outcomes = convert.grade_msgs(grade)
        done = (
            ", ".join(task for task, fulfilled in grade.success.items() if fulfilled) or "nothing"
        )
        self.get_logger().info(f"{request.episode_id} graded by simulation truth: {done}")
        return response
