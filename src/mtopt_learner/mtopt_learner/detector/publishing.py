"""From a trained detector to a version in the model store, and back to be judged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from mtopt_core.errors import ReservedForEvaluation
from mtopt_core.platt import TaskGrading
from mtopt_core.tasks import TaskRegistry
from mtopt_robot.models.bundle import SuccessBundle
from mtopt_robot.models.manifest import KIND_SUCCESS, SuccessManifest

from ..errors import SettingsInvalid
from ..networks.success_export import release_success
from .config import DetectorConfig
from .grading import verdicts
from .outcomes import Labelled
from .report import Errors, errors
from .trainer import DetectorTrainer, Frames, plain_views
from .views import VIEWS

EXAMPLES = 8
CELLS = "cells"
_AT_ONCE = 32


def publish_detector(
    store: Path,
    name: str,
    version: str,
    trainer: DetectorTrainer,
    gradings: dict[str, TaskGrading],
    fitted_on: Labelled,
    frames: Frames,
    held_out: Errors,
) -> Path:
    """Write the detector as a version; its folder.

    Its record names every cell that weights or thresholds came from. Raises what
    `release_success` does.
    """
    config = trainer.config
    overhead, left, right = (config.views.view(view).image_format() for view in VIEWS)
    manifest = SuccessManifest(
        kind=KIND_SUCCESS, name=name, version=version, tasks=trainer.tasks.names,
        overhead=overhead, left=left, right=right, grading=gradings,
        training=_record(trainer, fitted_on, held_out),
    )  # fmt: skip
    places = np.array([o.first for o in fitted_on.outcomes[:EXAMPLES]], dtype=np.int64)
    examples = plain_views(frames, places, config.views.size_px)
    return release_success(store, trainer.network.cpu().eval(), manifest, examples)


def judge(
    bundle: SuccessBundle,
    config: DetectorConfig,
    tasks: TaskRegistry,
    outcomes: Labelled,
    frames: Frames,
) -> Errors:
    """The errors of a bundle, as it serves, on the last frame of each outcome.

    Raises ReservedForEvaluation for outcomes of a cell that it knows from its training,
    SettingsInvalid where it sees something else than `config` cuts out.
    """
    manifest = bundle.manifest
    for name in VIEWS:
        wanted, cut = getattr(manifest, name), config.views.view(name).image_format()
        if wanted != cut:
            raise SettingsInvalid(f"views: {manifest.id} sees {name} as {wanted}, not {cut}")
    known = set(manifest.training.get(CELLS, ()))
    met = sorted({o.cell for o in outcomes.outcomes} & known)
    if met:
        raise ReservedForEvaluation(
            f"{manifest.id} was made with cells {', '.join(met)}: they cannot judge it"
        )
    places = np.array([o.first + o.steps - 1 for o in outcomes.outcomes], dtype=np.int64)
    found = [
        bundle.function.logits(*plain_views(frames, some, config.views.size_px))
        for some in np.array_split(places, range(_AT_ONCE, len(places), _AT_ONCE))
        if len(some)
    ]
    logits = np.concatenate(found) if found else np.zeros((0, len(tasks)), dtype=np.float32)
    return errors(verdicts(logits, manifest.grading, tasks), outcomes.labels, tasks)


def _record(trainer: DetectorTrainer, fitted_on: Labelled, held_out: Errors) -> dict[str, Any]:
    """What the bundle tells of its training."""
    labels = trainer.outcomes.labels
    cells = {o.cell for o in (*trainer.outcomes.outcomes, *fitted_on.outcomes)}
    return {
        "steps": trainer.steps,
        "seed": trainer.config.seed,
        "settings": trainer.settings_key,
        CELLS: sorted(cells),
        "outcomes": len(trainer.outcomes),
        "calibration_outcomes": len(fitted_on),
        "labelled_by": dict(Counter(trainer.outcomes.by)),
        "successes": {t.name: int((labels[:, t.index] == 1).sum()) for t in trainer.tasks},
        "held_out": {name: each.as_dict() for name, each in held_out.items()},
    }
