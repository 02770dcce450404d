"""Outcomes of every kind, made on purpose: images with the truth, for training a detector.

An arm that knows the scene picks each object in turn, well or badly, lifts it to some height,
places it somewhere on the plate or beside it, and at many moments the three views are kept with
what is true of them. Carrots that are lifted come as often as bananas, and near misses as often
as policies make them only after days. The light is drawn anew for every outcome.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtopt_core.errors import MtoptError
from mtopt_core.geometry import Transform, pose_tool_down, yaw_of
from mtopt_core.scene import PlateTruth, Section
from mtopt_core.success import TRUTH, grade_truth
from mtopt_core.tasks import TaskRegistry
from mtopt_core.workspace import Bin
from mtopt_data.labels import Label, write_labels
from mtopt_data.partfile import make_folder
from mtopt_robot.clearance import BinClearance
from mtopt_robot.jpeg import jpeg

from .cell import SimCell
from .grasp import grasps
from .lens import CAMERAS
from .proof.hand import Hand, shifted

JPEG_QUALITY = 92
_DICE = 6  # tells these random numbers from those of policies
_WALL_M = 0.03  # kept from the walls
_TURN_RAD = 1.6  # either way from the yaw of home
_ON_PLATE = 0.8  # share of places above the plate
_SECTIONS = {  # x and y in the plate's frame, about the middle 90% of it
    Section.BOTTOM: ((-0.08, 0.08), (-0.085, -0.005)),
    Section.TOP_RIGHT: ((0.005, 0.08), (0.005, 0.08)),
    Section.TOP_LEFT: ((-0.08, -0.005), (0.005, 0.08)),
}


def labels_file(folder: Path, cell: str) -> Path:
    """Where the labels of a cell's outcomes go once all are there."""
    return folder / f"labels-{cell}.csv"


class StagedOutcomes:
    """Outcomes of one cell into `<folder>/<cell>-<number>/`, and their labels into a file there.

    The same cell, seed and count give the same outcomes.
    """

    def __init__(
        self, cell: SimCell, tasks: TaskRegistry, folder: Path, name: str, seed: int
    ) -> None:
        self._cell, self._tasks, self._folder, self._name = cell, tasks, folder, name
        self._hand = Hand(cell.workcell, cell.driver.arm)
        self._clearance = BinClearance(cell.workcell.workspace.bins)
        self._open_m = cell.driver.arm.steps.config.gripper_open_m
        self._rng = np.random.default_rng((seed, _DICE))
        self._next: list[str] = []
        self._labels: list[Label] = []
        self.count = 0

    def make(self, count: int) -> int:
        """At least so many outcomes; how many. Raises MtoptError where no file can be written."""
        while self.count < count:
            self._cell.workcell.restart(self._seed())
            for _ in range(int(self._rng.integers(2, 5))):
                try:
                    self._turn()
                except MtoptError as error:
                    if isinstance(error.__cause__, OSError):
                        raise
                    break  # out of reach, or in the way: another scene
        write_labels(labels_file(self._folder, self._name), self._labels)
        return self.count

    def _turn(self) -> None:
        """Something with empty fingers, a pick, maybe a place."""
        rng = self._rng
        if rng.random() < 0.25:
            self._hand.go(self._over(Bin.RIGHT if rng.random() < 0.7 else Bin.LEFT, (0.12, 0.36)))
            if rng.random() < 0.6:
                self._hand.squeeze(0.0)
            self._keep()
        if self._pick() and rng.random() < 0.85:
            self._place()

    def _pick(self) -> bool:
        """Whether anything is in the gripper at the end of it."""
        rng, hand = self._rng, self._hand
        self._retract()
        hand.squeeze(self._open_m)
        found = grasps(self._cell.workcell, self._object(), self._clearance)
        if not found:
            return False
        grasp, dice = found[0], rng.random()
        if dice < 0.08:
            along_m, across_m = rng.uniform(-0.05, 0.05, size=2)
            grasp = shifted(grasp, along_m=along_m, across_m=across_m)
        elif dice < 0.16:
            grasp = shifted(grasp, up_m=rng.uniform(0.01, 0.05))
        if not hand.reaches(grasp):
            return False
        T = grasp.T_base_tool
        above = self._raised(T, self._cell.workcell.workspace.hover_z_m)
        for pose in (above, T):
            hand.go(pose)
        hand.squeeze(0.0)
        if rng.random() < 0.12:
            self._keep()
        if rng.random() < 0.35:  # too low to count, or just not
            hand.go(self._raised(T, max(T[2, 3], rng.uniform(0.04, 0.18))))
            self._keep()
        hand.go(above)
        for _ in range(int(rng.integers(1, 4))):
            hand.go(self._over(Bin.RIGHT if rng.random() < 0.8 else Bin.LEFT, (0.15, 0.35)))
            self._keep()
        return bool(self._cell.truth().held)

    def _place(self) -> None:
        """Above the left bin, down, let go, up and away."""
        rng, hand = self._rng, self._hand
        place_m = self._target()
        over = pose_tool_down(place_m, self._yaw())
        low = self._raised(over, rng.uniform(0.07, 0.12))
        if not self._clearance.clear(low[:3, 3], yaw_of(low)):
            return
        hand.go(over)
        hand.go(low)
        if rng.random() < 0.15:
            self._keep()
        hand.squeeze(self._open_m)
        if rng.random() < 0.15:
            self._keep()
        hand.go(over)
        for _ in range(int(rng.integers(1, 3))):
            hand.go(self._over(Bin.LEFT if rng.random() < 0.8 else Bin.RIGHT, (0.17, 0.35)))
            self._keep()

    def _keep(self) -> None:
        """The views of the scene as it is, in new light, and what is true of it."""
        cell = self._cell
        cell.workcell.vary(self._seed())
        truth, seen = cell.truth(), cell.outcome_images()
        outcome = f"{self._name}-{self.count:05d}"
        folder = self._folder / outcome
        make_folder(folder)
        for name in CAMERAS:
            (folder / f"{name}.jpg").write_bytes(jpeg(getattr(seen, name), JPEG_QUALITY))
        grades = grade_truth(self._tasks, truth, cell.workcell.workspace)
        self._labels += [
            Label(outcome, self._name, TRUTH, task, done) for task, done in grades.items()
        ]
        self.count += 1

    def _object(self) -> str:
        """Each in turn, in an order that is drawn for every round."""
        if not self._next:
            self._next = [str(name) for name in self._rng.permutation(self._objects)]
        return self._next.pop()

    @property
    def _objects(self) -> tuple[str, ...]:
        return self._cell.workcell.object_names

    def _target(self) -> NDArray[np.float64]:
        """A point (3,) at hover height to let go below: mostly in a section of the plate."""
        rng, workspace = self._rng, self._cell.workcell.workspace
        plate: PlateTruth | None = self._cell.truth().plate
        if plate is None or rng.random() >= _ON_PLATE:
            return workspace.hover_point(Bin.LEFT, rng, _WALL_M)
        x, y = _SECTIONS[tuple(Section)[rng.integers(len(Section))]]
        place_m = (plate.T_base_plate @ np.array([rng.uniform(*x), rng.uniform(*y), 0.0, 1.0]))[:3]
        place_m[2] = workspace.hover_z_m
        return workspace.tool_box.clip(place_m)

    def _over(self, which: Bin, height_m: tuple[float, float]) -> Transform:
        """A random pose above a bin, at a base-frame height within limits."""
        place_m = self._cell.workcell.workspace.hover_point(which, self._rng, _WALL_M)
        place_m[2] = self._rng.uniform(*height_m)
        return pose_tool_down(place_m, self._yaw())

    def _yaw(self) -> float:
        home = self._hand.arm.kinematics.home_yaw_rad
        return home + float(self._rng.uniform(-_TURN_RAD, _TURN_RAD))

    def _retract(self) -> None:
        workcell = self._cell.workcell
        T = workcell.pose_of(workcell.description.name("tool"))
        if T[2, 3] < workcell.workspace.hover_z_m:
            self._hand.go(self._raised(T, workcell.workspace.hover_z_m))

    def _raised(self, T: Transform, height_m: float) -> Transform:
        """The tool-down pose of a place at another base-frame height."""
        return pose_tool_down(np.array([T[0, 3], T[1, 3], height_m]), yaw_of(T))

    def _seed(self) -> int:
        return int(self._rng.integers(1 << 40))
