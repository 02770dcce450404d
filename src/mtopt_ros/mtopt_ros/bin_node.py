"""bin: tips, shakes and checks the motorized bins through their hinge controller."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.clock import Clock, ClockType
from rclpy.serialization import deserialize_message
from rclpy.task import Future
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from mtopt_core.action import ActionBounds
from mtopt_core.cell import EndReason
from mtopt_core.errors import GuardRefusal
from mtopt_core.guard import Guard
from mtopt_core.joints import JointState
from mtopt_core.workspace import ToolBox
from mtopt_msgs.action import ResetBins
from mtopt_robot.bin_reset import BinCommand, BinDone, BinJammed, BinResetSequence
from mtopt_robot.driver import reason_of
from mtopt_robot.errors import MotionInfeasible
from mtopt_robot.hinge_watch import HingeWatch
from mtopt_robot.motion import MotionPlanner

from . import convert, files
from .lifecycle import CellNode
from .qos import DRIVER, IMAGES
from .settings import BinSettings

_CHECK_S = 0.05
_STALE = str(EndReason.JOINT_STATES_STALE)


@dataclass(frozen=True)
class _GivenUp:
    """A reset that neither came to its end nor jammed."""

    reason: EndReason
    message: str

    def __str__(self) -> str:
        return self.message


class BinNode(CellNode):
    """Runs one reset at a time, driven by the joint states that show the hinges."""

    settings_type: ClassVar[type] = BinSettings
    settings: BinSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("bin", **options)
        self._sequence: BinResetSequence | None = None
        self._watch: HingeWatch | None = None
        self._ended = Future()
        self._goal: Any = None

    def build(self) -> None:
        """Read the hinges' limits."""
        settings = self.settings
        limits = files.description(settings.description_file, settings.joint_prefix).bin_limits
        self._motion = MotionPlanner(limits, settings.motion)
        self._guard = Guard(ActionBounds(), ToolBox(), limits, settings.guard)

    def wire(self) -> None:
        """Joint states in, hinge trajectories out, the reset as an action."""
        self._hinges = self.create_publisher(
            JointTrajectoryMsg, "bin_controller/joint_trajectory", DRIVER
        )
        heard = self._on_joint_states
        self.create_subscription(JointStateMsg, "joint_states", heard, IMAGES, raw=True)
        server = ActionServer(
            self,
            ResetBins,
            "bin/reset",
            self._on_reset,
            goal_callback=self._may_start,
            cancel_callback=self._on_cancel,
        )
        self.on_cleanup_call(server.destroy)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._checks = self.create_timer(_CHECK_S, self._check, clock=steady, autostart=False)

    def deactivate(self) -> None:
        """A reset under way is given up; the hinges finish the motion that they were sent."""
        self._end(_GivenUp(EndReason.STOPPED, "the bin node was stopped"))

    def _may_start(self, _: Any) -> GoalResponse:
        """One reset at a time, and none unless active."""
        free = self._sequence is None and self.state == "active"
        return GoalResponse.ACCEPT if free else GoalResponse.REJECT

    def _on_cancel(self, _: Any) -> CancelResponse:
        self._end(_GivenUp(EndReason.STOPPED, "the reset was cancelled"))
        return CancelResponse.ACCEPT

    async def _on_reset(self, handle: Any) -> ResetBins.Result:
        self._ended, self._goal = Future(), handle
        settings = self.settings.sequence
        self._sequence = BinResetSequence(self._motion, settings)
        began = self._now_ns(), self.cell_time.now_s()
        self._watch = HingeWatch(self._motion, settings.stale_after_s, *began)
        self._checks.reset()
        end: BinDone | BinJammed | _GivenUp = await self._ended
        self._sequence = self._watch = None
        if isinstance(end, BinDone):
            self.health.clear()
            handle.succeed()
            return ResetBins.Result(ok=True, attempts=1 + end.jams)
        handle.abort()
        self.get_logger().error(str(end))
        if isinstance(end, BinJammed):
            reason = str(EndReason.BIN_JAM)
            self.health.fault(reason, f"{end}; free the hinge, then reset again")
            return ResetBins.Result(reason=reason, message=str(end), attempts=end.tries)
        return ResetBins.Result(reason=str(end.reason), message=str(end))

    def _on_joint_states(self, payload: bytes) -> None:
        """A hundred times a second; read only while somebody wants to know."""
        if self._sequence is not None or _STALE in self.health.faults:
            self._on_joint_state(deserialize_message(payload, JointStateMsg))

    def _on_joint_state(self, message: JointStateMsg) -> None:
        if not set(self._motion.limits.names).issubset(message.name):
            return  # other joints, of another driver
        self.health.over(_STALE)
        state = convert.joint_state(message)
        if self._sequence is None or self._watch is None:
            return
        if not self._watch.heard(state, self.cell_time.now_s()):
            return  # overtaken by a newer one, or said again by a driver that hangs
        verdict = self._sequence.next(state.stamp_ns * 1e-9, state)
        if isinstance(verdict, BinCommand):
            self._send(verdict, state)
        elif isinstance(verdict, BinDone | BinJammed):
            self._end(verdict)

    def _send(self, command: BinCommand, state: JointState) -> None:
        try:
            admitted = self._guard.admit_trajectory(command.trajectory, state, self._now_ns())
        except GuardRefusal as refusal:
            self._end(_GivenUp(reason_of(refusal), str(refusal)))
            return
        if self._watch is not None:
            self._watch.sent(admitted, self._now_ns())
        self._hinges.publish(convert.trajectory_msg(admitted))
        self._goal.publish_feedback(ResetBins.Feedback(stage=str(command.stage)))

    def _check(self) -> None:
        """Hinges that cannot be seen are stopped, and the reset with them."""
        if self._watch is None or self._ended.done():
            return
        lost = self._watch.stale(self._now_ns(), self.cell_time.now_s())
        if lost:
            self._hold(self._watch)
            self.health.fault(_STALE, lost)
            self._end(_GivenUp(EndReason.JOINT_STATES_STALE, lost))

    def _hold(self, watch: HingeWatch) -> None:
        with suppress(GuardRefusal, MotionInfeasible):  # then they end what they were sent
            stop = watch.stop(self._now_ns())
            if stop is not None:
                admitted = self._guard.admit_trajectory(*stop, self._now_ns())
                self._hinges.publish(convert.trajectory_msg(admitted))

    def _end(self, how: BinDone | BinJammed | _GivenUp) -> None:
        if self._sequence is not None and not self._ended.done():
            self._checks.cancel()
            self._ended.set_result(how)
