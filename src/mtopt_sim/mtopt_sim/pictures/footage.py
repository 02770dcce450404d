"""A short animation: a blind pick and a place that both succeed, then the reset of the bins.

The loop, the scripts and the grades are those of collecting. Scenes are tried one after the other
without a camera until one works out; the same scene and seeds then give the same episode on film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from mtopt_core.config import from_mapping
from mtopt_core.episode import run_episode
from mtopt_core.observation import Image
from mtopt_core.policy import Policy
from mtopt_core.scripted import ScriptedPick, ScriptedPlace
from mtopt_core.success import grade_truth
from mtopt_core.tasks import Task
from mtopt_data import config_files
from mtopt_data.yamlfile import read_yaml

from ..cell import CellConfig, SimCell
from ..config import SimConfig
from ..errors import SimError
from .outside import Outside, Standpoint

SEED = 61
SIZE_PX = (450, 720)
NAME = "episode.webp"
FPS = 12
_ACTS = ("lift-any", "place-any")
_TRIES = 500
_MOST_STEPS = 9  # of an act: a short film
_PACE, _RESET_PACE = 1.6, 2.0  # simulated seconds a second
_PAUSE_S = 0.7
_INSET_PX, _EDGE_PX = (144, 180), 3
_QUALITY = 88
_VIEW = Standpoint((0.50, 0.0, 0.30), 1.72, 116.0, -29.0)
_RESET_CAPTION = "reset: the left bin is emptied into the right one"
_INK, _PAPER = (40, 44, 52), (248, 249, 250)


class NothingWorkedOut(SimError):
    """No scene in which the pick and the place both succeeded."""


class Visitor(Protocol):
    """Who looks at the cell."""

    def image(self) -> Image:
        """What is seen now, (H, W, 3) RGB."""
        ...


@dataclass
class Film:
    """Frames of a cell at even intervals of its own time, taken between two physics steps."""

    cell: SimCell
    visitor: Visitor
    caption: str = ""
    pace: float = _PACE
    frames: list[Image] = field(default_factory=list)
    _steps: int = 0
    _next: int = 0

    def roll(self, step: Callable[[int], None]) -> Callable[[int], None]:
        """The same physics, with a camera beside it."""

        def filmed(count: int) -> None:
            while count > 0:
                run = min(count, max(self._next - self._steps, 1))
                step(run)
                self._steps += run
                count -= run
                if self._steps >= self._next:
                    self.shoot()

        return filmed

    def shoot(self) -> None:
        """Take a frame now; the next one is due a frame's time later."""
        self.frames.append(self._frame())
        timestep_s = self.cell.workcell.config.timestep_s
        self._next = self._steps + max(1, round(self.pace / FPS / timestep_s))

    def pause(self, duration_s: float = _PAUSE_S) -> None:
        """Hold the picture as it is."""
        self.shoot()
        self.frames += [self.frames[-1]] * round(duration_s * FPS)

    def _frame(self) -> Image:
        picture = self.visitor.image()
        _inlay(picture, self.cell.cameras.image("overhead", _INSET_PX))
        _write_on(picture, self.caption)
        return picture


def film(root: Path, seed: int = SEED) -> list[Image]:
    """The frames, (H, W, 3) RGB at FPS; `root` holds urdf/ and config/. Raises MtoptError."""
    stage = Stage(root)
    cell = stage.cell
    try:
        scene = stage.find(seed)
        with Outside(cell, _VIEW, SIZE_PX) as visitor:
            shown = Film(cell, visitor)
            cell.restart(scene)
            cell.workcell.step = shown.roll(cell.workcell.step)
            for name in _ACTS:
                task = stage.registry[name]
                shown.caption = f"{name}: {task.text}"
                stage.play(task, scene)
                shown.caption = f"{name}: success"
                shown.pause()
            shown.caption, shown.pace = _RESET_CAPTION, _RESET_PACE
            cell.reset(scene)
            shown.pause()
            return shown.frames
    finally:
        cell.close()


class Stage:
    """A cell with its two scripts."""

    def __init__(self, root: Path) -> None:
        config = root / "config"
        sim = from_mapping(SimConfig, read_yaml(config / "sim.yaml"), str(config / "sim.yaml"))
        sim = replace(sim, policy_height_px=32, policy_width_px=32)  # scripts do not look
        bounds = config_files.action_bounds(config / "actions.yaml")
        self.registry = config_files.tasks(config / "tasks.yaml")
        self.cell = SimCell.open(root, CellConfig(sim))
        workspace = self.cell.workcell.workspace
        scripts = (ScriptedPick(workspace, bounds), ScriptedPlace(workspace, bounds))
        self._scripts: dict[str, Policy] = dict(zip(_ACTS, scripts, strict=True))

    def find(self, seed: int) -> int:
        """The first scene from a seed on in which all acts succeed; raises NothingWorkedOut."""
        for scene in range(seed, seed + _TRIES):
            self.cell.restart(scene)
            if all(self.play(self.registry[name], scene) for name in _ACTS):
                return scene
        raise NothingWorkedOut(f"in none of the scenes {seed} to {seed + _TRIES - 1}")

    def play(self, task: Task, scene: int) -> bool:
        """Run an episode; whether it succeeded in few steps."""
        episode = run_episode(self.cell, self._scripts[task.name], task, seed=scene)
        grades = grade_truth(self.registry, self.cell.truth(), self.cell.workcell.workspace)
        short = len(episode.steps) <= _MOST_STEPS
        return episode.reason.ordinary and short and grades[task.name]


def save(frames: list[Image], path: Path) -> Path:
    """Write an animation, WebP or GIF by the name's end; its path. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    animation = cv2.Animation()
    animation.frames = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
    animation.durations = [round(1000 / FPS)] * len(frames)
    animation.loop_count = 0
    options = [cv2.IMWRITE_WEBP_QUALITY, _QUALITY] if path.suffix == ".webp" else []
    if not cv2.imwriteanimation(str(path), animation, options):
        raise OSError(f"{path}: the animation could not be encoded")
    return path


def _inlay(picture: Image, view: Image) -> None:
    """Put the policy's camera into the upper right corner."""
    height, width = view.shape[:2]
    edge, right = _EDGE_PX, picture.shape[1] - 2 * _EDGE_PX
    picture[edge : 3 * edge + height, right - width - edge : right + edge] = _PAPER
    picture[2 * edge : 2 * edge + height, right - width : right] = view


def _write_on(picture: Image, caption: str) -> None:
    """A line of text on a light band along the lower edge."""
    picture[-26:] = _PAPER
    place = (10, picture.shape[0] - 8)
    cv2.putText(picture, caption, place, cv2.FONT_HERSHEY_DUPLEX, 0.5, _INK, 1, cv2.LINE_AA)
