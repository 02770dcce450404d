"""The model store: a folder of models, each a folder of versions, one of them promoted.

`<store>/<name>/PROMOTED` is a text file with one version a line, the newest promotion last.
That last line is what cells serve; a rollback takes it away. Where nothing was ever promoted,
the newest version serves.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mtopt_data.partfile import sync_folder

from . import sealing
from .bundle import (
    UNFINISHED,
    Bundle,
    Expected,
    SuccessBundle,
    check_any,
    check_bundle,
    check_success_bundle,
)
from .engine import InferenceConfig
from .errors import BundleRefused, ManifestInvalid, ModelMissing, PromotionInvalid, StoreNotWritable
from .manifest import KIND_Q, KIND_SUCCESS, manifest_from_text, valid_name

PROMOTED = "PROMOTED"
HISTORY = 100


@dataclass(frozen=True)
class Pointer:
    """What a store wants served, and how its files lie on the disk: equal until either changes."""

    name: str
    version: str
    files: tuple[tuple[str, int, int, int], ...]  # name, inode, size, time of change


class ModelStore:
    """The models in a folder. Looks at the disk anew on every question."""

    def __init__(
        self, folder: Path, expected: Expected, config: InferenceConfig = InferenceConfig()
    ) -> None:
        self.folder = folder
        self._expected, self._config = expected, config

    def names(self) -> tuple[str, ...]:
        """The models that have a version, sorted. Raises ModelMissing without a store."""
        if not self.folder.is_dir():
            raise ModelMissing(f"{self.folder}: no such model store")
        return tuple(name for name in _folders(self.folder) if _folders(self.folder / name))

    def versions(self, name: str) -> tuple[str, ...]:
        """A model's versions, oldest first, numbers in them by value; raises ModelMissing."""
        names = self.names()
        if name not in names:
            raise ModelMissing(f"{self.folder}: no model {name!r}; {_known('models', names)}")
        return tuple(sorted(_folders(self.folder / name), key=_age))

    def newest(self, name: str) -> str:
        """The last of a model's versions; raises ModelMissing."""
        return self.versions(name)[-1]

    def promoted(self, name: str) -> str | None:
        """The version promoted last, None where there is none. Raises PromotionInvalid."""
        history = self._history(name)
        return history[-1] if history else None

    def serving(self, name: str) -> str:
        """The version that cells should serve: the promoted one, else the newest."""
        return self.promoted(name) or self.newest(name)

    def pointer(self, name: str = "", kind: str = KIND_Q) -> Pointer:
        """What should be served now, without loading it; an empty name is the kind's only model.

        Raises ModelMissing, PromotionInvalid.
        """
        name = name or self._only(kind)
        version = self.serving(name)
        return Pointer(name, version, _files(self._existing(name, version)))

    def kind(self, name: str, version: str = "") -> str:
        """Of what kind a version says it is, empty where its manifest cannot be read.

        An empty version stands for the one that should serve. Raises as `load`, but for what
        is wrong with the version itself.
        """
        folder = self._existing(name, version or self.serving(name))
        try:
            return manifest_from_text(sealing.read_sealed_manifest(folder), sealing.MANIFEST).kind
        except (BundleRefused, ManifestInvalid):
            return ""

    def holds(self, kind: str) -> bool:
        """Whether there is a model of a kind, or one that hides its kind, that should serve."""
        try:
            return bool(self._of(kind))
        except ModelMissing:
            return False

    def load(self, name: str = "", version: str = "") -> Bundle:
        """Load and check a version of a Q-function.

        An empty name stands for the store's only one, an empty version for the one that
        should serve. Raises ModelMissing, PromotionInvalid, BundleRefused.
        """
        return check_bundle(self.where(name, version, KIND_Q), self._expected, self._config)

    def load_success(self, name: str = "", version: str = "") -> SuccessBundle:
        """Load and check a version of a success detector; otherwise as `load`."""
        folder = self.where(name, version, KIND_SUCCESS)
        return check_success_bundle(folder, self._expected, self._config)

    def check(self, name: str, version: str) -> Bundle | SuccessBundle:
        """Put a version of any kind through every check; raises as `load`."""
        return check_any(self._existing(name, version), self._expected, self._config)

    def promote(self, name: str, version: str) -> None:
        """Make a version the one that serves, once it has passed every check.

        Raises ModelMissing, BundleRefused, PromotionInvalid, StoreNotWritable.
        """
        self.check(name, version)
        history = self._history(name)
        if history[-1:] != (version,):
            self._write_history(name, (*history, version)[-HISTORY:])

    def rollback(self, name: str) -> str:
        """Go back to the promotion before the last one, and say which version that is.

        Raises PromotionInvalid where there is none, and as `promote`.
        """
        self.versions(name)
        history = self._history(name)
        if len(history) < 2:
            told = ", ".join(history) or "never"
            raise PromotionInvalid(f"{name}: nothing to go back to; promoted: {told}")
        self.check(name, history[-2])
        self._write_history(name, history[:-1])
        return history[-2]

    def where(self, name: str = "", version: str = "", kind: str = KIND_Q) -> Path:
        """The folder of a version, with names as `load` takes them; nothing in it is looked at.

        Raises ModelMissing, PromotionInvalid.
        """
        name = name or self._only(kind)
        return self._existing(name, version or self.serving(name))

    def _only(self, kind: str) -> str:
        """The one model of a kind. One that hides its kind counts: it is then refused by name."""
        names = self._of(kind)
        if len(names) != 1:
            raise ModelMissing(f"{self.folder}: name one of kind {kind}; {_known('models', names)}")
        return names[0]

    def _of(self, kind: str) -> tuple[str, ...]:
        return tuple(name for name in self.names() if self.kind(name) in (kind, ""))

    def _existing(self, name: str, version: str) -> Path:
        versions = self.versions(name)
        if version not in versions:
            known = _known("versions", versions)
            raise ModelMissing(f"{self.folder / name}: no version {version!r}; {known}")
        return self.folder / name / version

    def _history(self, name: str) -> tuple[str, ...]:
        path = self.folder / name / PROMOTED
        try:
            lines = tuple(path.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise PromotionInvalid(f"{path}: cannot be read: {error}") from error
        for number, line in enumerate(lines, start=1):
            if not valid_name(line):
                raise PromotionInvalid(f"{path}: line {number}: {line!r} is no version")
        return lines

    def _write_history(self, name: str, history: tuple[str, ...]) -> None:
        """Replace the file as a whole: a reader sees the old one or the new one."""
        path = self.folder / name / PROMOTED
        try:
            with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=path.parent) as unfinished:
                written = Path(unfinished) / PROMOTED
                with written.open("x", encoding="utf-8") as file:
                    file.writelines(f"{version}\n" for version in history)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(written, path)
            sync_folder(path.parent)
        except OSError as error:
            raise StoreNotWritable(f"{path}: cannot be written ({error.strerror})") from error


def _folders(parent: Path) -> tuple[str, ...]:
    """Names of the folders that may be models or versions; what is being written is hidden."""
    try:
        entries = list(os.scandir(parent))
    except OSError as error:
        raise ModelMissing(f"{parent}: cannot be read: {error.strerror}") from error
    return tuple(sorted(e.name for e in entries if valid_name(e.name) and e.is_dir()))


def _files(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    try:
        found = [(entry.name, entry.stat()) for entry in os.scandir(folder)]
    except OSError as error:
        raise ModelMissing(f"{folder}: cannot be read: {error.strerror}") from error
    return tuple(sorted((name, s.st_ino, s.st_size, s.st_mtime_ns) for name, s in found))


def _age(version: str) -> list[tuple[int, int, str]]:
    """Sorts 0.9.0 before 0.10.0: digits by value, before any text."""
    parts = re.findall(r"[0-9]+|[^0-9]+", version)
    return [(0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts]


def _known(what: str, names: tuple[str, ...]) -> str:
    return f"{what}: {', '.join(names) or 'none'}"
