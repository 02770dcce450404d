"""arm: the iiwa controller bridge, the only way to the arm and the gripper."""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.clock import Clock, ClockType
from rclpy.task import Future
from sensor_msgs.msg import JointState as JointStateMsg
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import EndReason
from mtopt_core.errors import InvalidAction, MtoptError
from mtopt_core.joints import JointTrajectory
from mtopt_data import config_files
from mtopt_msgs.action import ExecuteStep, MoveHome
from mtopt_msgs.srv import Rearm
from mtopt_robot.arm import Arm, MakeSearch
from mtopt_robot.convergence import Progress
from mtopt_robot.driver import ArmDriver, ArmStopped, reason_of
from mtopt_robot.search import OmplSearch

from . import convert, files
from .errors import LatchLost, NotReady
from .latch import Latch
from .lifecycle import CellNode
from .moveit_messages import moveit_types
from .moveit_search import PlanningService, moveit_first
from .qos import DRIVER, IMAGES
from .settings import ArmSettings

_CHECK_S = 0.05
_NEWS_S = 0.3  # for which a motion waits for a measurement


class _MotionFault(Exception):
    """A motion that ended otherwise than by arriving."""

    def __init__(self, reason: EndReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ArmNode(CellNode):
    """Turns guarded steps into trajectories and watches that the joints follow them."""

    settings_type: ClassVar[type] = ArmSettings
    settings: ArmSettings

    def __init__(self, **options: Any) -> None:
        super().__init__("arm", **options)
        self._driver: ArmDriver | None = None
        self._ended: Future | None = None
        self._busy = False
        self._news: Future | None = None
        self._news_until_s = 0.0

    def build(self) -> None:
        """Expand the description, put the planners together."""
        settings = self.settings
        description = files.description(settings.description_file, settings.joint_prefix)
        arm = Arm.of(
            description,
            config_files.workspace(settings.workspace_file),
            config_files.action_bounds(settings.actions_file),
            settings.planning,
            self._search(),
        )
        # An emergency stop outlives a reconfiguration and a crash: only Rearm clears it.
        latched = self._driver is not None and self._driver.stopped
        self._latch = Latch(Path(settings.latch) if settings.latch else None)
        simulated_s = self.cell_time.now_s if self.get_parameter("use_sim_time").value else None
        self._driver = ArmDriver(arm, description.arm_limits, settings.watch, simulated_s)
        self._driver.stopped = latched or self._latch.closed
        self._joints = {*description.arm_limits.names, *description.gripper_limits.names}

    def _search(self) -> MakeSearch:
        """What searches ways home; raises NotReady where only MoveIt may and there is none."""
        choice, deadline_s = self.settings.search, self.settings.search_deadline_s
        types = None if choice == "ompl" else moveit_types()
        if types is None and choice == "moveit":
            raise NotReady("search is moveit and moveit_msgs are not installed; take auto or ompl")
        if types is None:
            return OmplSearch
        service = PlanningService(types.service, self.get_namespace())
        self.on_cleanup_call(service.close)
        return moveit_first(
            service, types, deadline_s, self._tell_ompl if choice == "auto" else None
        )

    def _tell_ompl(self, why: str) -> None:
        self.get_logger().info(f"OMPL searches: {why}", throttle_duration_sec=60.0)

    def wire(self) -> None:
        """Joint states in, trajectories out, and the commands above the hardware line."""
        self._arm_topic = self.create_publisher(
            JointTrajectoryMsg, "arm_controller/joint_trajectory", DRIVER
        )
        self._gripper_topic = self.create_publisher(
            JointTrajectoryMsg, "gripper_controller/joint_trajectory", DRIVER
        )
        self.create_subscription(JointStateMsg, "joint_states", self._on_joint_state, IMAGES)
        self._serve(ExecuteStep, "arm/execute_step", self._on_step)
        self._serve(MoveHome, "arm/move_home", self._on_home)
        self.create_service(Trigger, "arm/hold", self._on_hold)
        self.create_service(Trigger, "arm/emergency_stop", self._on_emergency_stop)
        self.create_service(Rearm, "arm/rearm", self._on_rearm)
        self.create_timer(_CHECK_S, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def activate(self) -> None:
        """A stop that is latched is told again: it outlives what the node was before."""
        if self._driving.stopped:
            self._tell_stopped()

    def deactivate(self) -> None:
        """The arm comes to rest where it is."""
        self._hold(EndReason.STOPPED, "the arm node was stopped")

    # --- commands -------------------------------------------------------------------------

    async def _on_step(self, handle: Any) -> ExecuteStep.Result:
        result = ExecuteStep.Result(sent=convert.action_msg(Action()))
        result.started = convert.time_msg(self._now_ns())
        try:
            action = convert.action(handle.request.action)
            plan = self._driving.plan_step(action, self._now_ns())
            result.sent = convert.action_msg(plan.sent)
            for trajectory in (plan.arm, plan.gripper):
                await self._move(trajectory, yields=True)
        except (MtoptError, _MotionFault) as error:
            return self._refused(handle, result, error)
        except Exception as error:
            return self._broken(handle, result, error)
        return self._done(handle, result)

    async def _on_home(self, handle: Any) -> MoveHome.Result:
        result, goal = MoveHome.Result(), handle.request
        try:
            if goal.open_gripper:
                opening = self._driving.plan_gripper(Gripper.OPEN, self._now_ns())
                await self._move(opening.gripper)
            if goal.hover:
                above_m = np.array([goal.above.x, goal.above.y, goal.above.z])
                way = self._driving.plan_hover(above_m, goal.yaw, self._now_ns())
            else:
                way = self._driving.plan_home(self._now_ns())
            await self._move(way.arm)
        except (MtoptError, _MotionFault) as error:
            return self._refused(handle, result, error)
        except Exception as error:
            return self._broken(handle, result, error)
        return self._done(handle, result)

    def _done(self, handle: Any, result: Any) -> Any:
        self._busy = False
        result.ok = True
        self._fill(result)
        handle.succeed()
        return result

    def _refused(self, handle: Any, result: Any, error: MtoptError | _MotionFault) -> Any:
        self._busy = False
        reason = error.reason if isinstance(error, _MotionFault) else reason_of(error)
        result.ok, result.reason, result.message = False, str(reason), str(error)
        self.get_logger().error(f"{reason}: {error}")
        self._fill(result)
        handle.abort()
        return result

    def _broken(self, handle: Any, result: Any, error: Exception) -> Any:
        """A defect holds the arm and is told; without an answer nobody could ever move it again."""
        self.get_logger().error(traceback.format_exc())
        self._hold(EndReason.COMMAND_REFUSED, "a defect")
        defect = _MotionFault(EndReason.COMMAND_REFUSED, f"defect of the arm node: {error!r}")
        return self._refused(handle, result, defect)

    def _fill(self, result: Any) -> None:
        try:
            result.tool = convert.pose_msg(self._driving.T_base_tool)
        except ArmStopped as unknown:
            self.get_logger().warning(f"no tool pose in the answer: {unknown}")
        result.gripper_closed = self._driving.gripper_closed
        result.ended = convert.time_msg(self._now_ns())

    # --- motion ---------------------------------------------------------------------------

    async def _move(self, trajectory: JointTrajectory | None, *, yields: bool = False) -> None:
        """Send a trajectory and wait for its end; raises _MotionFault."""
        if trajectory is None:
            return
        if self._driving.needs_measurement(self._now_ns()):
            # Planning took longer than a measurement keeps: the arm's newest one is on its way.
            self._news_until_s = self.cell_time.now_s() + _NEWS_S
            self._news = Future()
            await self._news
        motion = self._driving.begin(trajectory, self._now_ns(), yields=yields)
        topic = self._gripper_topic if motion.gripper else self._arm_topic
        topic.publish(convert.trajectory_msg(trajectory))
        self._ended = Future()
        fault: tuple[EndReason, str] | None = await self._ended
        if fault is not None:
            raise _MotionFault(*fault)

    def _on_joint_state(self, message: JointStateMsg) -> None:
        if not self._joints.issubset(message.name):
            return  # other joints, of another driver: they say nothing about the arm
        self._driving.measured(convert.joint_state(message))
        self._tell_news()
        self._check()

    def _tell_news(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _tick(self) -> None:
        if self.cell_time.now_s() > self._news_until_s:  # nothing came: who waits is refused
            self._tell_news()
        self._check()

    def _check(self) -> None:
        verdict = self._driving.check(self._now_ns())
        if verdict is None or verdict.progress is Progress.IN_MOTION:
            return
        if verdict.fault is not None:
            self._hold(verdict.fault, verdict.message)
        elif verdict.progress is Progress.PRESSING:
            self._relent(verdict.message)
        else:
            self._end(None)

    def _relent(self, message: str) -> None:
        """A step leans on something hard: rest where the arm is, and end the step there."""
        self.get_logger().warning(f"the step ends short of its goal: {message}")
        stop = self._driving.relent(self._now_ns())
        if stop is None:
            self._end(None)
        else:
            self._arm_topic.publish(convert.trajectory_msg(stop.sent))

    def _hold(self, reason: EndReason, message: str) -> None:
        """Bring the arm to rest, whatever it was doing."""
        if self._driver is None:
            return
        self._stop(self._driver.hold(self._now_ns()), reason, message)

    def _stop(self, stop: JointTrajectory | None, reason: EndReason, message: str) -> None:
        if stop is not None:
            self._arm_topic.publish(convert.trajectory_msg(stop))
        self._end((reason, message))

    def _end(self, fault: tuple[EndReason, str] | None) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(fault)

    # --- people and the warden ------------------------------------------------------------

    def _on_hold(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._hold(EndReason.NODE_LOST, "told to hold")
        response.success = True
        return response

    def _on_emergency_stop(
        self, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        stop = self._driving.emergency_stop(self._now_ns())
        self._stop(stop, EndReason.EMERGENCY_STOP, "emergency stop")
        self._tell_stopped()
        self.get_logger().error("emergency stop: no motion until Rearm")
        response.success = True
        try:
            self._latch.close(f"emergency stop at {time.strftime('%Y-%m-%d %H:%M:%S')}")
        except LatchLost as error:  # stopped it is, but not over a crash
            response.message = f"stopped; would not outlive a crash of this node: {error}"
            self.get_logger().error(response.message)
        return response

    def _tell_stopped(self) -> None:
        self.health.fault(str(EndReason.EMERGENCY_STOP), "latched; Rearm clears it")

    def _on_rearm(self, request: Rearm.Request, response: Rearm.Response) -> Rearm.Response:
        try:
            self._latch.open()
        except LatchLost as error:
            response.error = f"LatchLost: {error}"
            return response
        self._driving.rearm()
        self.health.over(str(EndReason.EMERGENCY_STOP))
        self.get_logger().warning(f"rearmed by {request.who or 'nobody named'}")
        response.ok = True
        return response

    # --- wiring ---------------------------------------------------------------------------

    def _serve(self, kind: Any, name: str, execute: Any) -> None:
        server = ActionServer(
            self,
            kind,
            name,
            execute,
            goal_callback=self._may_start,
            cancel_callback=self._on_cancel,
        )
        self.on_cleanup_call(server.destroy)

    def _may_start(self, _: Any) -> GoalResponse:
        """One command at a time, and none unless active: others are refused, never queued."""
        if self._busy or self.state != "active":
            return GoalResponse.REJECT
        self._busy = True
        return GoalResponse.ACCEPT

    def _on_cancel(self, _: Any) -> CancelResponse:
        self._hold(EndReason.STOPPED, "the step was cancelled")
        return CancelResponse.ACCEPT

    @property
    def _driving(self) -> ArmDriver:
        if self._driver is None:
            raise InvalidAction("the arm node is not configured")
        return self._driver
