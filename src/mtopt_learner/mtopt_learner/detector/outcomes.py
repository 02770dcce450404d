"""Outcomes as a detector is trained on them: three views, where they come from, what was said.

They come from the ends of recorded episodes, and from folders of images beside a file of labels:
`<folder>/<outcome>/{overhead,left,right}*.jpg`. A clip has several images of each view, which are
put together in order of their names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtopt_core.observation import Image
from mtopt_core.purpose import Purpose
from mtopt_data.errors import LabelsInvalid
from mtopt_data.labels import FILES, Label, read_labels
from mtopt_data.metadata import EpisodeMetadata
from mtopt_data.reader import EpisodeReader
from mtopt_robot.jpeg import image_of

from ..errors import EpisodeUnfit
from ..replay.cache import RecordCache
from .labels import LabelBook
from .views import VIEWS, ViewConfig

_LIKE = ".jpg"


@dataclass(frozen=True)
class Outcome:
    """An outcome in the cache: its `steps` frames begin at frame `first`.

    `success` is what came with it, by task, as `grader` said it; `task` is the one that was
    tried, empty where nobody knows.
    """

    episode_id: str
    cell: str
    task: str = ""
    purpose: str = Purpose.TRAINING.value
    grader: str = ""
    success: Mapping[str, bool] = field(default_factory=dict)
    first: int = 0
    steps: int = 1


class OutcomeCache(RecordCache[Outcome]):
    """Views of outcomes on disk, memory-mapped, each with room for random shifts."""

    def __init__(self, folder: Path, views: ViewConfig) -> None:
        record = np.dtype([(name, np.uint8, (*views.kept_px, 3)) for name in VIEWS])
        super().__init__(folder / f"outcomes-{views.key}", record, Outcome)
        self.views = views

    def add(self, outcome: Outcome, frames: Iterable[Mapping[str, Image]]) -> Outcome:
        """Keep an outcome whose frames are the camera's images by view.

        Raises ViewInvalid for images of another size; DiskFull, FolderNotWritable.
        """
        cut = [
            tuple(self.views.view(name).cut(frame[name], np.zeros(2)) for name in VIEWS)
            for frame in frames
        ]
        return self.keep(outcome, np.array(cut, dtype=self.record))


def episode_end(path: Path) -> tuple[Outcome, list[dict[str, Image]]]:
    """The end of a recorded episode: the last image of each camera.

    Raises DataError, ImageInvalid, and EpisodeUnfit for one that ended with a fault or lacks a
    view.
    """
    with EpisodeReader(path) as reader:
        known = reader.metadata
        if not known.ordinary:
            raise EpisodeUnfit(f"{path}: ended with {known.end_reason}")
        images = {name: image_of(_last(path, reader, known, name)) for name in VIEWS}
    outcome = Outcome(
        known.episode_id, known.cell, known.task, known.purpose, known.grader, dict(known.success)
    )
    return outcome, [images]


def _last(path: Path, reader: EpisodeReader, known: EpisodeMetadata, camera: str) -> bytes:
    topic = f"/{known.cell}/camera/{camera}/image_raw/compressed"
    if topic not in reader.channels:
        raise EpisodeUnfit(f"{path}: has no channel {topic}")
    last: Any = None
    for item in reader.decoded([topic]):
        last = item.message
    if last is None:
        raise EpisodeUnfit(f"{path}: has no image of camera {camera}")
    return bytes(last.data)


@dataclass(frozen=True)
class LabelledFolder:
    """A folder with files of labels and, for outcomes that are no recorded episodes, images."""

    root: Path

    def labels(self) -> list[Label]:
        """Everything said in its files; raises LabelsInvalid where there is none."""
        files = sorted(self.root.glob(FILES))
        if not files:
            raise LabelsInvalid(f"{self.root}: has no {FILES}")
        return [label for path in files for label in read_labels(path)]

    def outcomes(self) -> dict[str, str]:
        """The cells of its own outcomes, those with images, by outcome."""
        cells: dict[str, str] = {}
        for label in self.labels():
            if cells.setdefault(label.outcome, label.cell) != label.cell:
                where = f"{cells[label.outcome]} and {label.cell}"
                raise LabelsInvalid(f"{self.root}: outcome {label.outcome} is of cells {where}")
        here = {path.name for path in self.root.iterdir() if path.is_dir()}
        return {outcome: cell for outcome, cell in cells.items() if outcome in here}

    def frames(self, outcome: str) -> list[dict[str, Image]]:
        """An outcome's images; raises LabelsInvalid, ImageInvalid."""
        folder = self.root / outcome
        files = {name: sorted(folder.glob(f"{name}*{_LIKE}")) for name in VIEWS}
        counts = {name: len(found) for name, found in files.items()}
        if not counts[VIEWS[0]] or len(set(counts.values())) != 1:
            said = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise LabelsInvalid(f"{folder}: needs as many images of each view, has {said}")
        rows = zip(*(files[name] for name in VIEWS), strict=True)
        return [
            {name: image_of(path.read_bytes()) for name, path in zip(VIEWS, row, strict=True)}
            for row in rows
        ]


def take_in(cache: OutcomeCache, folder: LabelledFolder) -> int:
    """Decode what a folder has and the cache has not; how many outcomes that were.

    Raises LabelsInvalid, ImageInvalid, ViewInvalid; DiskFull, FolderNotWritable.
    """
    fresh = [item for item in folder.outcomes().items() if item[0] not in cache]
    for outcome, cell in fresh:
        cache.add(Outcome(outcome, cell), folder.frames(outcome))
    return len(fresh)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Outcomes with their labels (N, T) of 1, 0 and -1, and whose words these are."""

    outcomes: tuple[Outcome, ...]
    labels: NDArray[np.int8]
    by: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def key(self) -> str:
        """A short name; equal keys mean the same outcomes with the same labels."""
        names = "\n".join(outcome.episode_id for outcome in self.outcomes)
        return hashlib.sha256(names.encode() + self.labels.tobytes()).hexdigest()[:16]

    def only(self, rows: NDArray[np.bool_]) -> Labelled:
        """Some of them, by a mask (N,)."""
        kept = np.flatnonzero(rows)
        outcomes = tuple(self.outcomes[row] for row in kept)
        return Labelled(outcomes, self.labels[kept], tuple(self.by[row] for row in kept))


def labelled(outcomes: Iterable[Outcome], book: LabelBook) -> Labelled:
    """Those of the outcomes that anything is known of; raises LabelsInvalid."""
    told = [(o, *book.labels(o.episode_id, o.success, o.grader)) for o in outcomes]
    kept = [each for each in told if (each[1] >= 0).any()]
    labels = np.array([each[1] for each in kept], dtype=np.int8).reshape(-1, len(book.tasks))
    return Labelled(tuple(e[0] for e in kept), labels, tuple(e[2] for e in kept))
