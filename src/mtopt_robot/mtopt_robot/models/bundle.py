"""A model's folder `<store>/<name>/<version>/`: written by one function, checked by one."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtopt_core.uncertainty import Novelty
from mtopt_data.partfile import sync_folder

from . import novelty_file, sealing
from .card import model_card
from .engine import CPU, INT8, InferenceConfig
from .errors import (
    BundleExists,
    BundleRefused,
    GoldenInvalid,
    GraphInvalid,
    ManifestInvalid,
    NotNumbers,
    NoveltyInvalid,
    PrecisionUnfit,
    ProviderUnfit,
    Refusal,
    StoreNotWritable,
)
from .expected import Expected, check_identity, check_layout, check_tasks
from .golden import Golden
from .manifest import (
    KIND_Q,
    KIND_SUCCESS,
    Manifest,
    ModelManifest,
    SuccessManifest,
    manifest_from_text,
)
from .q_function import QFunction
from .runtime import Graphs, Runtime, fastest
from .success_function import SuccessFunction
from .success_golden import SuccessGolden
from .success_trial import sizes_px, try_success_extremes, try_success_golden

ENCODER, HEAD, NETWORK = "encoder.onnx", "head.onnx", "success.onnx"
ENCODER_INT8, HEAD_INT8 = "encoder.int8.onnx", "head.int8.onnx"
UNFINISHED = ".writing-"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A Q-function that passed every check, with its networks loaded.

    `novelty` knows the images that it is at home with; None where it was not calibrated.
    `runtime` says what runs the networks, and why.
    """

    folder: Path
    manifest: Manifest
    q_function: QFunction
    novelty: Novelty | None = None
    runtime: Runtime = Runtime()


@dataclass(frozen=True, eq=False)
class SuccessBundle:
    """A success detector that passed every check, with its network loaded."""

    folder: Path
    manifest: SuccessManifest
    function: SuccessFunction


def write_bundle(
    store: Path,
    manifest: Manifest,
    encoder: bytes,
    head: bytes,
    golden: Golden,
    novelty: Novelty | None = None,
    integers: tuple[bytes, bytes] | None = None,
) -> Path:
    """Write and check a new Q-function; its folder appears complete or not at all.

    `manifest.files` is filled in here; `manifest.uncertainty` and `novelty` go together, and so
    do the precision int8 and `integers`, encoder and head in that format. Raises
    BundleRefused for a model that would not serve, BundleExists for a version that is there,
    ManifestInvalid, StoreNotWritable.
    """
    if (novelty is None) != (manifest.uncertainty is None):
        raise ManifestInvalid("uncertainty: limits and the images they are of go together")
    if (integers is None) != (INT8 not in manifest.precisions):
        raise ManifestInvalid("precisions: int8 and networks in that format go together")
    files = {ENCODER: encoder, HEAD: head, manifest.golden: golden.to_bytes()}
    if integers is not None:
        files |= zip((ENCODER_INT8, HEAD_INT8), integers, strict=True)
    if novelty is not None:
        files[novelty_file.NOVELTY_FILE] = novelty_file.to_bytes(novelty)
    return _write(store, manifest, files)


def write_success_bundle(
    store: Path, manifest: SuccessManifest, network: bytes, golden: SuccessGolden
) -> Path:
    """Write and check a new success detector, as `write_bundle` does a Q-function."""
    return _write(store, manifest, {NETWORK: network, manifest.golden: golden.to_bytes()})


def rewrite_bundle(folder: Path, store: Path, **changes: Any) -> Path:
    """A bundle of any kind once more, its manifest's fields changed, its networks as they are.

    Raises as `write_bundle`, and BundleRefused for a source that is not as it was written.
    """
    manifest = manifest_from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST)
    files = {name: _file(folder, manifest, name) for name in manifest.files}
    return _write(store, dataclasses.replace(manifest, **changes), files)


def check_bundle(
    folder: Path, expected: Expected, config: InferenceConfig = InferenceConfig()
) -> Bundle:
    """A Q-function that passed every check of `check_any`; raises BundleRefused."""
    bundle = check_any(folder, expected, config)
    if not isinstance(bundle, Bundle):
        raise _wrong_kind(folder, KIND_SUCCESS, "a cell acts by", KIND_Q)
    return bundle


def check_success_bundle(
    folder: Path, expected: Expected, config: InferenceConfig = InferenceConfig()
) -> SuccessBundle:
    """A success detector that passed every check of `check_any`; raises BundleRefused."""
    bundle = check_any(folder, expected, config)
    if not isinstance(bundle, SuccessBundle):
        raise _wrong_kind(folder, KIND_Q, "outcomes are graded by", KIND_SUCCESS)
    return bundle


def check_any(
    folder: Path, expected: Expected, config: InferenceConfig = InferenceConfig()
) -> Bundle | SuccessBundle:
    """Load a version and put it through every check; raises BundleRefused with the law broken.

    What is checked is what serves: each file is read once, and the networks are made of the
    bytes that were hashed.
    """
    try:
        manifest = manifest_from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST)
        check_identity(folder, manifest)
        check_tasks(folder, manifest, expected)
        if isinstance(manifest, Manifest):
            return _checked_q(folder, manifest, expected, config)
        return _checked_success(folder, manifest, config)
    except tuple(_LAWS) as error:
        raise BundleRefused(_LAWS[type(error)], folder, str(error)) from error


def _checked_q(
    folder: Path, manifest: Manifest, expected: Expected, config: InferenceConfig
) -> Bundle:
    check_layout(folder, manifest, expected)
    encoder, head, packed = (
        _file(folder, manifest, name) for name in (ENCODER, HEAD, manifest.golden)
    )
    golden = Golden.from_bytes(packed)
    graphs = Graphs(encoder, head, _integers(folder, manifest))
    q_function, runtime = fastest(graphs, manifest, golden, config)
    if manifest.uncertainty is None:
        return Bundle(folder, manifest, q_function, None, runtime)
    novelty = novelty_file.from_bytes(_file(folder, manifest, novelty_file.NOVELTY_FILE))
    novelty_file.try_novelty(novelty, q_function, golden)
    return Bundle(folder, manifest, q_function, novelty, runtime)


def _integers(folder: Path, manifest: Manifest) -> tuple[bytes, bytes] | None:
    """Encoder and head in int8, where the model says it is good for that."""
    if INT8 not in manifest.precisions:
        return None
    return _file(folder, manifest, ENCODER_INT8), _file(folder, manifest, HEAD_INT8)


def _checked_success(
    folder: Path, manifest: SuccessManifest, config: InferenceConfig
) -> SuccessBundle:
    network, packed = (_file(folder, manifest, name) for name in (NETWORK, manifest.golden))
    function = SuccessFunction(network, sizes_px(manifest), len(manifest.tasks), config)
    try_success_golden(function, manifest, SuccessGolden.from_bytes(packed))
    try_success_extremes(function, manifest)
    return SuccessBundle(folder, manifest, function)


_LAWS: dict[type[Exception], Refusal] = {
    ManifestInvalid: Refusal.MANIFEST,
    GraphInvalid: Refusal.GRAPH,
    NotNumbers: Refusal.NUMBERS,
    GoldenInvalid: Refusal.GOLDEN,
    NoveltyInvalid: Refusal.NOVELTY,
    PrecisionUnfit: Refusal.PRECISION,
    ProviderUnfit: Refusal.PROVIDER,
}


def _wrong_kind(folder: Path, kind: str, use: str, wanted: str) -> BundleRefused:
    return BundleRefused(Refusal.MANIFEST, folder, f"is of kind {kind}; {use} kind {wanted}")


def _file(folder: Path, manifest: ModelManifest, name: str) -> bytes:
    if name not in manifest.files:
        reason = f"the manifest's files lack {name}: {', '.join(manifest.files) or 'none'}"
        raise BundleRefused(Refusal.MISSING, folder, reason)
    return sealing.read_sealed(folder, name, manifest.files[name])


def _write(store: Path, manifest: ModelManifest, files: dict[str, bytes]) -> Path:
    final = store / manifest.name / manifest.version
    contents = _contents(manifest, files)
    bounds = manifest.bounds if isinstance(manifest, Manifest) else None
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=store) as parent:
            unfinished = Path(parent) / manifest.name / manifest.version
            _write_folder(unfinished, contents)
            _check_written(unfinished, Expected(bounds, manifest.tasks))
            _give_name(unfinished, final)
    except BundleRefused as refused:
        raise BundleRefused(refused.law, final, refused.reason) from refused
    except OSError as error:
        raise StoreNotWritable(f"{final}: cannot be written ({error.strerror})") from error
    return final


def _check_written(folder: Path, expected: Expected) -> None:
    """Every check on the plain CPU, where a format that it can try must not fail."""
    bundle = check_any(folder, expected, InferenceConfig(provider=CPU))
    for verdict in bundle.runtime.verdicts if isinstance(bundle, Bundle) else ():
        if verdict.reason:
            raise BundleRefused(Refusal.PRECISION, folder, str(verdict))


def _contents(manifest: ModelManifest, files: dict[str, bytes]) -> dict[str, bytes]:
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
