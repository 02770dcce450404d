"""Where a bundle does not know: measured on the images of training and on held-out decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mtopt_core.cem import CemConfig
from mtopt_core.observation import Image, Observation
from mtopt_core.uncertainty import (
    PERCENTILE,
    Limits,
    Novelty,
    calibrate,
    fit_novelty,
    pooled,
    q_spread,
)

from . import sealing
from .bundle import ENCODER, ENCODER_INT8, HEAD, HEAD_INT8, Bundle, write_bundle
from .decide import Asked, decide
from .engine import INT8
from .golden import Golden
from .image import prepare
from .q_function import QFunction


def familiar(bundle: Bundle, seen: Iterable[Observation]) -> Novelty:
    """What the observations of training look like to the bundle's encoder.

    Raises ImageMismatch, CameraUnknown, and CoreError for fewer than two.
    """
    wanted = bundle.manifest.image
    prepared = (prepare(o.image, wanted, o.T_base_tool, o.P_image_base) for o in seen)
    return fit_novelty(np.concatenate([_seen(bundle.q_function, image) for image in prepared]))


def limits(
    bundle: Bundle,
    novelty: Novelty,
    held_out: Iterable[Asked],
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


def renewed(bundle: Bundle, version: str, novelty: Novelty, found: Limits) -> Path:
    """The same networks as a new version beside the old one, with what it knows of itself.

    Raises as `write_bundle`.
    """
    known = bundle.manifest

    def read(name: str) -> bytes:
        return sealing.read_sealed(bundle.folder, name, known.files[name])

    store = bundle.folder.absolute().parent.parent
    manifest = replace(known, version=version, uncertainty=found)
    integers = (read(ENCODER_INT8), read(HEAD_INT8)) if INT8 in known.precisions else None
    golden = Golden.from_bytes(read(known.golden))
    return write_bundle(store, manifest, read(ENCODER), read(HEAD), golden, novelty, integers)


def _seen(q_function: QFunction, image: Image) -> np.ndarray:
    return pooled(q_function.features(image[np.newaxis]))
