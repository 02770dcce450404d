"""What familiar images look like to an encoder, as a file of its bundle."""

from __future__ import annotations

import numpy as np

from mtopt_core.errors import CoreError
from mtopt_core.uncertainty import Novelty, pooled

from .arrays import UNREADABLE, packed, unpacked
from .errors import NoveltyInvalid
from .golden import Golden
from .q_function import QFunction

NOVELTY_FILE = "novelty.npz"
MAX_FEATURES = 4096
_ARRAYS = ("mean", "whitening")


def to_bytes(novelty: Novelty) -> bytes:
    """The file, the same bytes for the same arrays."""
    return packed({name: getattr(novelty, name) for name in _ARRAYS})


def from_bytes(data: bytes) -> Novelty:
    """What a file holds, never unpickled; raises NoveltyInvalid."""
    try:
        return Novelty(**unpacked(data, _ARRAYS))
    except (*UNREADABLE, CoreError) as error:
        raise NoveltyInvalid(f"{NOVELTY_FILE} cannot be used: {error}") from error


def try_novelty(novelty: Novelty, q_function: QFunction, golden: Golden) -> None:
    """Scores of the golden images; raises NoveltyInvalid where they are none."""
    if novelty.mean.size > MAX_FEATURES:
        size = novelty.mean.size
        raise NoveltyInvalid(f"{size} features are too slow to score, at most {MAX_FEATURES}")
    try:
        scores = novelty.score(pooled(q_function.features(golden.images[:1])))
    except CoreError as error:
        raise NoveltyInvalid(f"does not fit the encoder: {error}") from error
    if not np.all(np.isfinite(scores)):
        raise NoveltyInvalid(f"a golden image has novelty {scores.tolist()}")
