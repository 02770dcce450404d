"""Where a bundle does not know: measured on the images of training and on held-out decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from mtopt_core.cem import CemConfig
from mtopt_core.observation import Image
from mtopt_core.uncertainty import (
    PERCENTILE,
    Limits,
    Novelty,
    calibrate,
    fit_novelty,
    pooled,
    q_spread,
)

from .bundle import Bundle
from .decide import Asked, decide
from .image import prepare
from .q_function import QFunction


def familiar(bundle: Bundle, images: Iterable[Image]) -> Novelty:
    """What the camera images of training, (H, W, 3) each, look like to the bundle's encoder.

    Raises ImageMismatch, and CoreError for fewer than two.
    """
    wanted = bundle.manifest.image
    return fit_novelty(
        np.concatenate([_seen(bundle.q_function, prepare(image, wanted)) for image in images])
    )


def limits(
    bundle: Bundle,
    novelty: Novelty,
    held_out: Sequence[Asked],
    cem: CemConfig,
    percentile: float = PERCENTILE,
) -> Limits:
    """The limits that keep a share of held-out decisions, taken as they are on a robot.

    `held_out` are steps of episodes that neither the network nor `novelty` has seen. Raises
    as `decide`, and CoreError for fewer than 20.
    """
    knowing = replace(bundle, novelty=novelty)
    choices = [decide(knowing, [asked], cem)[0] for asked in held_out]
    return calibrate(
        np.array([choice.novelty for choice in choices], dtype=np.float32),
        np.array([q_spread(choice.rounds) for choice in choices], dtype=np.float32),
        percentile,
    )


def _seen(q_function: QFunction, image: Image) -> np.ndarray:
    return pooled(q_function.features(image[np.newaxis]))
