"""One decision by CEM on what the policy camera sees: samples, elites and the answer, by round.

The value that is searched here is not a network's but a known one: how near the tip would come to
the object that it is told to reach. The search is the one that serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mtopt_core.action import ActionBounds
from mtopt_core.cem import CemConfig, Choice, Round, choose
from mtopt_core.encoding import Numbers
from mtopt_core.geometry import Point
from mtopt_core.observation import Image
from mtopt_data import config_files

from ..cell import CellConfig, SimCell
from ..config import SimConfig

NAME = "cem.png"
SEED = 27
SHARPER = 3  # the camera's own pixels are too few to draw on
PANEL_PX = 720
CEM = CemConfig()
_REACH_M = 0.08  # the distance at which the value has fallen to 0.6
_COMMAND_Q = 0.05
_WHITE, _INK = (255, 255, 255), (30, 30, 30)
_CHOSEN, _TOOL = (255, 60, 160), (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, eq=False)
class Nearness:
    """Q of encoded actions: 1 where the tip would be at the goal. Positions in the base frame."""

    tip_m: Point
    goal_m: Point
    bounds: ActionBounds

    def __call__(self, rows: Numbers) -> NDArray[np.float64]:
        """Rows (N, 8) to values (N,)."""
        off_m = self.reached(rows[:, :3] * np.asarray(self.bounds.delta_m)) - self.goal_m
        q = np.exp(-0.5 * (off_m**2).sum(axis=1) / _REACH_M**2)
        commands = rows[:, 5:].any(axis=1)
        return np.where(commands, _COMMAND_Q, q)

    def reached(self, motions_m: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where motions (N, 3) would take the tip, (N, 3)."""
        return np.asarray(self.tip_m + motions_m, dtype=np.float64)


def take(root: Path, out: Path, seed: int = SEED) -> list[Path]:
    """Write cem.png into a folder; its path. `root` holds urdf/ and config/. Raises MtoptError."""
    actions, tasks = root / "config" / "actions.yaml", root / "config" / "tasks.yaml"
    bounds = config_files.action_bounds(actions)
    task = config_files.tasks(tasks)["lift-any"]
    cell = SimCell.open(root, CellConfig(SimConfig(seed=seed)))
    try:
        cell.reset(seed)
        cell.begin(task, seed)
        image = drawn(cell, bounds, seed)
    finally:
        cell.close()
    out.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(out / NAME), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return [out / NAME]


def drawn(cell: SimCell, bounds: ActionBounds, seed: int) -> Image:
    """A panel for each round, side by side, (H, W, 3)."""
    tip_m = cell.observe().T_base_tool[:3, 3]
    score = Nearness(tip_m, _goal(cell, tip_m, bounds), bounds)
    choice = choose(score, bounds, CEM, np.random.default_rng(seed))
    panels = [_panel(cell, score, choice, index, turn) for index, turn in enumerate(choice.rounds)]
    return np.hstack(panels)


def _goal(cell: SimCell, tip_m: Point, bounds: ActionBounds) -> Point:
    """The middle of the object that is nearest to where the tip may go."""
    places = np.array([each.position_m for each in cell.truth().objects])
    off_m = np.linalg.norm((places - tip_m)[:, :2], axis=1)
    aside_m = 0.5 * float(np.linalg.norm(bounds.delta_m[:2]))
    goal: Point = places[int(np.abs(off_m - aside_m).argmin())]
    return goal


def _panel(cell: SimCell, score: Nearness, choice: Choice, index: int, turn: Round) -> Image:
    """One round's motions as dots where they end, on the overhead view around the tool."""
    view = _View.around(cell, score.tip_m)
    canvas = view.image.copy()
    motions = np.flatnonzero(turn.proposal.continuous)
    ends = view.pixels(score.reached(turn.proposal.motions[:, :3]))
    for sample in motions[np.argsort(turn.q[motions])]:
        elite = sample in turn.elites
        cv2.circle(
            canvas, ends[sample], 8 if elite else 6, _colour(turn.q[sample]), -1, cv2.LINE_AA
        )
        rim, width = (_WHITE, 3) if elite else (_INK, 1)
        cv2.circle(canvas, ends[sample], 9 if elite else 6, rim, width, cv2.LINE_AA)
    (tool,) = view.pixels(score.tip_m[np.newaxis])
    cv2.drawMarker(canvas, tool, _TOOL, cv2.MARKER_CROSS, 26, 3, cv2.LINE_AA)
    if index == len(choice.rounds) - 1:
        (end,) = view.pixels(score.reached(np.array([choice.action.delta_m])))
        cv2.arrowedLine(canvas, tool, end, _CHOSEN, 4, cv2.LINE_AA, tipLength=0.12)
    best = float(turn.q[motions].max())
    _write(canvas, f"round {index + 1}   best Q {best:.2f}", (16, 34))
    _scale(canvas)
    return canvas


@dataclass(frozen=True, eq=False)
class _View:
    """A square of the overhead image, enlarged, and where base-frame points are in it."""

    cell: SimCell
    image: Image
    corner_px: NDArray[np.float64]
    scale: float

    @classmethod
    def around(cls, cell: SimCell, middle_m: Point) -> _View:
        lens = cell.cameras.lens("overhead")
        size_px = (SHARPER * lens.height_px, SHARPER * lens.width_px)
        whole = cell.cameras.image("overhead", size_px)
        side = int(0.5 * size_px[0])
        middle = SHARPER * cell.cameras.pixel("overhead", middle_m)
        corner = np.clip((middle - side / 2).astype(int), 0, np.array(size_px[::-1]) - side)
        cut = whole[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
        image = cv2.resize(cut, (PANEL_PX, PANEL_PX), interpolation=cv2.INTER_AREA)
        return cls(cell, np.asarray(image, dtype=np.uint8), corner, PANEL_PX / side)

    def pixels(self, points_m: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Points (N, 3) as N places in the panel."""
        found = [SHARPER * self.cell.cameras.pixel("overhead", each) for each in points_m]
        placed = ((np.array(found) - self.corner_px) * self.scale).round().astype(int)
        return [(int(u), int(v)) for u, v in placed]


def _colour(q: float) -> tuple[int, int, int]:
    """From dark blue for 0 to yellow for 1."""
    level = np.array([[round(255 * float(np.clip(q, 0.0, 1.0)))]], dtype=np.uint8)
    blue, green, red = (int(each) for each in cv2.applyColorMap(level, cv2.COLORMAP_PLASMA)[0, 0])
    return red, green, blue


def _write(canvas: Image, text: str, at: tuple[int, int]) -> None:
    cv2.rectangle(canvas, (0, 0), (canvas.shape[1], at[1] + 14), _INK, -1)
    cv2.putText(canvas, text, at, _FONT, 0.8, _WHITE, 2, cv2.LINE_AA)


def _scale(canvas: Image) -> None:
    """What the colours mean, in the upper right corner."""
    right, length = canvas.shape[1] - 40, 160
    for step in range(length):
        column = right - length + step
        cv2.line(canvas, (column, 16), (column, 32), _colour(step / length), 1)
    for text, at in (("0", right - length - 22), ("1", right + 6)):
        cv2.putText(canvas, text, (at, 32), _FONT, 0.6, _WHITE, 1, cv2.LINE_AA)
