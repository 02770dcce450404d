"""A contact sheet of looks: `./mtopt picture variation`.

Rows: cells as training sees them; resets of one of them; whole cells kept for evaluation; scenes
kept for evaluation, the second task set among them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mtopt_core.config import from_mapping
from mtopt_core.observation import Image
from mtopt_core.purpose import Purpose
from mtopt_data.yamlfile import read_yaml

from ..cell import CellConfig, SimCell
from ..config import SimConfig
from .config import VariationConfig
from .scenes import SceneRegistry, read_scenes, read_variation

NAME = "variation.png"
SEED = 5
_SIZE_PX = (150, 200)
_VIEW_PX = (320, 426)
_CAPTION_PX = 16
_LEVELS = 64  # colours that are kept: a smaller file


def sheet(root: Path, seed: int = SEED) -> Image:
    """The sheet as one image; `root` holds urdf/ and config/. Raises MtoptError."""
    files = root / "config"
    scenes, ranges = read_scenes(files / "scenes.yaml"), read_variation(files / "variation.yaml")
    looks = _Looks(root, scenes, ranges, seed)
    rows = [
        [
            looks.view("as described", "plain", "cell1"),
            *(looks.view(f"mild: cell{n}", "everyday", f"cell{n}") for n in (1, 2, 3)),
        ],
        [looks.view(f"mild: cell1, reset {n}", "everyday", "cell1", resets=n) for n in range(4)],
        [looks.view(f"strong: unseen cell{n}", "unseen-cell", f"cell{n}") for n in range(1, 5)],
        [
            looks.view("reserved objects", "unseen-objects", "cell1"),
            looks.view("unseen light", "unseen-light", "cell1"),
            looks.view("unseen cameras", "unseen-cameras", "cell1"),
            looks.view("cloth, clear bottle", "standard-extended", "cell1", camera="left"),
        ],
    ]
    picture: Image = np.vstack([np.hstack(row) for row in rows])
    return picture


class _Looks:
    """Opens a cell for each picture."""

    def __init__(
        self, root: Path, scenes: SceneRegistry, ranges: VariationConfig, seed: int
    ) -> None:
        self._root, self._scenes, self._ranges, self._seed = root, scenes, ranges, seed
        sim_file = root / "config" / "sim.yaml"
        self._sim = from_mapping(SimConfig, read_yaml(sim_file), str(sim_file))

    def view(
        self, caption: str, scene: str, identity: str, resets: int = 0, camera: str = "overhead"
    ) -> Image:
        """One picture with its caption: the same objects in the same places for one seed."""
        wanted = self._scenes.serve(scene, Purpose.EVALUATION)
        purpose = Purpose.EVALUATION if wanted.reserved else Purpose.TRAINING
        variation = wanted.variation(self._ranges, purpose, identity)
        sim = replace(wanted.sim(self._sim), seed=purpose.own(self._seed))
        cell = SimCell.open(self._root, CellConfig(sim), variation=variation)
        try:
            if resets:
                cell.workcell.vary(purpose.seed(self._seed, resets))
            return _captioned(cell.cameras.image(camera, _VIEW_PX), caption)
        finally:
            cell.close()


def _captioned(image: Image, caption: str) -> Image:
    height, width = _SIZE_PX
    small = cv2.resize(image, (width - 4, height - 4), interpolation=cv2.INTER_AREA)
    framed = np.full((height + _CAPTION_PX, width, 3), 255, np.uint8)
    framed[2 : height - 2, 2 : width - 2] = small
    place, ink = (4, height + _CAPTION_PX - 6), (40, 40, 40)
    cv2.putText(framed, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, ink, 1, cv2.LINE_AA)
    return framed


def save(picture: Image, folder: Path) -> Path:
    """Write the sheet as a PNG file; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    step = 256 // _LEVELS
    coarse = (picture // step * step).astype(np.uint8)
    ok, data = cv2.imencode(".png", coarse[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    path = folder / NAME
    if not ok:
        raise OSError(f"{path}: the picture could not be encoded")
    path.write_bytes(data.tobytes())
    return path
