"""The cell of the episode loop, simulated in this process as fast as the machine allows.

The arm is planned, guarded and watched by the very parts that the arm node uses; what a
real cell sends over the wire goes straight to the simulated controllers here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mtopt_core.action import Action, Gripper
from mtopt_core.cell import ActionTaken, CellFault, EndReason
from mtopt_core.errors import MtoptError
from mtopt_core.joints import JointTrajectory
from mtopt_core.observation import Observation, OutcomeImages
from mtopt_core.scene import SceneTruth
from mtopt_core.tasks import Task
from mtopt_core.workspace import Bin
from mtopt_data import config_files
from mtopt_robot.arm import Arm, ArmConfig
from mtopt_robot.bin_reset import (
    BinCommand,
    BinDone,
    BinJammed,
    BinResetConfig,
    BinResetSequence,
)
from mtopt_robot.calibration import CameraCalibration
from mtopt_robot.convergence import ConvergenceConfig, Progress
from mtopt_robot.description import RobotDescription
from mtopt_robot.driver import ArmDriver, Motion, reason_of
from mtopt_robot.motion import MotionConfig, MotionPlanner

from .cameras import Cameras
from .config import SimConfig, read_sim
from .follower import TrajectoryPoints
from .lens import read_lenses
from .variation.identity import NOTHING, Variation
from .workcell import Workcell

Plan = TypeVar("Plan")
LIFT = "lift"
_WATCH_S = 0.04  # between two looks at a motion
_BIN_LIMIT_S = 120.0  # simulated time after which a reset has failed


@dataclass(frozen=True)
class CellConfig:
    """The settings of everything in a simulated cell."""

    sim: SimConfig = SimConfig()
    arm: ArmConfig = ArmConfig()
    watch: ConvergenceConfig = ConvergenceConfig()
    bins: BinResetConfig = BinResetConfig()
    bin_motion: MotionConfig = MotionConfig()


class SimCell:
    """Implements mtopt_core.cell.Cell. Not for several threads at once; close it."""

    def __init__(
        self,
        workcell: Workcell,
        cameras: Cameras,
        driver: ArmDriver,
        config: CellConfig = CellConfig(),
    ) -> None:
        self.workcell, self.cameras, self.driver, self.config = workcell, cameras, driver, config
        self._bin_motion = MotionPlanner(workcell.description.bin_limits, config.bin_motion)
        self._fresh = True
        self._P_image_base = self._projection()
        driver.measured(workcell.joint_state())

    @classmethod
    def open(
        cls,
        root: Path,
        config: CellConfig | None = None,
        cell: str = "",
        variation: Variation = NOTHING,
    ) -> SimCell:
        """The cell that the files under a root (urdf/, config/) describe.

        Without a config, config/sim.yaml is read; without a variation, nothing is varied. Raises
        MtoptError.
        """
        files = root / "config"
        if config is None:
            config = CellConfig(read_sim(files / "sim.yaml"))
        workspace = config_files.workspace(files / "workspace.yaml")
        bounds = config_files.action_bounds(files / "actions.yaml")
        description = RobotDescription.expand(
            root / "urdf" / "mtopt_cell.urdf.xacro", {"cell": cell, "hardware": "mujoco"}
        )
        lenses = read_lenses(root / "urdf" / "cameras.yaml")
        workcell = Workcell(description, workspace, config.sim, lenses, variation)
        arm = Arm.of(description, workspace, bounds, config.arm)
        driver = ArmDriver(arm, description.arm_limits, config.watch)
        return cls(workcell, Cameras(workcell, lenses, config.sim), driver, config)

    # -- mtopt_core.cell.Cell -----------------------------------------------------------------

    def reset(self, seed: int) -> None:
        """The first time a new scene of that seed; then open, home, tip the left bin over.

        Each time with the light and all else that the seed draws.
        """
        if self._fresh:
            self.restart(seed)
            return
        self.workcell.vary(seed)
        self._grip(Gripper.OPEN)
        self._move(self._planned(self.driver.plan_home).arm)
        self._reset_bins()
        self.workcell.settle()
        self._measure()

    def begin(self, task: Task, seed: int) -> None:
        """Pick tasks start at a random hover point over the right bin; place tasks here."""
        if task.skill != LIFT:
            return
        rng = np.random.default_rng((seed, task.index, 3))
        above_m = self.workcell.workspace.hover_point(Bin.RIGHT, rng)
        yaw = float(rng.uniform(-np.pi / 2, np.pi / 2))
        self._grip(Gripper.OPEN)
        self._move(self._planned(lambda now_ns: self.driver.plan_hover(above_m, yaw, now_ns)).arm)

    def observe(self) -> Observation:
        """The overhead view as it is, at the policy's size."""
        sim = self.config.sim
        T_base_tool = self.driver.T_base_tool
        image = self.cameras.image("overhead", (sim.policy_height_px, sim.policy_width_px))
        height_m = float(T_base_tool[2, 3]) - self.workcell.workspace.bins.floor_z_m
        return Observation(
            image,
            self.driver.gripper_closed,
            height_m,
            self.workcell.now_ns,
            T_base_tool,
            self._P_image_base,
        )

    def act(self, action: Action) -> ActionTaken:
        """One step: guarded, planned, done to its end."""
        started_ns = self.workcell.now_ns
        plan = self._planned(lambda now_ns: self.driver.plan_step(action, now_ns))
        for trajectory in (plan.arm, plan.gripper):
            self._move(trajectory, yields=True)
        return ActionTaken(plan.sent, self.driver.T_base_tool, started_ns, self.workcell.now_ns)

    def outcome_images(self) -> OutcomeImages:
        """The three views of the scene as it is."""
        overhead, left, right = (self.cameras.image(name) for name in ("overhead", "left", "right"))
        return OutcomeImages(overhead, left, right, self.workcell.now_ns)

    def hold(self) -> None:
        """Stop where the arm is."""
        self._measure()
        stop = self.driver.hold(self.workcell.now_ns)
        if stop is not None:
            self.workcell.follow("arm", TrajectoryPoints.of(stop))
            self.workcell.finish()
        self._measure()

    # -- beyond the protocol ------------------------------------------------------------------

    def restart(self, seed: int) -> None:
        """A new scene from a seed, as if just built; the same seed gives the same bits."""
        self.workcell.restart(seed)
        self.driver = ArmDriver(self.driver.arm, self.driver.limits, self.config.watch)
        self._fresh = False
        self._measure()

    def renew(self) -> None:
        """Have the next reset make a new scene, as the first one does."""
        self._fresh = True

    def truth(self) -> SceneTruth:
        """The true scene."""
        return self.workcell.truth()

    def close(self) -> None:
        """Free the renderers."""
        self.cameras.close()

    # -- inside -------------------------------------------------------------------------------

    def _projection(self) -> NDArray[np.float64]:
        """Of the policy image, by the description: where a camera was bolted is known, how far
        it has been knocked since is not."""
        sim, lens = self.config.sim, self.cameras.lens("overhead")
        return CameraCalibration.of_description(
            self.workcell.description,
            "overhead",
            sim.policy_width_px,
            sim.policy_height_px,
            lens.fov_y_rad,
        ).P_image_base

    def _measure(self) -> None:
        self.driver.measured(self.workcell.joint_state())

    def _grip(self, wish: Gripper) -> None:
        self._move(self._planned(lambda now_ns: self.driver.plan_gripper(wish, now_ns)).gripper)

    def _planned(self, plan: Callable[[int], Plan]) -> Plan:
        """What the driver plans from the present measurement on; its refusals as CellFault."""
        self._measure()
        try:
            return plan(self.workcell.now_ns)
        except MtoptError as error:
            raise CellFault(reason_of(error), str(error)) from error

    def _move(self, trajectory: JointTrajectory | None, *, yields: bool = False) -> None:
        """Send a trajectory and let time pass until it has been followed; raises CellFault."""
        if trajectory is None:
            return
        self._send(self.driver.begin(trajectory, self.workcell.now_ns, yields=yields))
        while True:
            self.workcell.advance(_WATCH_S)
            self._measure()
            verdict = self.driver.check(self.workcell.now_ns)
            if verdict is None or verdict.progress is Progress.ARRIVED:
                return
            if verdict.progress is Progress.PRESSING:
                self._send(self.driver.relent(self.workcell.now_ns))
            if verdict.fault is not None:
                self.hold()
                raise CellFault(verdict.fault, verdict.message)

    def _send(self, motion: Motion | None) -> None:
        if motion is not None:
            controller = "gripper" if motion.gripper else "arm"
            self.workcell.follow(controller, TrajectoryPoints.of(motion.sent))

    def _reset_bins(self) -> None:
        sequence = BinResetSequence(self._bin_motion, self.config.bins)
        end_ns = self.workcell.now_ns + round(_BIN_LIMIT_S * 1e9)
        while self.workcell.now_ns < end_ns:
            state = self.workcell.joint_state()
            verdict = sequence.next(state.stamp_ns * 1e-9, state)
            if isinstance(verdict, BinDone):
                return
            if isinstance(verdict, BinJammed):
                raise CellFault(EndReason.BIN_JAM, str(verdict))
            if isinstance(verdict, BinCommand):
                self.workcell.follow("bin", TrajectoryPoints.of(verdict.trajectory))
            self.workcell.advance(_WATCH_S)
        raise CellFault(EndReason.BIN_JAM, f"the bins were not back after {_BIN_LIMIT_S:g} s")
