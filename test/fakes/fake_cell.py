"""A cell without physics: the tool goes where it is told, one object waits below it."""

from __future__ import annotations

import numpy as np

from mtopt_core.action import Action, ActionBounds, Gripper
from mtopt_core.cell import ActionTaken, CellFault
from mtopt_core.geometry import Transform, pose_tool_down, transform, yaw_of
from mtopt_core.observation import Observation, OutcomeImages
from mtopt_core.scene import ObjectTruth, PlateTruth, SceneTruth
from mtopt_core.schedule import LIFT
from mtopt_core.tasks import Task
from mtopt_core.workspace import Bin, Workspace

STEP_NS = 1_000_000_000
GRASP_REACH_M = 0.05
OBJECT_RADIUS_M = 0.02


class FakeCell:
    """Kinematics alone. `error_m` is how far the arm ends from where it was sent.

    `faults` maps a method's name to the fault that its next call raises; `calls` holds the
    names of all methods called, in order.
    """

    def __init__(self, workspace: Workspace, bounds: ActionBounds, error_m: float = 0.0) -> None:
        self.workspace, self.bounds, self.error_m = workspace, bounds, error_m
        self.faults: dict[str, CellFault] = {}
        self.calls: list[str] = []
        self.now_ns = STEP_NS
        self.closed = False
        self.held = False
        self._rng = np.random.default_rng(0)
        self.T_base_tool = pose_tool_down(np.array([0.58, 0.0, workspace.hover_z_m]), 0.0)
        self.object_m = workspace.bins.center_m(Bin.RIGHT)

    def reset(self, seed: int) -> None:
        """The object back into the right bin, the gripper open."""
        self._called("reset")
        self.closed = self.held = False
        spread_m = np.random.default_rng((seed, 0)).uniform(-0.08, 0.08, size=3)
        at_m = self.workspace.bins.center_m(Bin.RIGHT) + spread_m
        at_m[2] = self.workspace.bins.floor_z_m + OBJECT_RADIUS_M
        self.object_m = at_m

    def begin(self, task: Task, seed: int) -> None:
        """Above a random point of the right bin for a lift; a place begins where it is."""
        self._called("begin")
        self._rng = np.random.default_rng((seed, 1))
        if task.skill == LIFT:
            self.closed = self.held = False
            start_m = self.workspace.hover_point(Bin.RIGHT, self._rng)
            self.T_base_tool = pose_tool_down(start_m, 0.0)
            self.object_m[:2] = start_m[:2]

    def observe(self) -> Observation:
        """A black image and the true state."""
        self._called("observe")
        self.now_ns += STEP_NS // 10
        return Observation(
            image=np.zeros((8, 10, 3), dtype=np.uint8),
            gripper_closed=self.closed,
            gripper_height_m=float(self.T_base_tool[2, 3] - self.workspace.bins.floor_z_m),
            stamp_ns=self.now_ns,
            T_base_tool=self.T_base_tool.copy(),
        )

    def act(self, action: Action) -> ActionTaken:
        """The whole step at once, cut to the bounds and to the tool box."""
        self._called("act")
        start_m, started_ns = self.T_base_tool[:3, 3].copy(), self.now_ns
        wish = self.bounds.clamp(action)
        goal_m = self.workspace.tool_box.clip(start_m + wish.delta_m)
        x, y, z = (float(d) for d in goal_m - start_m)
        sent = Action((x, y, z), wish.yaw_rad, wish.gripper, wish.terminate)
        reached_m = goal_m + self._rng.normal(0.0, 1.0, size=3) * self.error_m
        turned = yaw_of(self.T_base_tool) + sent.yaw_rad
        self.T_base_tool = pose_tool_down(self.workspace.tool_box.clip(reached_m), turned)
        self._grip(sent.gripper)
        self.now_ns += STEP_NS
        return ActionTaken(sent, self.T_base_tool.copy(), started_ns, self.now_ns)

    def outcome_images(self) -> OutcomeImages:
        """Three black views."""
        self._called("outcome_images")
        black = np.zeros((8, 10, 3), dtype=np.uint8)
        return OutcomeImages(black, black, black, self.now_ns)

    def hold(self) -> None:
        """Nothing moves between the calls of this cell anyway."""
        self.calls.append("hold")

    def truth(self) -> SceneTruth:
        """The scene as it is."""
        thing = ObjectTruth("carrot_1", "carrot", self.object_m.copy(), self.held)
        return SceneTruth(self.now_ns, (thing,), self._plate(), self.T_base_tool, self.closed)

    def _plate(self) -> PlateTruth:
        T_base_plate: Transform = transform(np.eye(3), self.workspace.bins.center_m(Bin.LEFT))
        return PlateTruth(T_base_plate, radius_m=0.11)

    def _grip(self, wish: Gripper) -> None:
        tool_m = self.T_base_tool[:3, 3]
        if wish is Gripper.CLOSE and not self.closed:
            self.closed = True
            self.held = bool(np.linalg.norm(tool_m - self.object_m) < GRASP_REACH_M)
        elif wish is Gripper.OPEN:
            self.closed = self.held = False
            self.object_m[2] = self.workspace.bins.floor_z_m + OBJECT_RADIUS_M
        if self.held:
            self.object_m = tool_m.copy()

    def _called(self, name: str) -> None:
        self.calls.append(name)
        fault = self.faults.pop(name, None)
        if fault is not None:
            raise fault
