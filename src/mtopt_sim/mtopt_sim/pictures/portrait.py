"""Stills of the cell: from outside with an object in the gripper, and what its cameras see."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mtopt_core.action import Action, Gripper
from mtopt_core.geometry import Transform, wrap_angle, yaw_of
from mtopt_core.observation import Image
from mtopt_robot.clearance import BinClearance

from ..cell import CellConfig, SimCell
from ..config import SimConfig
from ..grasp import grasps
from .outside import BEHIND_THE_BINS, Outside

SEED = 21
_SCENE_PX = (800, 1200)


def take(root: Path, out: Path, seed: int = SEED) -> list[Path]:
    """Render cell.png and the three cameras' views into a folder; their paths.

    `root` holds urdf/ and config/. Raises MtoptError.
    """
    out.mkdir(parents=True, exist_ok=True)
    cell = SimCell.open(root, CellConfig(SimConfig(seed=seed)))
    try:
        cell.reset(seed)
        views = {name: cell.cameras.image(name) for name in ("overhead", "left", "right")}
        lift(cell, "carrot")
        with Outside(cell, BEHIND_THE_BINS, _SCENE_PX) as visitor:
            views["cell"] = visitor.image()
    finally:
        cell.close()
    return [write(out / f"{name}.png", image) for name, image in views.items()]


def lift(cell: SimCell, name: str) -> None:
    """Pick an object up with ordinary steps, knowing where it is."""
    grasp = grasps(cell.workcell, name, BinClearance(cell.workcell.workspace.bins))[0]
    hover = grasp.T_base_tool.copy()
    hover[2, 3] = cell.workcell.workspace.hover_z_m
    for goal in (hover, grasp.T_base_tool):
        go(cell, goal)
    cell.act(Action(gripper=Gripper.CLOSE))
    go(cell, hover)


def go(cell: SimCell, T_base_tool: Transform) -> None:
    """Bring the tool to a pose with ordinary steps."""
    for _ in range(8):
        here = cell.driver.T_base_tool
        away = T_base_tool[:3, 3] - here[:3, 3]
        x, y, z = (float(value) for value in away)
        turn = wrap_angle(yaw_of(T_base_tool) - yaw_of(here))
        if np.linalg.norm(away) < 0.003 and abs(turn) < 0.02:
            return
        cell.act(Action((x, y, z), turn))


def write(path: Path, image: Image) -> Path:
    """An image as a PNG file; raises OSError."""
    ok, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not ok:
        raise OSError(f"{path}: the picture could not be encoded")
    path.write_bytes(data.tobytes())
    return path
