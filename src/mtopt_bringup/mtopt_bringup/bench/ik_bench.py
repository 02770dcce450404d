"""Bench `ik`: inverse kinematics over both bins, from random starts, beside plainer ways.

A pose counts as solved where the joints are within their limits, put the tool there, and
touch nothing: bins, table, or the arm itself. Each is timed a few times and the fastest
counts, since what other programs of the machine take is not the solver's.

`naive` is damped least squares from the same start, with neither posture nor restarts;
`peer` is the closed loop of Pinocchio's own example in Python, over every few poses.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pinocchio as pin

from mtopt_bringup.paths import Paths
from mtopt_core.geometry import Transform, pose_tool_down
from mtopt_core.joints import Vector
from mtopt_core.workspace import Bin, Workspace
from mtopt_data import config_files
from mtopt_robot.clearance import BinClearance
from mtopt_robot.collision import CollisionModel
from mtopt_robot.description import RobotDescription
from mtopt_robot.errors import NoSolution
from mtopt_robot.kinematics import ArmKinematics, arm_model

from .report import Goal, Report

GRID = (15, 12)  # along x and y of each bin, edge to edge
YAWS = 3  # drawn anew at each point
HEIGHTS = 6
REPEATS = 3
PEER_EVERY = 8
_TOLERANCE = 1e-3  # m and rad, of what counts as there: the peer's own is coarse
_GOALS = {"solved_share": Goal(at_least=0.999), "p99_ms": Goal(at_most=2.0)}

Solver = Callable[[Transform, Vector], Vector | None]


def measure() -> Report:
    """Shares of the grid, milliseconds a pose."""
    paths = Paths.installed()
    workspace_file = paths.node_files["workspace_file"]
    workspace = config_files.workspace(workspace_file)
    description = RobotDescription.expand(paths.node_files["description_file"])
    collision = CollisionModel(description)
    kinematics = ArmKinematics(description, workspace.home_q_rad, collision=collision)
    rng = np.random.default_rng(7)
    poses = list(grid(workspace, rng))
    limits = kinematics.limits
    starts = rng.uniform(limits.lower_rad, limits.upper_rad, size=(len(poses), 7))
    plain = Chain(description)
    ways: dict[str, tuple[Solver, int]] = {
        "": (_ours(kinematics), 1),
        "naive_": (plain.naive, 1),
        "peer_": (plain.closed_loop, PEER_EVERY),
    }
    figures: dict[str, float] = {"poses": float(len(poses))}
    for name, (solver, every) in ways.items():
        some = range(0, len(poses), every)
        solved, ms = [], []
        for index in some:
            q, fastest_s = _fastest(solver, poses[index], starts[index])
            solved.append(q is not None and _good(q, poses[index], kinematics, collision))
            ms.append(1e3 * fastest_s)
        figures[f"{name}solved_share"] = float(np.mean(solved))
        figures[f"{name}p50_ms"] = float(np.percentile(ms, 50))
        figures[f"{name}p99_ms"] = float(np.percentile(ms, 99))
    return Report("ik", {name: round(value, 4) for name, value in figures.items()}, _GOALS)


def grid(workspace: Workspace, rng: np.random.Generator) -> Iterator[Transform]:
    """Tool-down poses at which open fingers fit in a bin, from its floor to hover height."""
    clearance = BinClearance(workspace.bins)
    for which in Bin:
        for z in np.linspace(workspace.tool_box.min_m[2], workspace.hover_z_m, HEIGHTS):
            for share in itertools.product(*[np.linspace(0.0, 1.0, count) for count in GRID]):
                for yaw in rng.uniform(-math.pi / 2, math.pi / 2, size=YAWS):
                    low, high = clearance.room(which, yaw)
                    yield pose_tool_down(
                        np.array([*(low + (high - low) * np.array(share)), z]), float(yaw)
                    )


class Chain:
    """The plainer ways, each over the same seven joints."""

    def __init__(self, description: RobotDescription) -> None:
        self.limits = description.arm_limits
        self.model = arm_model(description, self.limits.names)
        self.data = self.model.createData()
        self.tool = self.model.getFrameId(description.name("tool"))

    def naive(self, T_base_tool: Transform, q_start: Vector) -> Vector | None:
        """Damped least squares with clipped joints."""
        target, q = pin.SE3(T_base_tool), q_start.copy()
        for _ in range(100):
            error, J = self._look(target, q)
            if float(np.linalg.norm(error)) < 1e-6:
                return q
            step = J.T @ np.linalg.solve(J @ J.T + 1e-4 * np.eye(6), error)
            q = np.clip(q + step, self.limits.lower_rad, self.limits.upper_rad)
        return None

    def closed_loop(self, T_base_tool: Transform, q_start: Vector) -> Vector | None:
        """Small steps against the error, as in Pinocchio's example: its gains and its patience."""
        target, q = pin.SE3(T_base_tool), q_start.copy()
        for _ in range(1000):
            error, J = self._look(target, q)
            if float(np.linalg.norm(error)) < 1e-4:
                return np.asarray((q + math.pi) % (2 * math.pi) - math.pi)
            J = pin.Jlog6(pin.SE3(self.data.oMf[self.tool].actInv(target)).inverse()) @ J
            step = J.T @ np.linalg.solve(J @ J.T + 1e-12 * np.eye(6), error)
            q = pin.integrate(self.model, q, 0.1 * step)
        return None

    def _look(self, target: pin.SE3, q: Vector) -> tuple[Vector, Vector]:
        """The error (6,) in the tool's frame, and the Jacobian (6, 7)."""
        pin.computeJointJacobians(self.model, self.data, q)
        here = pin.updateFramePlacement(self.model, self.data, self.tool)
        error = pin.log6(here.actInv(target)).vector
        return error, pin.getFrameJacobian(self.model, self.data, self.tool, pin.LOCAL)


def _ours(kinematics: ArmKinematics) -> Solver:
    def solve(T_base_tool: Transform, q_start: Vector) -> Vector | None:
        try:
            return kinematics.inverse(T_base_tool, q_start)
        except NoSolution:
            return None

    return solve


def _fastest(solver: Solver, T: Transform, start: Vector) -> tuple[Vector | None, float]:
    fastest_s, q = math.inf, None
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        q = solver(T, start)
        fastest_s = min(fastest_s, time.perf_counter() - began_s)
    return q, fastest_s


def _good(q: Vector, T: Transform, kinematics: ArmKinematics, collision: CollisionModel) -> bool:
    limits = kinematics.limits
    inside = bool(np.all((q >= limits.lower_rad) & (q <= limits.upper_rad)))
    error = pin.log6(pin.SE3(kinematics.forward(q)).actInv(pin.SE3(T))).vector
    return inside and float(np.linalg.norm(error)) < _TOLERANCE and collision.clear(q)
