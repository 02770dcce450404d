"""The success detector: three views graded for every task by a network that was checked."""

from __future__ import annotations

import numpy as np

from mtopt_core.cell import CellFault, EndReason
from mtopt_core.feasibility import Feasibility
from mtopt_core.observation import Image, OutcomeImages
from mtopt_core.platt import probabilities
from mtopt_core.success import Grade
from mtopt_core.tasks import TaskRegistry

from .bundle import SuccessBundle
from .errors import GraphInvalid, ImageMismatch
from .image import ImageFormat, prepare


class ModelDetector:
    """A SuccessDetector whose model may be swapped between two grades.

    It grades the tasks that its model knows, in registry order; `unknown` names the others.
    """

    def __init__(self, bundle: SuccessBundle, tasks: TaskRegistry) -> None:
        self._tasks = tasks
        self.swap(bundle)

    @property
    def model(self) -> str:
        """`name/version` of the model that grades next."""
        return self._bundle.manifest.id

    @property
    def unknown(self) -> tuple[str, ...]:
        """The registry's tasks that the model does not grade."""
        known = self._bundle.manifest.tasks
        return tuple(name for name in self._tasks.names if name not in known)

    def swap(self, bundle: SuccessBundle) -> None:
        """Grade by another model from the next outcome on."""
        manifest = bundle.manifest
        self._feasibility = Feasibility.of([self._tasks[name] for name in manifest.tasks])
        self._thresholds = np.array(
            [grading.threshold for grading in manifest.gradings], dtype=np.float32
        )
        self._bundle = bundle

    def grade(self, images: OutcomeImages) -> Grade:
        """The grade of an outcome.

        Raises CellFault: camera_fault for views of another size than the model's, grader_lost
        where the network gives no numbers.
        """
        manifest = self._bundle.manifest
        views = [
            _view(name, getattr(images, name), getattr(manifest, name))
            for name in ("overhead", "left", "right")
        ]
        try:
            logits = self._bundle.function.logits(*views)[0]
        except GraphInvalid as error:
            raise CellFault(EndReason.GRADER_LOST, f"{manifest.id}: {error}") from error
        if not np.all(np.isfinite(logits)):
            raise CellFault(EndReason.GRADER_LOST, f"{manifest.id} gives logits not finite")
        chances = probabilities(logits, manifest.gradings)
        chances, verdicts = self._feasibility.settle(chances, self._thresholds)
        return Grade(
            dict(zip(manifest.tasks, chances.tolist(), strict=True)),
            dict(zip(manifest.tasks, verdicts.tolist(), strict=True)),
            manifest.id,
        )


def _view(name: str, image: Image, wanted: ImageFormat) -> Image:
    try:
        return prepare(image, wanted)[np.newaxis]
    except ImageMismatch as error:
        raise CellFault(EndReason.CAMERA_FAULT, f"{name}: {error}") from error
