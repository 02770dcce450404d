"""mujoco: a simulated cell behind exactly the topics that a real cell has.

Physics and rendering run in one thread, paced by the wall clock times `speed`; when the
machine is too slow the simulation falls behind evenly instead of catching up in bursts.
"""

from __future__ import annotations

import queue
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMsg
from sensor_msgs.msg import JointState as JointStateMsg
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg

from mtopt_core.errors import ConfigError
from mtopt_core.purpose import Purpose
from mtopt_data import config_files
from mtopt_msgs.msg import SceneTruth
from mtopt_sim.broken import Broken
from mtopt_sim.cameras import Cameras
from mtopt_sim.config import SimConfig, read_sim
from mtopt_sim.errors import SimError
from mtopt_sim.follower import TrajectoryPoints
from mtopt_sim.lens import read_lenses
from mtopt_sim.variation.identity import NOTHING, Variation
from mtopt_sim.variation.scenes import stage
from mtopt_sim.workcell import CONTROLLERS, Workcell

from . import convert, files
from .logs import NodeLog
from .parameters import read_settings
from .qos import DRIVER, STATES
from .settings import CAMERAS, MujocoSettings

_BEHIND_S = 0.2  # wall time by which the simulation may lag before it gives up catching up


class MujocoNode(Node):
    """The hardware of a cell, simulated. Not managed: hardware is simply there."""

    def __init__(self, **options: Any) -> None:
        super().__init__("mujoco", **options)
        self.finished = Future()
        self.settings = read_settings(self, MujocoSettings)
        self._build()
        self._log = NodeLog(self.get_logger(), "mtopt_sim")
        self._wire()
        self._broken = Broken.of(self.settings.broken)
        self.add_on_set_parameters_callback(self._on_parameters)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._simulate, name="physics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the simulation."""
        self._stop.set()
        self._thread.join(timeout=3.0)
        self._log.close()

    def _build(self) -> None:
        settings = self.settings
        self._sim_config, variation = self._stage()
        self._lenses = read_lenses(Path(settings.lenses_file))
        description = files.description(settings.description_file, settings.joint_prefix)
        self._frames = {c: description.name(f"camera_{c}_optical_frame") for c in CAMERAS}
        workspace = config_files.workspace(settings.workspace_file)
        self._cell = Workcell(description, workspace, self._sim_config, self._lenses, variation)
        self._calibrations = {
            known.name: known
            for known in files.calibrations("", settings.lenses_file, description, CAMERAS)
        }
        seed = settings.seed or int(np.random.SeedSequence().generate_state(1)[0] >> 1)
        self._rng = np.random.default_rng(seed)
        self._cell.restart(seed)
        self.get_logger().info(f"simulated cell with seed {seed}")

    def _stage(self) -> tuple[SimConfig, Variation]:
        """The cell's settings and what is varied; its look follows from the cell's name."""
        settings = self.settings
        sim = read_sim(Path(settings.sim_file))
        if not settings.variation_file:
            return sim, NOTHING
        paths = (Path(settings.scenes_file), Path(settings.variation_file))
        shown = stage(*paths, settings.scene, settings.variation)
        name = shown.scene.name or "as described"
        self.get_logger().info(f"scene {name}, variation {shown.scene.level}")
        return shown.sim(sim), shown.variation(self.get_namespace().strip("/"))

    def _wire(self) -> None:
        self._commands: queue.SimpleQueue[tuple[str, JointTrajectoryMsg]] = queue.SimpleQueue()
        for controller in CONTROLLERS:
            topic = f"{controller}_controller/joint_trajectory"
            enqueue = partial(self._on_trajectory, controller)
            self.create_subscription(JointTrajectoryMsg, topic, enqueue, DRIVER)
        self._clock_topic = self.create_publisher(Clock, "/clock", DRIVER)
        self._joints = self.create_publisher(JointStateMsg, "joint_states", DRIVER)
        self._truth = self.create_publisher(SceneTruth, "sim/truth", STATES)
        self._images = {
            c: self.create_publisher(ImageMsg, f"camera/{c}/image_raw", DRIVER) for c in CAMERAS
        }
        self._infos = {
            c: self.create_publisher(CameraInfo, f"camera/{c}/camera_info", DRIVER) for c in CAMERAS
        }

    def _on_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        """Parts break and are mended while the cell runs; all else is as it was at the start."""
        for parameter in changed:
            if parameter.name != "broken":
                return SetParametersResult(successful=False, reason="is read at the start alone")
            try:
                self._broken = Broken.of(str(parameter.value))
            except ConfigError as error:
                return SetParametersResult(successful=False, reason=str(error))
            self.get_logger().warning(f"out of order: {parameter.value or 'nothing any more'}")
        return SetParametersResult(successful=True)

    def _on_trajectory(self, controller: str, message: JointTrajectoryMsg) -> None:
        self._commands.put((controller, message))

    # --- the simulation's own thread ------------------------------------------------------

    def _simulate(self) -> None:
        tick_s = 1.0 / self.settings.joint_rate_hz
        due = {self._see: _Every(1.0 / self.settings.camera_rate_hz)}
        due[self._tell_truth] = _Every(1.0 / self.settings.truth_rate_hz)
        with Cameras(self._cell, self._lenses, self._sim_config) as self._cameras:
            next_s, resets = time.monotonic(), self._cell.resets
            told_ns = self._cell.now_ns
            while not self._stop.is_set():
                self._obey()
                # A tick is seldom a whole number of steps: the next one makes up for the rest.
                told_ns += round(tick_s * 1e9)
                self._cell.advance((told_ns - self._cell.now_ns) * 1e-9)
                if self._cell.resets != resets:
                    resets = self._cell.resets
                    self._cell.vary(Purpose.TRAINING.seed(int(self._rng.integers(2**62))))
                self._tell_joints()
                for act, every in due.items():
                    if every.is_due(self._cell.now_ns):
                        act()
                next_s = self._pace(next_s + tick_s / self.settings.speed)

    def _pace(self, next_s: float) -> float:
        """Wait for the next tick; one that is long past is taken from now on."""
        now_s = time.monotonic()
        if now_s > next_s + _BEHIND_S:
            return now_s
        if next_s > now_s:
            time.sleep(next_s - now_s)
        return next_s

    def _obey(self) -> None:
        while not self._commands.empty():
            controller, message = self._commands.get()
            if controller == "bin" and self._broken.hinges:
                continue
            trajectory = convert.trajectory(message)
            stamp_ns = convert.stamp_ns(message.header.stamp)
            try:
                self._cell.follow(controller, TrajectoryPoints.of(trajectory, stamp_ns))
            except SimError as error:
                self.get_logger().error(f"{type(error).__name__}: {error}")

    def _tell_joints(self) -> None:
        state = self._cell.joint_state()
        self._clock_topic.publish(Clock(clock=convert.time_msg(state.stamp_ns)))
        told = self._broken.told(state)
        if told is not None:
            self._joints.publish(convert.joint_state_msg(told))

    def _see(self) -> None:
        now_ns = self._cell.now_ns
        for camera in filter(self._broken.shows, CAMERAS):
            frame = self._frames[camera]
            image = convert.image_msg(self._cameras.image(camera), now_ns, frame)
            self._images[camera].publish(image)
            info = convert.camera_info_msg(self._calibrations[camera], image.header.stamp, frame)
            self._infos[camera].publish(info)

    def _tell_truth(self) -> None:
        self._truth.publish(convert.scene_msg(self._cell.truth()))


class _Every:
    """Whether a period of simulated time has passed since the last time it had."""

    def __init__(self, period_s: float) -> None:
        self._period_ns = round(period_s * 1e9)
        self._next_ns = 0

    def is_due(self, now_ns: int) -> bool:
        if now_ns < self._next_ns:
            return False
        self._next_ns = now_ns - now_ns % self._period_ns + self._period_ns
        return True
