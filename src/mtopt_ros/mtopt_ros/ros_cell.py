"""A workcell behind ROS: actions move it, compressed images show it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from rclpy.action import ActionClient
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage

from mtopt_core.action import Action
from mtopt_core.cell import ActionTaken, CellFault, EndReason
from mtopt_core.geometry import Transform
from mtopt_core.observation import Observation, OutcomeImages
from mtopt_core.schedule import LIFT
from mtopt_core.tasks import Task
from mtopt_core.workspace import Bin, Workspace
from mtopt_msgs.action import ExecuteStep, MoveHome, ResetBins
from mtopt_robot.errors import RobotError
from mtopt_robot.jpeg import image_of

from . import convert
from .calls import Aborted, perform
from .cell_time import WALL, CellTime
from .errors import CallFailed
from .frames import NewestFrames
from .settings import CAMERAS, RunnerSettings


@dataclass(frozen=True)
class CellClients:
    """The actions of a cell."""

    execute_step: ActionClient
    move_home: ActionClient
    reset_bins: ActionClient


class RosCell:
    """Implements mtopt_core.cell.Cell for a thread that may wait, beside a spinning node."""

    def __init__(
        self,
        clients: CellClients,
        frames: NewestFrames,
        workspace: Workspace,
        settings: RunnerSettings,
        abort: threading.Event,
        hold: Callable[[], None],
        cell_time: CellTime = WALL,
    ) -> None:
        self._clients, self._frames, self._workspace = clients, frames, workspace
        self._settings, self._abort, self._hold = settings, abort, hold
        self._time = cell_time
        self._T_base_tool: Transform = np.eye(4)
        self._gripper_closed = False
        self._still_since_ns = 0

    def reset(self, seed: int) -> None:
        """Open the gripper, home the arm, tip the left bin into the right one."""
        del seed  # a real scene falls as it falls
        self._home(MoveHome.Goal(hover=False, open_gripper=True))
        self._perform(self._clients.reset_bins, ResetBins.Goal(), self._settings.reset_deadline_s)

    def begin(self, task: Task, seed: int) -> None:
        """Pick tasks start at a random hover point over the right bin; place tasks here."""
        if task.skill != LIFT:
            return
        rng = np.random.default_rng((seed, task.index, 3))
        x, y, z = (float(v) for v in self._workspace.hover_point(Bin.RIGHT, rng))
        yaw = float(rng.uniform(-np.pi / 2, np.pi / 2))
        above = Point(x=x, y=y, z=z)
        self._home(MoveHome.Goal(hover=True, above=above, yaw=yaw, open_gripper=True))

    def observe(self) -> Observation:
        """The first overhead image after the last motion, with the tool as it left it."""
        (frame,) = self._wait_for(("overhead",))
        height_m = float(self._T_base_tool[2, 3]) - self._workspace.bins.floor_z_m
        return Observation(
            self._pixels(frame.payload),
            self._gripper_closed,
            height_m,
            frame.stamp_ns,
            self._T_base_tool,
        )

    def act(self, action: Action) -> ActionTaken:
        """Do one step through the arm node."""
        goal = ExecuteStep.Goal(action=convert.action_msg(action))
        result = self._perform(self._clients.execute_step, goal, self._settings.act_deadline_s)
        taken = convert.action_taken(result)
        self._settle(taken.T_base_tool, result.gripper_closed, taken.ended_ns)
        return taken

    def outcome_images(self) -> OutcomeImages:
        """The three views after the last motion."""
        frames = self._wait_for(CAMERAS)
        overhead, left, right = (self._pixels(frame.payload) for frame in frames)
        return OutcomeImages(overhead, left, right, min(frame.stamp_ns for frame in frames))

    def hold(self) -> None:
        """Ask the arm to stop where it is; never fails."""
        self._hold()

    @property
    def still_since_ns(self) -> int:
        """When the last motion ended, clock of the cell."""
        return self._still_since_ns

    def _home(self, goal: Any) -> None:
        result = self._perform(self._clients.move_home, goal, self._settings.reset_deadline_s)
        self._settle(
            convert.pose(result.tool), result.gripper_closed, convert.stamp_ns(result.ended)
        )

    def _settle(self, T_base_tool: Transform, gripper_closed: bool, ended_ns: int) -> None:
        self._T_base_tool, self._gripper_closed = T_base_tool, gripper_closed
        self._still_since_ns = ended_ns

    def _wait_for(self, cameras: tuple[str, ...]) -> list[Any]:
        return self._frames.wait(cameras, self._still_since_ns, self._settings.step_deadline_s)

    def _perform(self, client: ActionClient, goal: Any, deadline_s: float) -> Any:
        try:
            result = perform(client, goal, deadline_s, self._abort, self._time)
        except Aborted as stopped:
            raise CellFault(EndReason.STOPPED, str(stopped)) from stopped
        except CallFailed as failed:
            raise CellFault(EndReason.NODE_LOST, str(failed)) from failed
        if not result.ok:
            raise CellFault(convert.end_reason(result.reason), result.message)
        return result

    @staticmethod
    def _pixels(payload: bytes) -> Any:
        message = deserialize_message(payload, CompressedImage)
        try:
            return image_of(bytes(message.data))
        except RobotError as error:
            raise CellFault(EndReason.CAMERA_FAULT, str(error)) from error
