"""Pictures of the cell for people: `python -m mtopt_sim.portrait --out docs/images`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import mujoco
import numpy as np

from mtopt_core.action import Action, Gripper
from mtopt_core.errors import MtoptError
from mtopt_core.geometry import Transform, wrap_angle, yaw_of
from mtopt_core.observation import Image
from mtopt_robot.clearance import BinClearance

from .cameras import Cameras
from .cell import CellConfig, SimCell
from .config import SimConfig
from .grasp import grasps

SEED = 21
_SHADOW_PX = 8192
_SCENE_PX = (800, 1200)
_SHARE_PX = 0.5  # drawn at twice the size, then halved: smooth edges without multisampling


def take(root: Path, out: Path, seed: int = SEED) -> list[Path]:
    """Render cell.png and the three cameras' views into a folder; their paths.

    `root` holds urdf/ and config/. Raises MtoptError.
    """
    out.mkdir(parents=True, exist_ok=True)
    cell = SimCell.open(root, CellConfig(SimConfig(seed=seed)))
    try:
        cell.reset(seed)
        views = {name: cell.cameras.image(name) for name in ("overhead", "left", "right")}
        _lift(cell, "carrot")
        views["cell"] = _beauty(cell)
    finally:
        cell.close()
    return [_write(out / f"{name}.png", image) for name, image in views.items()]


def _lift(cell: SimCell, name: str) -> None:
    """Pick an object up with ordinary steps, knowing where it is."""
    grasp = grasps(cell.workcell, name, BinClearance(cell.workcell.workspace.bins))[0]
    hover = grasp.T_base_tool.copy()
    hover[2, 3] = cell.workcell.workspace.hover_z_m
    for goal in (hover, grasp.T_base_tool):
        _go(cell, goal)
    cell.act(Action(gripper=Gripper.CLOSE))
    _go(cell, hover)


def _go(cell: SimCell, T_base_tool: Transform) -> None:
    for _ in range(8):
        here = cell.driver.T_base_tool
        away = T_base_tool[:3, 3] - here[:3, 3]
        x, y, z = (float(value) for value in away)
        turn = wrap_angle(yaw_of(T_base_tool) - yaw_of(here))
        if np.linalg.norm(away) < 0.003 and abs(turn) < 0.02:
            return
        cell.act(Action((x, y, z), turn))


def _beauty(cell: SimCell) -> Image:
    """The whole cell with shadows, from where a visitor would stand."""
    eye = mujoco.MjvCamera()
    eye.lookat = (0.44, -0.03, 0.26)
    eye.distance, eye.azimuth, eye.elevation = 1.85, 114.0, -33.0
    model = cell.workcell.model
    quality, model.vis.global_.fovy = model.vis.quality, 42.0
    quality.shadowsize, quality.numslices, quality.numstacks = _SHADOW_PX, 64, 32
    height, width = (int(p / _SHARE_PX) for p in _SCENE_PX)
    model.vis.global_.offheight, model.vis.global_.offwidth = height, width
    lit = replace(cell.config.sim, shadows=True)
    lenses = tuple(cell.cameras.lens(name) for name in ("overhead", "left", "right"))
    with Cameras(cell.workcell, lenses, lit) as cameras:
        large = cameras.view(eye, height, width)
    small: Image = cv2.resize(large, _SCENE_PX[::-1], interpolation=cv2.INTER_AREA)
    return small


def _write(path: Path, image: Image) -> Path:
    ok, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not ok:
        raise OSError(f"{path}: the picture could not be encoded")
    path.write_bytes(data.tobytes())
    return path


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="picture", description="Render pictures of the cell.")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of urdf/ and config/")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="where they go")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the scene")
    given = parser.parse_args(arguments)
    try:
        written = take(given.root, given.out, given.seed)
    except (MtoptError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.writelines(f"{path}\n" for path in written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
