"""From a trained version to one that is handed on: what it was measured to do, sealed into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import sealing
from .bundle import rewrite_bundle
from .errors import ManifestInvalid
from .manifest import manifest_from_text


def ship(
    folder: Path,
    store: Path,
    evaluation: Mapping[str, Any],
    name: str = "",
    version: str = "",
    notes: Mapping[str, str] | None = None,
) -> Path:
    """Copy a bundle to a store, its card telling the figures of an evaluation; the new folder.

    `evaluation` is what `mtopt eval --out` writes; `notes` join the record of the training. A new
    name or version may be given. Raises ManifestInvalid for figures of other networks, of a gate,
    or of an evaluation that was not finished; and as `rewrite_bundle`.
    """
    manifest = manifest_from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST)
    measured = str(evaluation.get("networks", ""))
    if measured != manifest.networks:
        raise ManifestInvalid(
            f"evaluation: is of networks {measured or 'that it does not name'}, "
            f"{manifest.id} has {manifest.networks}"
        )
    if evaluation.get("complete") is not True:
        raise ManifestInvalid("evaluation: was not finished; the same `mtopt eval` goes on")
    if evaluation.get("purpose") != "evaluation":
        raise ManifestInvalid(f"evaluation: purpose = {evaluation.get('purpose')!r}: no figures")
    name, version = name or manifest.name, version or manifest.version
    stated = {**evaluation, "model": f"{name}/{version}"}
    training = {**manifest.training, **(notes or {})}
    return rewrite_bundle(
        folder, store, name=name, version=version, evaluation=stated, training=training
    )
