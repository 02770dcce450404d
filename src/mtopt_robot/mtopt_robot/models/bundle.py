"""A model's folder `<store>/<name>/<version>/`: written by one function, checked by one."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_data.partfile import sync_folder

from . import sealing
from .card import model_card
from .errors import (
    BundleExists,
    BundleRefused,
    GoldenInvalid,
    GraphInvalid,
    ManifestInvalid,
    NotNumbers,
    Refusal,
    StoreNotWritable,
)
from .golden import Golden
from .manifest import KIND_Q, Manifest
from .q_function import InferenceConfig, QFunction
from .trial import try_extremes, try_golden

ENCODER, HEAD = "encoder.onnx", "head.onnx"
UNFINISHED = ".writing-"


@dataclass(frozen=True)
class Expected:
    """What this fleet asks of a model: its action bounds and its tasks in registry order."""

    bounds: ActionBounds
    tasks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A version that passed every check, with its networks loaded."""

    folder: Path
    manifest: Manifest
    q_function: QFunction


def write_bundle(
    store: Path, manifest: Manifest, encoder: bytes, head: bytes, golden: Golden
) -> Path:
    """Write and check a new version; its folder appears complete or not at all.

    `manifest.files` is filled in here. Raises BundleRefused for a model that would not serve,
    BundleExists for a version that is there, ManifestInvalid, StoreNotWritable.
    """
    final = store / manifest.name / manifest.version
    contents = _contents(
        manifest, {ENCODER: encoder, HEAD: head, manifest.golden: golden.to_bytes()}
    )
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=store) as parent:
            unfinished = Path(parent) / manifest.name / manifest.version
            _write_folder(unfinished, contents)
            check_bundle(unfinished, Expected(manifest.bounds, manifest.tasks))
            _give_name(unfinished, final)
    except BundleRefused as refused:
        raise BundleRefused(refused.law, final, refused.reason) from refused
    except OSError as error:
        raise StoreNotWritable(f"{final}: cannot be written ({error.strerror})") from error
    return final


def check_bundle(
    folder: Path, expected: Expected, config: InferenceConfig = InferenceConfig()
) -> Bundle:
    """Load a version and put it through every check; raises BundleRefused with the law broken.

    What is checked is what serves: each file is read once, and the networks are made of the
    bytes that were hashed.
    """
    try:
        manifest = Manifest.from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST)
        _check_identity(folder, manifest)
        _check_expected(folder, manifest, expected)
        encoder, head, golden = (
            _file(folder, manifest, name) for name in (ENCODER, HEAD, manifest.golden)
        )
        q_function = QFunction(encoder, head, manifest.image.size_px, len(manifest.tasks), config)
        try_golden(q_function, manifest, Golden.from_bytes(golden))
        try_extremes(q_function, manifest)
    except (ManifestInvalid, GraphInvalid, GoldenInvalid) as error:
        raise BundleRefused(_LAWS[type(error)], folder, str(error)) from error
    return Bundle(folder, manifest, q_function)


_LAWS: dict[type[Exception], Refusal] = {
    ManifestInvalid: Refusal.MANIFEST,
    GraphInvalid: Refusal.GRAPH,
    NotNumbers: Refusal.NUMBERS,
    GoldenInvalid: Refusal.GOLDEN,
}


def _check_identity(folder: Path, manifest: Manifest) -> None:
    if manifest.kind != KIND_Q:
        reason = f"is of kind {manifest.kind}; a cell acts by kind {KIND_Q}"
        raise BundleRefused(Refusal.MANIFEST, folder, reason)
    place = folder.absolute()
    if manifest.id != f"{place.parent.name}/{place.name}":
        reason = f"says it is {manifest.id}; a folder holds the version it is named after"
        raise BundleRefused(Refusal.MANIFEST, folder, reason)


def _check_expected(folder: Path, manifest: Manifest, expected: Expected) -> None:
    wanted = layout_hash(expected.bounds)
    for label, found in (
        ("action layout", manifest.action_layout),
        ("layout of its bounds", layout_hash(manifest.bounds)),
    ):
        if found != wanted:
            reason = f"{label} is {found}, this fleet's is {wanted}: other bounds or encoding"
            raise BundleRefused(Refusal.LAYOUT, folder, reason)
    unknown = [task for task in manifest.tasks if task not in expected.tasks]
    if unknown:
        known = ", ".join(expected.tasks)
        reason = f"has unknown tasks {', '.join(unknown)}; known tasks: {known}"
        raise BundleRefused(Refusal.TASKS, folder, reason)
    ordered = tuple(task for task in expected.tasks if task in manifest.tasks)
    if manifest.tasks != ordered:
        reason = f"tasks are in the order {', '.join(manifest.tasks)}, not {', '.join(ordered)}"
        raise BundleRefused(Refusal.TASKS, folder, reason)


def _file(folder: Path, manifest: Manifest, name: str) -> bytes:
    if name not in manifest.files:
        reason = f"the manifest's files lack {name}: {', '.join(manifest.files) or 'none'}"
        raise BundleRefused(Refusal.MISSING, folder, reason)
    return sealing.read_sealed(folder, name, manifest.files[name])


def _contents(manifest: Manifest, files: dict[str, bytes]) -> dict[str, bytes]:
    """Every file of the folder by name."""
    hashes = {name: sealing.digest(data) for name, data in files.items()}
    sealed = dataclasses.replace(manifest, files=hashes)
    text = sealed.to_text().encode()
    return {
        **files,
        sealing.MANIFEST: text,
        sealing.SEAL: sealing.seal_of(text).encode(),
        sealing.CARD: model_card(sealed).encode(),
    }


def _write_folder(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in contents.items():
        with (folder / name).open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(folder)


def _give_name(unfinished: Path, final: Path) -> None:
    final.parent.mkdir(exist_ok=True)
    try:
        os.rename(unfinished, final)
    except OSError as error:
        if final.exists():
            raise BundleExists(f"{final}: is already there; nothing is overwritten") from error
        raise
    sync_folder(final.parent)
    sync_folder(final.parent.parent)
