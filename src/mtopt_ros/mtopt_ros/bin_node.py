"""bin: tips, shakes and checks the motorized bins through their hinge controller."""

from __future__ import annotations

from typing import Any, ClassVar

from rclpy.action import ActionServer, GoalResponse
from rclpy.task import Future
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from mtopt_core.cell import EndReason
from mtopt_core.joints import JointState
from mtopt_msgs.action import ResetBins
from mtopt_robot.bin_reset import BinCommand, BinDone, BinJammed, BinResetSequence
from mtopt_robot.description import RobotDescription
from mtopt_robot.motion import MotionPlanner

from . import convert
from .lifecycle import CellNode
from .qos import DRIVER, IMAGES
from .settings import BinSettings


class BinNode(CellNode):
    """Runs one reset at a time, driven by the joint states that show the hinges."""

    settings_type: ClassVar[type] = BinSettings
    settings: BinSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("bin", **options)
        self._sequence: BinResetSequence | None = None
        self._verdict = Future()
        self._goal: Any = None

    def build(self) -> None:
        """Read the hinges' limits."""
        description = RobotDescription.expand(self.settings.description_file)
        self._motion = MotionPlanner(description.bin_limits, self.settings.motion)

    def wire(self) -> None:
        """Joint states in, hinge trajectories out, the reset as an action."""
        self._hinges = self.create_publisher(
            JointTrajectoryMsg, "bin_controller/joint_trajectory", DRIVER
        )
        self.create_subscription(JointStateMsg, "joint_states", self._on_joint_state, IMAGES)
        server = ActionServer(
            self, ResetBins, "bin/reset", self._on_reset, goal_callback=self._may_start
        )
        self.on_cleanup_call(server.destroy)

    def deactivate(self) -> None:
        """A reset under way is given up; the hinges finish the motion that they were sent."""
        self._sequence = None
        if not self._verdict.done():
            self._verdict.set_result(None)

    def _may_start(self, _: Any) -> GoalResponse:
        return GoalResponse.REJECT if self._sequence is not None else GoalResponse.ACCEPT

    async def _on_reset(self, handle: Any) -> ResetBins.Result:
        self._verdict, self._goal = Future(), handle
        self._sequence = BinResetSequence(self._motion, self.settings.sequence)
        verdict = await self._verdict
        self._sequence = None
        result = ResetBins.Result()
        if isinstance(verdict, BinDone):
            self.health.clear()
            result.ok, result.attempts = True, 1 + verdict.jams
            handle.succeed()
            return result
        jammed = isinstance(verdict, BinJammed)
        result.reason = str(EndReason.BIN_JAM if jammed else EndReason.STOPPED)
        result.message = str(verdict) if jammed else "the bin node was stopped"
        if isinstance(verdict, BinJammed):
            result.attempts = verdict.tries
            self.health.fault(result.reason, f"{verdict}; free the hinge, then resume")
            self.get_logger().error(result.message)
        handle.abort()
        return result

    def _on_joint_state(self, message: JointStateMsg) -> None:
        if self._sequence is None:
            return
        state: JointState = convert.joint_state(message)
        verdict = self._sequence.next(state.stamp_ns * 1e-9, state)
        if isinstance(verdict, BinCommand):
            self._hinges.publish(convert.trajectory_msg(verdict.trajectory))
            self._goal.publish_feedback(ResetBins.Feedback(stage=str(verdict.stage)))
        elif isinstance(verdict, BinDone | BinJammed) and not self._verdict.done():
            self._verdict.set_result(verdict)
