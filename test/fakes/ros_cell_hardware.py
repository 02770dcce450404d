"""The hardware topics of a cell without physics: trajectories come back as joint states.

Each controller is the simulator's own follower, so the joints go exactly where they were sent,
unless a test freezes them. Time is this node's: a tick of wall time is a longer one of the cell.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMsg
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMsg
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from fakes.ros_session import CELL, FILES
from mtopt_core.geometry import pose_tool_down
from mtopt_core.joints import JointState
from mtopt_core.scene import ObjectTruth, SceneTruth
from mtopt_core.workspace import Bin, Workspace
from mtopt_data import config_files
from mtopt_msgs.msg import SceneTruth as SceneTruthMsg
from mtopt_robot.description import ARM_JOINTS, BIN_JOINTS, GRIPPER_JOINTS
from mtopt_ros import convert, files
from mtopt_ros.qos import DRIVER, STATES
from mtopt_ros.settings import CAMERAS
from mtopt_sim.errors import TrajectoryRefused
from mtopt_sim.follower import TrajectoryFollower, TrajectoryPoints

TICK_NS = 25_000_000
WALL_S = 0.002
IMAGE_EVERY = 8  # ticks
OPEN_M = 0.035
_HELD_NS = 4_000_000_000
SHADES = {"overhead": 40, "left": 120, "right": 200}  # so that a view can be told from another

# Wide bounds for an arm whose cell runs many times faster than the wall clock. Ages of what was
# heard are by the wall's clock there, those of the hinges' guard by the cell's.
FAST_ARM = {
    "planning": {"guard": {"stale_after_s": 0.5}},
    "watch": {"stale_after_s": 0.5, "tracking_rad": 1.0, "lag_s": 1.0},
}
FAST_BIN = {
    "guard": {"stale_after_s": 2.0},
    "sequence": {"shakes": 1, "pause_s": 0.1, "patience_s": 0.5, "stale_after_s": 0.6},
}


class CellHardware(Node):
    """Joints that obey, cameras that show a shade of grey, a clock that runs fast.

    `wall_s` is how long a tick takes; `truth` has it say what a simulator would of the scene.

    `stuck` joints stay where they are, `pushing` ones push so many Nm while the arm moves, `lost`
    ones are not reported; `silent` topics (joint_states, overhead, ...) are not published; `sent`
    holds the trajectories that arrived, by controller.
    """

    def __init__(
        self,
        workspace: Workspace,
        cameras: bool = True,
        prefix: str = "",
        *,
        wall_s: float = WALL_S,
        truth: bool = False,
        **options: Any,
    ) -> None:
        options = options or {"namespace": f"/{CELL}", "use_global_arguments": False}
        super().__init__("hardware", **options)
        self._workspace, self._truth = workspace, truth
        description = files.description(FILES["description_file"], prefix)
        home = {
            "arm": (description.names(ARM_JOINTS), np.array(workspace.home_q_rad)),
            "gripper": (description.names(GRIPPER_JOINTS), np.array([OPEN_M])),
            "bin": (description.names(BIN_JOINTS), np.zeros(2)),
        }
        self.now_ns = 1_000_000_000
        self.stuck: dict[str, float] = {}
        self.pushing: dict[str, float] = {}
        self.silent: set[str] = set()
        self.lost: set[str] = set()
        self.sent: dict[str, list[JointTrajectoryMsg]] = {name: [] for name in home}
        self._followers = {name: TrajectoryFollower(*start) for name, start in home.items()}
        self._cameras = CAMERAS if cameras else ()
        self._ticks = 0
        self._wire(wall_s)

    def _wire(self, wall_s: float) -> None:
        for controller in self._followers:
            self.create_subscription(
                JointTrajectoryMsg,
                f"{controller}_controller/joint_trajectory",
                partial(self._on_trajectory, controller),
                DRIVER,
            )
        self._clock_topic = self.create_publisher(ClockMsg, "/clock", DRIVER)
        self._joints = self.create_publisher(JointStateMsg, "joint_states", DRIVER)
        self._images = {
            c: self.create_publisher(ImageMsg, f"camera/{c}/image_raw", DRIVER)
            for c in self._cameras
        }
        self._infos = {
            c: self.create_publisher(CameraInfo, f"camera/{c}/camera_info", DRIVER)
            for c in self._cameras
        }
        self._truths = self.create_publisher(SceneTruthMsg, "sim/truth", STATES)
        self.create_timer(wall_s, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_trajectory(self, controller: str, message: JointTrajectoryMsg) -> None:
        self.sent[controller].append(message)
        points = TrajectoryPoints.of(convert.trajectory(message))
        try:
            self._followers[controller].follow(points, self.now_ns)
        except TrajectoryRefused as refused:
            self.get_logger().error(str(refused))

    def joint_state(self) -> JointState:
        """All joints now."""
        names: list[str] = []
        q_rad: list[float] = []
        qd_rad_s: list[float] = []
        for follower in self._followers.values():
            here = follower.sample(self.now_ns)
            names += follower.names
            q_rad += [
                self.stuck.get(name, float(q))
                for name, q in zip(follower.names, here.q_rad, strict=True)
            ]
            qd_rad_s += here.qd_rad_s.tolist()
        moving = max(map(abs, qd_rad_s)) > 0.05
        effort_nm = [self.pushing.get(name, 0.0) * moving for name in names]
        return JointState(
            tuple(names), np.array(q_rad), np.array(qd_rad_s), np.array(effort_nm), self.now_ns
        )

    def _tick(self) -> None:
        self.now_ns += TICK_NS
        self._ticks += 1
        self._clock_topic.publish(ClockMsg(clock=convert.time_msg(self.now_ns)))
        if "joint_states" not in self.silent:
            state = self.joint_state()
            kept = tuple(name for name in state.names if name not in self.lost)
            self._joints.publish(convert.joint_state_msg(state.select(kept)))
        if self._ticks % IMAGE_EVERY == 0:
            self._see()
            if self._truth:
                self._truths.publish(convert.scene_msg(self._scene()))

    def _scene(self) -> SceneTruth:
        """One carrot in the right bin that hangs in the gripper every other while."""
        at_m = self._workspace.bins.center_m(Bin.RIGHT)
        held = bool(self.now_ns // _HELD_NS % 2)
        carrot = ObjectTruth("carrot_1", "carrot", at_m + np.array([0.0, 0.0, 0.3 * held]), held)
        return SceneTruth(self.now_ns, (carrot,), None, pose_tool_down(at_m, 0.0), held)

    def _see(self) -> None:
        for camera in self._cameras:
            if camera in self.silent:
                continue
            pixels = np.full((48, 64, 3), SHADES[camera], dtype=np.uint8)
            message = convert.image_msg(pixels, self.now_ns, f"camera_{camera}_optical_frame")
            self._images[camera].publish(message)
            lens = [60.0, 0.0, 32.0, 0.0, 60.0, 24.0, 0.0, 0.0, 1.0]  # px, as k
            info = CameraInfo(header=message.header, height=48, width=64, k=lens)
            self._infos[camera].publish(info)


def workspace() -> Workspace:
    """The project's cell."""
    return config_files.workspace(FILES["workspace_file"])
